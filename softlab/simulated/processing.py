"""Frames in: what the device does because a frame came, or because time passed.

Every function gives back the frames to send, with the port of each; a port is its index, the kni of
a port the index inverted.
"""

from __future__ import annotations

from softlab.packet import ETH_ARP, ETH_IPV4, ETH_IPV6
from softlab.simulated import forwarding, hosts, interfaces, spreading, xmit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.core import DataPath, Frames

_TICK = 0.1


def step(path: DataPath, frame: bytes, port: int, now: float) -> Frames:
    """What the device sends because this frame came by the port or, inverted, by its kni."""
    if port < 0:
        return from_kni(path, frame, ~port)
    return process(path, spreading.lcore_of(path, frame, port), frame, port, now)


def process(path: DataPath, lcore: int, frame: bytes, port: int, now: float) -> Frames:
    """step() on a given worker lcore."""
    if len(frame) < 14:
        return []
    arrived = path.ports[port]
    multicast = frame[0] & 1
    if not multicast and frame[:6] != arrived.hardware and not arrived.promisc:
        return []
    arrived.ipackets += 1
    arrived.ibytes += len(frame)
    stats = path.lcores[lcore]
    stats.ipackets += 1
    stats.ibytes += len(frame)
    if arrived.forward2kni:
        path.out.append((~port, frame))
    if multicast or frame[:6] == arrived.hardware:
        wanted = _receive(path, lcore, frame, port, now)
        if wanted and not arrived.forward2kni:
            path.out.append((~port, frame))
    return path.take()


def _receive(path: DataPath, lcore: int, frame: bytes, port: int, now: float) -> bool:
    """Handle a frame for this device; True when the kernel's kni should see it too."""
    kind = frame[12:14]
    if kind == ETH_ARP:
        return hosts.arp_received(path, frame, port, now)
    if kind == ETH_IPV4:
        return forwarding.ip_received(path, lcore, frame, port, now)
    if kind == ETH_IPV6:
        if path.settings.ipv6_disabled:
            return True
        return forwarding.ip_received(path, lcore, frame, port, now)
    return True


def from_kni(path: DataPath, frame: bytes, port: int) -> Frames:
    """A frame of the kernel goes out by the port as it is."""
    path.send(path.settings.master, port, frame)
    return path.take()


def tick(path: DataPath, now: float) -> Frames:
    """Let time pass: neighbours, connections and addresses expire. Cheap when called often."""
    if now - path.ticked < _TICK:
        return []
    path.ticked = now
    for lcore in path.workers:
        path.neighbours[lcore].expire(now)
        for conn in path.connections[lcore].expired(now):
            xmit.connection_expired(path, lcore, conn, now)
    for entry in path.addresses.all():
        if entry.valid and entry.born + entry.valid <= now:
            interfaces.remove_address(path, entry.port, entry.addr, entry.plen)
    return path.take()
