"""The data path: the state that frames act on, and the frames that leave because of them.

Nothing here does I/O or reads a clock: frames to send are gathered, and taken by `processing`, so
that the whole device can be tested in memory. A port is its index; the kni of a port is the index
inverted (``~0`` for the first), both as source and as destination of a frame.
"""

from __future__ import annotations

import struct
from zlib import crc32

from softlab.packet import (
    ANY6,
    ARP_REQUEST,
    BROADCAST,
    ICMP6_NS,
    arp,
    ethernet,
    fragmented,
    icmp6,
    multicast_mac,
    solicited_node,
)
from softlab.simulated import errors
from softlab.simulated.addresses import AddressTable
from softlab.simulated.connections import ConnectionTable
from softlab.simulated.neighbours import NeighbourTable
from softlab.simulated.ports import LcoreStats, Port
from softlab.simulated.quirks import Quirks
from softlab.simulated.routes import KNI, Route, Routes4, Routes6
from softlab.simulated.services import ServiceTable
from softlab.simulated.settings import Settings
from softlab.simulated.versions import Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.bonds import Bond

Frames = list[tuple[int, bytes]]

_SOURCE_LINK = 1


class DataPath:
    """The state of one running device and what it does with frames."""

    def __init__(
        self,
        ports: list[Port],
        settings: Settings,
        version: Version,
        device_quirks: Quirks | None = None,
        *,
        secret: int = 0,
    ) -> None:
        self.ports = ports
        self.settings = settings
        self.version = version
        self.quirks = device_quirks or Quirks()
        self.workers = settings.workers
        self.addresses = AddressTable(self.workers, settings.pool_hash_size)
        self.routes4 = Routes4()
        self.routes6 = Routes6()
        self.services = ServiceTable(self.workers, spread_start=version.spreads_start)
        self.neighbours = {
            lcore: NeighbourTable(settings.neighbour_timeout, settings.neighbour_queue)
            for lcore in self.workers
        }
        self.connections = {lcore: ConnectionTable() for lcore in self.workers}
        self.lcores = {lcore: LcoreStats() for lcore in (settings.master, *self.workers)}
        self.log: list[tuple[str, str, str]] = []
        self._of_workers: list[tuple[int, str, str]] = []
        self._secret = secret
        self._idents: dict[tuple[bytes, bytes], int] = {}
        self.bonds: dict[int, Bond] = {}
        self.out: Frames = []
        self.ticked = 0.0

    # -- frames out --------------------------------------------------------------------------

    def bond_of(self, index: int) -> Bond | None:
        """The bond that a port is a member of."""
        for bond in self.bonds.values():
            if any(member.index == index for member in bond.members):
                return bond
        return None

    def take(self) -> Frames:
        """The frames to send; each is given once."""
        out, self.out = self.out, []
        return out

    def send(self, lcore: int, port: int, frame: bytes) -> None:
        """Put a frame on the wire."""
        leaving = self.ports[port]
        leaving.opackets += 1
        leaving.obytes += len(frame)
        # What the control plane sends leaves by a worker.
        stats = self.lcores[lcore if lcore in self.connections else self.workers[0]]
        stats.opackets += 1
        stats.obytes += len(frame)
        if leaving.forward2kni:
            self.out.append((~port, frame))
        self.out.append((port, frame))

    def send_to(self, lcore: int, port: int, nexthop: bytes, packet: bytes, now: float) -> None:
        """Send an IP packet to a neighbour, after asking for its MAC if need be."""
        own = self.ports[port].hardware
        if nexthop[0] == 0xFF and len(nexthop) == 16:
            self.send(lcore, port, ethernet(multicast_mac(nexthop), own, packet))
            return
        hardware, ask = self.neighbours[lcore].output(port, nexthop, packet, now)
        if hardware:
            self.send(lcore, port, ethernet(hardware, own, packet))
        if ask:
            self.solicit(lcore, port, nexthop)

    def solicit(self, lcore: int, port: int, target: bytes) -> None:
        """Ask the link who has an address."""
        own = self.ports[port].hardware
        source = self.addresses.source_for(port, target)
        if not any(source):
            self.say("ERR", "NEIGHBOUR", "neigh_state_confirm: no source ip")
        if len(target) == 4:
            request = arp(ARP_REQUEST, BROADCAST, own, source, bytes(6), target)
            self.send(lcore, port, request + bytes(60 - len(request)))
            return
        self.solicit6(lcore, port, target, source)

    def solicit6(self, lcore: int, port: int, target: bytes, source: bytes) -> None:
        """The same in IPv6, from a given address; the unspecified one looks for a duplicate."""
        own = self.ports[port].hardware
        group = solicited_node(target)
        body = struct.pack("!BBHI", ICMP6_NS, 0, 0, 0) + target
        if source != ANY6:
            body += bytes([_SOURCE_LINK, 1]) + own
        asking = icmp6(source, group, body, hops=255)
        self.send(lcore, port, ethernet(multicast_mac(group), own, asking))

    def route_to(self, dst: bytes) -> Route | None:
        """The route of a packet to send."""
        return self.routes4.lookup_out(dst) if len(dst) == 4 else self.routes6.lookup(dst)

    def send_routed(self, lcore: int, route: Route, dst: bytes, packet: bytes, now: float) -> None:
        """Send an IP packet by a route that was looked up for its destination."""
        nexthop = route.gateway if any(route.gateway) else dst
        parts = [packet] if len(packet) <= route.mtu else fragmented(packet, route.mtu)
        for part in parts:
            self.send_to(lcore, route.port, nexthop, part, now)

    def ident(self, src: bytes, dst: bytes) -> int:
        """The next IP identification of packets the device makes itself, per pair of addresses."""
        key = (src, dst)
        value = self._idents.get(key)
        if value is None:
            value = crc32(src + dst, self._secret) & 0xFFFF
        self._idents[key] = (value + 1) & 0xFFFF
        return value

    def first_sequence(self, laddr: bytes, daddr: bytes, lport: int, dport: int, now: float) -> int:
        """The sequence number a FullNAT connection starts with: a hash and a fast clock."""
        spread = crc32(laddr + daddr + struct.pack("!HH", lport, dport), self._secret) & 0xFF
        # A monotonic nanosecond clock in units of 64 ns, as the kernel's own.
        return (spread + int(now * 1e9 / 64)) & 0xFFFFFFFF

    # -- routes and the log ----------------------------------------------------------------------

    def add_route(self, route: Route, *, quiet: bool) -> None:
        """Add a route; quiet forgives one that is there already, as the device does for IPv4."""
        table: Routes4 | Routes6 = self.routes4 if len(route.dst) == 4 else self.routes6
        try:
            table.add(route)
        except errors.DpvsError:
            if not quiet:
                raise

    def remove_route(self, kind: str, dst: bytes, plen: int, port: int, *, quiet: bool) -> None:
        """Remove a route; quiet forgives one that is not there."""
        try:
            if len(dst) == 4:
                self.routes4.remove(kind, dst, plen, port)
            else:
                self.routes6.remove(dst, plen, port)
        except errors.DpvsError:
            if not quiet:
                raise

    def is_for_kni(self, dst: bytes, port: int) -> bool:
        """True when a kni_host route says the address is the kernel's."""
        four = len(dst) == 4
        route = self.routes4.lookup_in(dst, port) if four else self.routes6.lookup(dst)
        return route is not None and route.kind == KNI

    def say(self, level: str, module: str, text: str) -> None:
        """A line for the log; the daemon writes it."""
        self.log.append((level, module, text))

    def say_each(self, module: str, text: str) -> None:
        """A line of every lcore: the master's now, the workers' when the master is done."""
        self.say("DEBUG", module, f"[{self.settings.master:02d}] {text}")
        self._of_workers += [(lcore, module, text) for lcore in self.workers]

    def take_log(self) -> list[tuple[str, str, str]]:
        """All lines since the last time."""
        said = self.log
        for mine in self.workers:
            said += [
                ("DEBUG", module, f"[{lcore:02d}] {text}")
                for lcore, module, text in self._of_workers
                if lcore == mine
            ]
        self.log, self._of_workers = [], []
        return said


def is_broadcast(frame: bytes) -> bool:
    """True for a frame to everybody."""
    return frame[:6] == BROADCAST
