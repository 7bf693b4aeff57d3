"""`ipvsadm -B` and `-W`: blacklists and whitelists of services."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import Endpoint, IPAddress, address, endpoint
from dpvs_acceptance.dpvs.lines import Lines


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A source that a service refuses or accepts: an address, or the name of an ipset."""

    protocol: str
    vip: Endpoint
    address: IPAddress | None
    ipset: str | None


_TITLES = {
    ("PROTO", "VIP:VPORT"): (0, 1),
    ("VIP:VPORT", "PROTO"): (1, 0),
}
"""Columns of protocol and VIP: PROTO comes first from 1.9.8 on."""
_ROW = re.compile(r"(\S+) +(\S+) +(\S+)")
# IMCPv6 is upstream's spelling.
_PROTOCOLS = {"TCP": "TCP", "UDP": "UDP", "SCTP": "SCTP", "ICMP": "ICMP", "IMCPv6": "ICMPv6"}


def parse_access_list(text: str, source: str = "ipvsadm -B") -> tuple[AccessRule, ...]:
    """The output of `ipvsadm -B` or `ipvsadm -W`. Raises ParseError."""
    lines = Lines(text, source)
    title = lines.take(_ROW, "the column titles PROTO, VIP:VPORT and BLACKLIST or WHITELIST")
    columns = _TITLES.get((title[1], title[2]))
    if columns is None or title[3] not in ("BLACKLIST", "WHITELIST"):
        raise lines.previous_error("the column titles PROTO, VIP:VPORT and BLACKLIST or WHITELIST")
    rules = []
    while not lines.at_end:
        cells = lines.take(_ROW, "a protocol, a VIP with port and a source").groups()
        protocol = _PROTOCOLS.get(cells[columns[0]])
        if protocol is None:
            raise lines.previous_error(f"one of the protocols {' '.join(_PROTOCOLS)}")
        source_name = cells[2]
        ipset = source_name.removeprefix("ipset:") if source_name.startswith("ipset:") else None
        try:
            who = address(source_name) if ipset is None else None
            rules.append(AccessRule(protocol, endpoint(cells[columns[1]]), who, ipset))
        except ValueError:
            raise lines.previous_error("a VIP with port, and an address or ipset:NAME") from None
    return tuple(rules)
