"""Quirks of frames that come: what is sent instead of handling them."""

from __future__ import annotations

from softlab.simulated import packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.core import DataPath

    Arriving = Callable[[DataPath, int, bytes], list[bytes] | None]


def _for_anybody(path: DataPath, port: int, frame: bytes) -> list[bytes] | None:
    """ARP and echo requests are answered whoever is meant."""
    own = path.ports[port].hardware
    if frame[12:14] == packet.ETH_ARP:
        parsed = packet.parse_arp(frame)
        if parsed is None or parsed[0] != packet.ARP_REQUEST or not any(parsed[2]):
            return None
        _, sha, spa, _, tpa = parsed
        if path.addresses.is_local(port, tpa) or path.is_for_kni(tpa, port) or spa == tpa:
            return None
        return [packet.arp(packet.ARP_REPLY, frame[6:12], own, tpa, sha, spa)]
    return None


def _vip_everywhere(path: DataPath, port: int, frame: bytes) -> list[bytes] | None:
    """ARP for an address of another port is answered here as well (arp_ignore of a Linux)."""
    own = path.ports[port].hardware
    parsed = packet.parse_arp(frame) if frame[12:14] == packet.ETH_ARP else None
    if parsed is None or parsed[0] != packet.ARP_REQUEST:
        return None
    _, sha, spa, _, tpa = parsed
    elsewhere = any(entry.addr == tpa and entry.port != port for entry in path.addresses.all())
    if not elsewhere:
        return None
    return [packet.arp(packet.ARP_REPLY, frame[6:12], own, tpa, sha, spa)]


ARRIVING: dict[str, Arriving] = {
    "arp.anybody": _for_anybody,
    "arp.other-ports": _vip_everywhere,
}
