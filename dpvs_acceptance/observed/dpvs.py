"""State of DPVS in one snapshot, from its tools, configuration and log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from dpvs_acceptance.dpvs import banners
from dpvs_acceptance.dpvs.conf import Conf, ConfSpec, DeviceSpec, parse, read_spec
from dpvs_acceptance.dpvs.diagnosis import LogFinding, diagnose
from dpvs_acceptance.dpvs.dpip import (
    AddressEntry,
    DpvsPort,
    Lcore,
    LcoreStats,
    LinkStats,
    Neighbour,
    Route,
    parse_addresses,
    parse_lcores,
    parse_links,
    parse_neighbours,
    parse_routes,
)
from dpvs_acceptance.dpvs.ipvsadm import (
    ConnectionEntry,
    ServiceCounters,
    ServiceTable,
    parse_connections,
    parse_laddrs,
    parse_services,
    parse_stats,
)
from dpvs_acceptance.dpvs.ipvsadm import ServiceEntry as SeenService
from dpvs_acceptance.dpvs.log import DeviceSettings, Start, last_start, read_start
from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.hosts.snapshot import SnapshotError, SnapshotReader
from dpvs_acceptance.model.topology import Address, DeclaredService


class DpvsState:
    """One reading of DPVS."""

    def __init__(self, snapshot: SnapshotReader) -> None:
        self.snapshot = snapshot

    @cached_property
    def version(self) -> Version:
        section = self.snapshot.get("dpvs -v")
        # It writes to stderr until a log file is set.
        return banners.parse_dpvs_version(section.stdout + section.stderr).version

    @property
    def dpip_version(self) -> Version | None:
        return banners.parse_dpip_version(self.snapshot.text("dpip -V")).version

    @property
    def keepalived(self) -> banners.KeepalivedBanner:
        section = self.snapshot.get("keepalived -v")
        return banners.parse_keepalived_version(section.stdout + section.stderr)

    @cached_property
    def links(self) -> Mapping[str, DpvsPort]:
        return {one.name: one for one in parse_links(self.snapshot.text("dpip link show"))}

    def link(self, port: str) -> DpvsPort:
        """A port; SnapshotError if DPVS has no port of that name."""
        if port not in self.links:
            raise SnapshotError(f"DPVS has no port {port}; `dpip link show` lists {[*self.links]}")
        return self.links[port]

    def link_stats(self, port: str) -> LinkStats:
        """Counters of a port since its start."""
        for link in parse_links(self.snapshot.text("dpip -s -v link show")):
            if link.name == port and link.stats is not None:
                return link.stats
        raise SnapshotError(f"`dpip -s -v link show` has no counters of {port}")

    @cached_property
    def lcores(self) -> Mapping[int, Lcore]:
        return {one.cpu: one for one in parse_lcores(self.snapshot.text("dpip -s link show cpu"))}

    def lcore(self, lcore: int) -> Lcore:
        if lcore not in self.lcores:
            raise SnapshotError(f"DPVS has no lcore {lcore}, only {[*self.lcores]}")
        return self.lcores[lcore]

    def lcore_stats(self, lcore: int) -> LcoreStats:
        stats = self.lcore(lcore).stats
        if stats is None:
            raise SnapshotError(f"`dpip -s link show cpu` has no counters of lcore {lcore}")
        return stats

    @cached_property
    def addresses(self) -> tuple[AddressEntry, ...]:
        return parse_addresses(self.snapshot.text("dpip -s addr show"))

    @cached_property
    def lcore_addresses(self) -> tuple[AddressEntry, ...]:
        """Addresses by lcore: master and workers have separate lists."""
        return parse_addresses(self.snapshot.text("dpip -s -v addr show"))

    def addresses_of(self, address: Address) -> tuple[AddressEntry, ...]:
        return tuple(entry for entry in self.addresses if entry.address == address)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """IPv4 and IPv6."""
        texts = ("dpip route show", "dpip -6 route show")
        return tuple(r for name in texts for r in parse_routes(self.snapshot.text(name), name))

    @cached_property
    def neighbours(self) -> tuple[Neighbour, ...]:
        return parse_neighbours(self.snapshot.text("dpip neigh show"))

    @cached_property
    def services(self) -> ServiceTable:
        return parse_services(self.snapshot.text("ipvsadm -ln"))

    def service(self, service: DeclaredService) -> SeenService | None:
        return self.services.find(service.protocol.upper(), service.vip, service.port)

    def counters(self, service: DeclaredService) -> ServiceCounters:
        """Counters of a service and its real servers; SnapshotError if it does not exist."""
        table = parse_stats(self.snapshot.text("ipvsadm -ln --stats"))
        found = table.find(service.protocol.upper(), service.vip, service.port)
        if found is None:
            raise SnapshotError(f"`ipvsadm -ln --stats` has no service {service.name}")
        return found

    @cached_property
    def all_connections(self) -> dict[tuple[Address, int], int]:
        """Connections of each service with a VIP, by VIP and port."""
        table = parse_stats(self.snapshot.text("ipvsadm -ln --stats"))
        return {
            (vip.address, vip.port): one.counters.conns
            for one in table.services
            if (vip := one.id.vip) is not None
        }

    @cached_property
    def all_local_addresses(self) -> dict[tuple[Address, int], set[Address]]:
        """LIPs by VIP and port, from `ipvsadm -G`."""
        return {
            (entry.vip.address, entry.vip.port): {local.address for local in entry.addresses}
            for entry in parse_laddrs(self.snapshot.text("ipvsadm -G"))
        }

    def local_addresses_of(self, service: DeclaredService) -> set[Address]:
        """LIPs from `ipvsadm -G`, which does not distinguish TCP and UDP on one VIP and port."""
        return {
            local.address
            for entry in parse_laddrs(self.snapshot.text("ipvsadm -G"))
            if (entry.vip.address, entry.vip.port) == (service.vip, service.port)
            for local in entry.addresses
        }

    @cached_property
    def connections(self) -> tuple[ConnectionEntry, ...]:
        return parse_connections(self.snapshot.text("ipvsadm -lnc"))

    @cached_property
    def conf_tree(self) -> Conf:
        return parse(self.snapshot.text("dpvs.conf"), "dpvs.conf")

    @cached_property
    def conf(self) -> ConfSpec:
        return read_spec(self.conf_tree)

    def conf_device(self, port: str) -> DeviceSpec | None:
        return next((device for device in self.conf.devices if device.name == port), None)

    @property
    def log_lines(self) -> list[str]:
        """What the running DPVS logged, without earlier starts that the log may have."""
        return last_start(self.snapshot.text("dpvs log")).splitlines()

    @property
    def log_findings(self) -> list[LogFinding]:
        """Known failures in the log."""
        return [one for one in diagnose(self.log_lines) if one.severity in ("fatal", "error")]

    @cached_property
    def start(self) -> Start:
        """What the running DPVS logged about its start."""
        said = self.snapshot.get("dpvs start log").stdout
        return read_start(said + self.snapshot.text("dpvs log"))

    def start_settings(self, port: str) -> DeviceSettings | None:
        """The settings of a port as DPVS read them."""
        return next((device for device in self.start.devices if device.name == port), None)

    def refused_keyword(self, keyword: str) -> str | None:
        """The log line if this build does not support a keyword of dpvs.conf, else empty."""
        said = f"not supported keyword -- {keyword}"
        return next((line.strip() for line in self.log_lines if said in line), None)

    @property
    def pid_file(self) -> int | None:
        section = self.snapshot.get("pid file")
        text = section.stdout.strip()
        return int(text) if section.ok and re.fullmatch(r"\d{1,18}", text) else None
