"""`dpip maddr show [dev DEV]` (1.9.8 and later): multicast groups of each port."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import IPAddress, address
from dpvs_acceptance.dpvs.lines import MAC, NUMBER, Lines


@dataclass(frozen=True, slots=True)
class PortMulticast:
    """The groups of one port: MAC addresses, and IP addresses of both families."""

    number: int
    device: str
    macs: tuple[str, ...]
    groups: tuple[IPAddress, ...]


_PORT = re.compile(rf"({NUMBER}):\s+(\S+)")
_MAC = re.compile(rf"link ({MAC})")
_GROUP = re.compile(r"(inet6?) (\S+)")


def parse_multicast(text: str, source: str = "dpip maddr show") -> tuple[PortMulticast, ...]:
    """Every port in `text`. Raises ParseError."""
    lines = Lines(text, source)
    ports = []
    while not lines.at_end:
        port = lines.take(_PORT, "`NUMBER: DEVICE`, `link MAC` or `inet|inet6 ADDR`")
        macs, groups = [], []
        while (found := lines.take_if(_MAC)) is not None:
            macs.append(found[1].lower())
        while (found := lines.take_if(_GROUP)) is not None:
            try:
                group = address(found[2])
            except ValueError:
                raise lines.previous_error("an address of a multicast group") from None
            if (group.version == 6) != (found[1] == "inet6"):
                raise lines.previous_error("an address of the given family")
            groups.append(group)
        ports.append(PortMulticast(int(port[1]), port[2], tuple(macs), tuple(groups)))
    return tuple(ports)
