"""The rows of upstream's checklist that a check proves, if they depend on the topology.

A check that runs once per service proves different rows for IPv4 and IPv6 services. Its marker
names a family of rows, `requirement("S30", "fullnat")`; the row then follows from the service.
"""

from __future__ import annotations

from collections.abc import Callable

from dpvs_acceptance.model.service import DeclaredService
from dpvs_acceptance.model.topology import Topology

MANY = "many services"
_MANY = ((1000, "FWD-27"), (200, "FWD-26"))
_FULLNAT = {
    ("tcp", 4): "FWD-01",
    ("tcp", 6): "FWD-03",
    ("udp", 4): "FWD-06",
    ("udp", 6): "FWD-08",
}
_FULLNAT64 = {"tcp": "FWD-02", "udp": "FWD-07"}
_NAT64 = {"tcp": "S36.N01", "udp": "S36.N02"}
_MODES = {
    ("tunnel", 4): "FWD-16",
    ("tunnel", 6): "FWD-17",
    ("dr", 4): "FWD-18",
    ("dr", 6): "FWD-19",
    ("nat", 4): "FWD-20",
    ("nat", 6): "FWD-21",
}
_OPTIONS = {
    ("tcp", 4, 4): "TOA-02",
    ("tcp", 6, 4): "TOA-03",
    ("tcp", 6, 6): "TOA-04",
    ("udp", 4, 4): "TOA-07",
    ("udp", 6, 4): "TOA-08",
    ("udp", 6, 6): "TOA-09",
}
_SHEET_UDP = {"dr": "V172-25", "tunnel": "V172-27", "nat": "V172-29"}
_SHEET_SYNPROXY = {(4, 4): "V172-02", (6, 6): "V172-03", (6, 4): "V172-04"}
# Not V172-28: since 1.8 at the latest a tunnel carries IPv6 in IPv4 (__dp_vs_xmit_tunnel_6o4).
_SHEET_REFUSED = {"dr": "V172-26", "nat": "V172-30"}
_TOA = {("tcp", 4): "TOA-02", ("tcp", 6): "TOA-04"}
_UOA = {("udp", 4): "TOA-07", ("udp", 6): "TOA-09"}
_SCHEDULERS = {"rr": "SCH-01", "wrr": "SCH-02"}


def _plain(service: DeclaredService) -> tuple[str, int] | None:
    """Protocol and address family of a FullNAT service without NAT64 and SYN proxy, else None."""
    if service.forwarding != "fullnat" or service.nat64 or service.synproxy:
        return None
    return service.protocol, service.vip.version


def _in(table: dict[tuple[str, int], str]) -> Callable[[DeclaredService], str]:
    return lambda service: table.get(key, "") if (key := _plain(service)) is not None else ""


def _forwarding(service: DeclaredService) -> str:
    """The row of the service's forwarding mode."""
    if service.forwarding != "fullnat":
        return _MODES[service.forwarding, service.vip.version]
    if service.synproxy:
        return "FWD-04"
    if service.nat64:
        return _FULLNAT64[service.protocol]
    return _FULLNAT[service.protocol, service.vip.version]


def _option(service: DeclaredService) -> str:
    """The row of the option that carries the client's address to the real server."""
    if service.forwarding != "fullnat":
        return ""
    return _OPTIONS[service.protocol, service.vip.version, service.server_family]


def _release_sheet(service: DeclaredService) -> str:
    """The row of upstream's v1.7.2 sheet, which distinguishes cases that today's list does not."""
    if service.synproxy:
        return _SHEET_SYNPROXY[service.vip.version, service.server_family]
    return _SHEET_UDP.get(service.forwarding, "") if service.protocol == "udp" else ""


def _local_address(service: DeclaredService) -> str:
    """The row of local addresses (LIPs) of the service's address family; empty without LIPs."""
    if service.forwarding != "fullnat":
        return ""
    return "IP6-05" if service.server_family == 6 else "IP4-05"


FAMILIES: dict[str, Callable[[DeclaredService], str]] = {
    "local address": _local_address,
    "release sheet": _release_sheet,
    "6to4 refused": lambda service: _SHEET_REFUSED.get(service.forwarding, ""),
    "fullnat": _in(_FULLNAT),
    "forwarding": _forwarding,
    "client's address": _option,
    "toa": _in(_TOA),
    "uoa": _in(_UOA),
    "nat64": lambda service: _NAT64[service.protocol] if service.nat64 else "",
    "round robin": lambda service: _SCHEDULERS.get(service.scheduler, ""),
}
"""By family of rows: the row of a service, empty for none."""


def _every_mode(topology: Topology) -> str:
    """FWD-25, if FullNAT, DR, tunnel and SNAT are all configured."""
    modes = {service.forwarding for service in topology.services}
    return "FWD-25" if topology.snat and {"fullnat", "dr", "tunnel"} <= modes else ""


def _kni(topology: Topology) -> str:
    if not any(link.kni for link in topology.links.values()):
        return ""
    return "DEV-11" if topology.bonds else "DEV-10"


DECLARED: dict[str, Callable[[Topology], str]] = {
    "every mode": _every_mode,
    "kni": _kni,
}
"""By family of rows: the row of a whole topology, empty for none."""


def is_family(word: str) -> bool:
    return word == MANY or word in FAMILIES or word in DECLARED


def rows_of(word: str) -> frozenset[str]:
    """Every requirement id that `word` can stand for; `word` itself if it is an id."""
    tables = {
        MANY: [row for _, row in _MANY],
        "fullnat": _FULLNAT.values(),
        "toa": _TOA.values(),
        "uoa": _UOA.values(),
        "nat64": _NAT64.values(),
        "round robin": _SCHEDULERS.values(),
        "forwarding": [*_MODES.values(), *_FULLNAT.values(), *_FULLNAT64.values(), "FWD-04"],
        "client's address": _OPTIONS.values(),
        "every mode": ["FWD-25"],
        "kni": ["DEV-10", "DEV-11"],
        "local address": ["IP4-05", "IP6-05"],
        "release sheet": [*_SHEET_UDP.values(), *_SHEET_SYNPROXY.values()],
        "6to4 refused": _SHEET_REFUSED.values(),
    }
    return frozenset(tables.get(word, [word]))


def row_of(word: str, topology: Topology | None, service: str) -> str:
    """The requirement id that `word` stands for in a check of this service or fleet.

    `word` itself if it is an id; empty if the family has no row for the service.
    """
    if not is_family(word):
        return word
    if topology is None:
        return ""
    if word in DECLARED:
        return DECLARED[word](topology)
    if word == MANY:
        counts = [fleet.count for fleet in topology.fleets if fleet.name == service]
        return next((row for least, row in _MANY if counts and counts[0] >= least), "")
    found = next((one for one in topology.services if one.name == service), None)
    return "" if found is None else FAMILIES[word](found)
