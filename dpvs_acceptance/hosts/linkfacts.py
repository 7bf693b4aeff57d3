"""How interfaces depend on each other, as typed facts: kinds, tunnels, bridges of Open vSwitch.

Pure; strict: no line is skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .facts import FactError, records

_LINK = re.compile(r"\d+: ([^:@\s]+)(?:@([^:\s]+))?: <([^>]*)>")
# What iproute2 prints of a device that has no kind, behind its addresses.
_NO_KIND = re.compile(r"(?:addrgenmode|numtxqueues|\w+_slave|gso_max_size|parentbus)\b")
_OVER = re.compile(r" (?:dev|link) (\S+)")


@dataclass(frozen=True, slots=True)
class LinkDetails:
    """kind: `veth`, `bridge`, `vlan`, `vxlan`, …; empty for hardware. over: the interfaces that it
    names as those below it, or as its other end; one in another namespace is not among them."""

    name: str
    kind: str
    over: tuple[str, ...] = ()
    up: bool = False
    """The link is up: the interface is, and has a carrier."""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A far end of a tunnel, and the interface by which its packets leave."""

    device: str
    address: str
    interface: str


@dataclass(frozen=True, slots=True)
class OvsBridge:
    """Ports of a bridge of Open vSwitch, and the far ends of those that are patches."""

    name: str
    ports: tuple[str, ...]
    peers: tuple[str, ...]


def link_details(text: str) -> dict[str, LinkDetails]:
    """Section `ip -d link` (`ip -d -o link`), by name."""
    found = {}
    for line in text.splitlines():
        head, *more = re.split(r"\\\s*", line)
        match = _LINK.match(head)
        if match is None:
            raise FactError("ip -d link", line, "`index: name: <FLAGS>`")
        details = next((one for one in more[1:] if one and not _NO_KIND.match(one)), "")
        kind = details.split(" ", 1)[0]
        below = [match[2]] if match[2] and not re.fullmatch(r"NONE|if\d+", match[2]) else []
        below += _OVER.findall(details)
        up = "LOWER_UP" in match[3].split(",")
        found[match[1]] = LinkDetails(match[1], kind, tuple(dict.fromkeys(below)), up)
    return found


def tunnel_ends(text: str) -> tuple[FarEnd, ...]:
    """Section `tunnels`."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) != 3:
            raise FactError("tunnels", line, "`device address interface`")
        found.append(FarEnd(*words))
    return tuple(found)


def ovs_bridges(text: str) -> tuple[OvsBridge, ...]:
    """Section `ovs`."""
    return tuple(
        OvsBridge(
            name,
            tuple(value for key, value in attributes if key == "port"),
            tuple(value for key, value in attributes if key == "peer"),
        )
        for name, attributes in records("ovs", text, "bridge")
    )
