"""Every recording: which parser reads it, and how it is written again; or why none does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from typing import Any

from dpvs_acceptance.dpvs import banners, conf, devbind, dpip, ipvsadm
from dpvs_acceptance.dpvs.log import read_start
from tests.dpvs import rendered

Parser = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Read:
    """names: glob patterns below recordings/. noise: lines of other commands in the same file.

    render: gives the output back, byte for byte.
    """

    names: tuple[str, ...]
    parser: Parser
    render: Callable[[Any], str] | None = None
    noise: str | None = None

    def text(self, output: str) -> str:
        """What the parser is for."""
        if self.noise is None:
            return output
        kept = [line for line in output.split("\n") if not re.fullmatch(self.noise, line)]
        return "\n".join(kept)


@dataclass(frozen=True, slots=True)
class NotRead:
    """why: no state, or no check reads it."""

    names: tuple[str, ...]
    why: str


def _black(rules: Any) -> str:
    return rendered.access(rules, "BLACKLIST", protocol_first=True)


def _white(rules: Any) -> str:
    return rendered.access(rules, "WHITELIST", protocol_first=True)


def _three_banners(text: str) -> tuple[object, ...]:
    first, second, third = text.splitlines()
    return (
        banners.parse_dpip_version(first),
        banners.parse_dpvs_version(second),
        banners.parse_ipvsadm_version(third),
    )


def _services_then_addresses(text: str) -> tuple[object, ...]:
    services, inet6, addresses = text.partition("inet6 ")
    return ipvsadm.parse_services(services), dpip.parse_addresses(inet6 + addresses)


def _save_and_restore(text: str) -> tuple[object, ...]:
    _, cleared, restored = re.split(r"rc=\d+\n", text)
    services, title, laddrs = restored.partition("VIP:VPORT")
    return (
        *_services_then_addresses(cleared),
        ipvsadm.parse_services(services),
        ipvsadm.parse_laddrs(title + laddrs),
    )


RC = r"rc=\d+"
NOT_IN_NUMBERS = "asked without -n: names instead of numbers, which no snapshot does"

CATALOGUE: tuple[Read | NotRead, ...] = (
    Read(
        (
            "*/dpip*-link-show.txt",
            "*/dpip*-link-show-dpdk*.txt",
            "*/s-link-show-vlan.txt",
            "*/link-show-*.txt",
        ),
        dpip.parse_links,
        rendered.links,
    ),
    Read(
        ("*/link-set-*.txt", "*/kni-link-set-*.txt"),
        dpip.parse_links,
        rendered.links,
        noise=rf"{RC}|invalid arguement value for 'lldp'",
    ),
    Read(("*/dpip*-link-show-cpu*.txt",), dpip.parse_lcores, rendered.lcores),
    Read(
        ("*/dpip*-addr-show*.txt", "*/addr-show-3.txt", "*/snat-addr-show.txt"),
        dpip.parse_addresses,
        rendered.addresses,
    ),
    Read(
        (
            "*/dpip*-route-show.txt",
            "*/route-show-*.txt",
            "*/kni-route-show.txt",
            "*/v6-dpip-6-route-show.txt",
        ),
        dpip.parse_routes,
        rendered.routes,
    ),
    Read(
        ("*/dpip*-neigh-show.txt", "*/neigh-show-*.txt", "*/v6-dpip-neigh-show.txt"),
        dpip.parse_neighbours,
        rendered.neighbours,
    ),
    Read(("*/v6-dpip-addr-show-s.txt",), dpip.parse_addresses, rendered.addresses),
    Read(("*/vlan-show*.txt",), dpip.parse_vlans, rendered.vlans),
    Read(("*/dpip-tunnel-show.txt", "*/tunnel-show.txt"), dpip.parse_tunnels, rendered.tunnels),
    Read(("*/dpip-maddr-show.txt",), dpip.parse_multicast, rendered.multicast),
    Read(
        (
            "*/ipvsadm-ln.txt",
            "*/ipvsadm-ln-t.txt",
            "*/ipvsadm-ln-cpu1.txt",
            "*/*-ipvsadm-ln.txt",
            "*/flags-destcheck-ln.txt",
            "*/ka-ipvsadm-ln-*.txt",
        ),
        ipvsadm.parse_services,
        rendered.services,
    ),
    Read(
        (
            "*/ipvsadm-Ln-stats*.txt",
            "*/*-ipvsadm-ln-stats.txt",
            "*/synproxy-stats.txt",
            "*/zero-ipvsadm-Z.txt",
        ),
        ipvsadm.parse_stats,
        rendered.stats,
        noise=RC,
    ),
    Read(("*/ipvsadm-Ln-rate.txt",), ipvsadm.parse_rates, rendered.rates),
    Read(("*/*ipvsadm-G*.txt",), ipvsadm.parse_laddrs, rendered.laddrs),
    Read(("*/*ipvsadm-lnc.txt", "*/*-lnc.txt"), ipvsadm.parse_connections, rendered.connections),
    Read(("*/ipvsadm-B.txt", "*/flags-B.txt"), ipvsadm.parse_access_list, _black),
    Read(("*/ipvsadm-W.txt", "*/flags-W.txt"), ipvsadm.parse_access_list, _white),
    Read(("*/ka-stopped-state.txt",), _services_then_addresses),
    Read(("*/flags-save-restore.txt",), _save_and_restore),
    Read(("v1.10.2/dpip-V.txt",), banners.parse_dpip_version),
    Read(("v1.9.10/dpip-V.txt",), _three_banners),
    Read(("*/dpvs-v.txt",), banners.parse_dpvs_version),
    Read(("*/ipvsadm-v.txt", "*/ipvsadm-version.txt"), banners.parse_ipvsadm_version),
    Read(("*/keepalived-v.txt",), banners.parse_keepalived_version),
    Read(("v1.8.10/devbind-*.txt",), devbind.parse_status),
    Read(("v1.8.10/dpvs.conf",), conf.parse),
    Read(
        (
            "*/dpvs-stdout-log-full.txt",
            "*/dpvs-log-after-errors.txt",
            "*/fail-*.txt",
            "*/kni-on-without-vhost-net.txt",
        ),
        read_start,
    ),
    NotRead(
        (
            "*/err-*.txt",
            "*/ok-*.txt",
            "*/dpip-lldp-show.txt",
            "*/dpip-flow-show.txt",
            "*/dpip-vlan-show.txt",
            "*/iftraf.txt",
        ),
        "refusals of tools: dpvs_acceptance/dpvs/toolfacts.py",
    ),
    NotRead(
        ("*/dpip*-help.txt", "*/dpip-noargs.txt", "*/dpvs-help.txt", "*/ipvsadm-help.txt"),
        "usage text",
    ),
    NotRead(("*/ipvsadm-l.txt", "*/ipvsadm-lc.txt", "*/ipvsadm-noargs.txt"), NOT_IN_NUMBERS),
    NotRead(("*/*ipvsadm-S.txt",), NOT_IN_NUMBERS),
    NotRead(
        ("*/*ipvsadm-Sn.txt",), "commands for -R; it leaves out what -ln and -G say (LIPs, flags)"
    ),
    NotRead(
        ("*/ipvsadm-Ln-persistent-conn.txt", "*/ipvsadm-Ln-thresholds.txt"),
        "the table of -ln with other columns, which no check reads",
    ),
    NotRead(
        ("*/ipvsadm-daemon.txt", "*/ipvsadm-ln-timeout.txt"), "prints nothing: not implemented"
    ),
    NotRead(("*/dpip-eal-mem-show-*.txt",), "DPDK's memory; leaks show in `dpip -s link show`"),
    NotRead(("*/dpip-ipv6-show.txt",), "IPv6 counters of all ports, which no check reads"),
    NotRead(
        ("*/dpip-qsch-show.txt", "*/tc-qsch.txt"), "traffic control, which no check configures"
    ),
    NotRead(("*/dpip-ipset-show.txt", "*/flags-ipset-*.txt"), "ipsets, which no check configures"),
    NotRead(("*/dpip-iftraf-show.txt",), "traffic statistics, off unless enabled"),
    NotRead(("*/keepalived-log.txt",), "keepalived's log"),
    NotRead(("*/kni-ip-addr.txt",), "output of the kernel's ip"),
    NotRead(("*/README.md",), "about the recordings"),
)


@cache
def entries(name: str) -> list[Read | NotRead]:
    """Those that a recording's name fits."""
    return [entry for entry in CATALOGUE if any(fnmatch(name, pattern) for pattern in entry.names)]


def reader(name: str) -> Read | None:
    """The parser of a recording; None where there is none."""
    found = entries(name)
    return found[0] if found and isinstance(found[0], Read) else None
