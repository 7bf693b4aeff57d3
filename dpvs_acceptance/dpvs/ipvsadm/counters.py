"""`ipvsadm -ln --stats` and `--rate`: counters of services and real servers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import Endpoint, IPAddress, endpoint
from dpvs_acceptance.dpvs.ipvsadm.identity import (
    EXPECTED_SERVER,
    Header,
    ServiceId,
    no_service,
    read_header,
    read_titles,
    service_id,
)
from dpvs_acceptance.dpvs.lines import Lines


@dataclass(frozen=True, slots=True)
class Counters:
    """Connections, packets and bytes; with --rate, each per second.

    rounded: at least one value was printed as 123456K, M, G or T and is only a lower bound. Use
    --exact if differences of large counters matter.
    """

    conns: int
    in_pkts: int
    out_pkts: int
    in_bytes: int
    out_bytes: int
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class ServerCounters:
    """Counters of one real server."""

    endpoint: Endpoint
    counters: Counters


@dataclass(frozen=True, slots=True)
class ServiceCounters:
    """Counters of a service, the sum of its current real servers; removing one reduces it.

    limit_mbps: the service's bandwidth limit, printed only with --rate.
    """

    id: ServiceId
    counters: Counters
    servers: tuple[ServerCounters, ...]
    limit_mbps: int | None = None


@dataclass(frozen=True, slots=True)
class CountersTable:
    """All services. header None: a single service was queried."""

    header: Header | None
    services: tuple[ServiceCounters, ...]

    def find(self, protocol: str, address: IPAddress, port: int) -> ServiceCounters | None:
        """The counters of the service of a VIP and port."""
        wanted = ServiceId(protocol, vip=Endpoint(address, port))
        return next((service for service in self.services if service.id == wanted), None)


STATS_TITLES = ("Prot LocalAddress:Port Conns InPkts OutPkts InBytes OutBytes",)
RATE_TITLES = ("Prot LocalAddress:Port CPS InPPS OutPPS InBPS OutBPS",)
_SERVERS_TITLE = "-> RemoteAddress:Port"
# From 100 million on 123456K, from a billion on M, and so on (print_largenum in ipvsadm.c).
_FIVE = r" +([0-9]{1,20}|[0-9]{6}K|[0-9]{4,5}M|[0-9]{3,5}G|[0-9]{3,7}T)" * 5 + " *"
_SERVICE = re.compile(r" *(FWM|[A-Za-z0-9]+) +([0-9]+ IPv6|\S+)(?: bps ([0-9]{1,10})M)?" + _FIVE)
_SERVER = re.compile(r" *-> (\S+)" + _FIVE)
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_EXPECTED = "a service or a real server, each with five counters"


def parse_stats(text: str, source: str = "ipvsadm -ln --stats") -> CountersTable:
    """The output of `ipvsadm -ln --stats [--exact]`. Raises ParseError."""
    return _parse(text, source, STATS_TITLES)


def parse_rates(text: str, source: str = "ipvsadm -ln --rate") -> CountersTable:
    """The output of `ipvsadm -ln --rate`. Raises ParseError."""
    return _parse(text, source, RATE_TITLES)


def _parse(text: str, source: str, titles: tuple[str, ...]) -> CountersTable:
    lines = Lines(text, source)
    header = read_header(lines)
    read_titles(lines, *titles, _SERVERS_TITLE)
    services: list[ServiceCounters] = []
    pending: tuple[ServiceId, Counters, int | None] | None = None
    servers: list[ServerCounters] = []
    for number, line in lines.take_rest():
        server = _SERVER.fullmatch(line)
        if server is not None:
            if pending is None:
                raise no_service(lines, number, line)
            try:
                servers.append(ServerCounters(endpoint(server[1]), _counters(server.groups()[1:])))
            except ValueError:
                raise lines.error_at(number, line, EXPECTED_SERVER) from None
            continue
        if pending is not None:
            services.append(ServiceCounters(*pending[:2], tuple(servers), pending[2]))
            servers = []
        found = _SERVICE.fullmatch(line)
        if found is None:
            raise lines.error_at(number, line, _EXPECTED)
        limit = int(found[3]) if found[3] is not None else None
        try:
            pending = service_id(found[1], found[2]), _counters(found.groups()[3:]), limit
        except ValueError:
            raise lines.error_at(number, line, _EXPECTED) from None
    if pending is not None:
        services.append(ServiceCounters(*pending[:2], tuple(servers), pending[2]))
    return CountersTable(header, tuple(services))


def _counters(cells: tuple[str, ...]) -> Counters:
    conns, in_pkts, out_pkts, in_bytes, out_bytes = (
        int(cell[:-1]) * _UNITS[cell[-1]] if cell[-1] in _UNITS else int(cell) for cell in cells
    )
    rounded = any(cell[-1] in _UNITS for cell in cells)
    return Counters(conns, in_pkts, out_pkts, in_bytes, out_bytes, rounded)
