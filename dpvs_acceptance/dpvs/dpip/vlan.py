"""`dpip vlan show { NAME | link DEV }`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.lines import Lines


@dataclass(frozen=True, slots=True)
class VlanDevice:
    """A VLAN device on a port. proto: 802.1q or 802.1ad."""

    name: str
    link: str
    proto: str
    vlan_id: int


_VLAN = re.compile(r"(\S+) link (\S+) proto (802\.1q|802\.1ad) id ([0-9]{1,4})")


def parse_vlans(text: str, source: str = "dpip vlan show") -> tuple[VlanDevice, ...]:
    """Every VLAN in `text`. Raises ParseError."""
    lines = Lines(text, source)
    vlans = []
    while not lines.at_end:
        found = lines.take(_VLAN, "`NAME link DEVICE proto 802.1q|802.1ad id N`")
        vlans.append(VlanDevice(found[1], found[2], found[3], int(found[4])))
    return tuple(vlans)
