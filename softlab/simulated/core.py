"""The data path: frames in, frames out, with all the state they act on.

Nothing here does I/O or reads a clock: ``step(frame, port, now)`` gives back the frames to send,
so that the whole device can be tested in memory. A port is its index; the kni of a port is the
index inverted (``~0`` for the first), both as source and as destination of a frame.
"""

from __future__ import annotations

import struct
from zlib import crc32

from softlab.simulated import errors, forwarding, hosts, mangling, quirks, spreading, xmit
from softlab.simulated.addresses import AddressTable, IfAddr
from softlab.simulated.connections import ConnectionTable
from softlab.simulated.neighbours import NeighbourTable
from softlab.simulated.packet import (
    BROADCAST,
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    address_text,
    ethernet,
    fragmented,
    multicast_mac,
    solicited_node,
)
from softlab.simulated.ports import LcoreStats, Port
from softlab.simulated.quirks import Quirks
from softlab.simulated.routes import KNI, LOCAL, NET, Route, Routes4, Routes6
from softlab.simulated.services import ServiceTable
from softlab.simulated.settings import Settings
from softlab.simulated.versions import Version

Frames = list[tuple[int, bytes]]

_TICK = 0.1
_HELD_FOR = 0.3
"""How long a device that misbehaves so holds a frame back."""


class DataPath:
    """The state of one running device and what it does with frames."""

    def __init__(
        self,
        ports: list[Port],
        settings: Settings,
        version: Version,
        omitted: Quirks | None = None,
        *,
        secret: int = 0,
    ) -> None:
        self.ports = ports
        self.settings = settings
        self.version = version
        self.quirks = omitted or Quirks()
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
        self._out: Frames = []
        self._held: list[tuple[float, int, bytes]] = []
        self._ticked = 0.0

    # -- frames in ---------------------------------------------------------------------------

    def step(self, frame: bytes, port: int, now: float) -> Frames:
        """What the device sends because this frame came; port as described above."""
        if port < 0:
            return self.from_kni(frame, ~port)
        return self.process(self.lcore_of(frame, port), frame, port, now)

    def process(self, lcore: int, frame: bytes, port: int, now: float) -> Frames:
        """step() on a given worker lcore."""
        if len(frame) < 14:
            return []
        arrived = self.ports[port]
        if self.quirks.omitted and (instead := mangling.arriving(self, port, frame)) is not None:
            for one in instead:
                self.send(lcore, port, one)
            return self._flush()
        multicast = frame[0] & 1
        if not multicast and frame[:6] != arrived.hardware and not arrived.promisc:
            return []
        if not self.quirks.omits(quirks.COUNT_PORT):
            arrived.ipackets += 1
            arrived.ibytes += len(frame)
        stats = self.lcores[lcore]
        stats.ipackets += 1
        stats.ibytes += len(frame)
        if arrived.forward2kni:
            self._out.append((~port, frame))
        if multicast or frame[:6] == arrived.hardware:
            wanted = self._receive(lcore, frame, port, now)
            if wanted and not arrived.forward2kni:
                self._out.append((~port, frame))
        return self._flush()

    def _receive(self, lcore: int, frame: bytes, port: int, now: float) -> bool:
        """Handle a frame for this device; True when the kernel's kni should see it too."""
        kind = frame[12:14]
        if kind == ETH_ARP:
            return hosts.arp_received(self, frame, port, now)
        if kind == ETH_IPV4:
            return forwarding.ip_received(self, lcore, frame, port, now)
        if kind == ETH_IPV6:
            if self.settings.ipv6_disabled:
                return True
            return forwarding.ip_received(self, lcore, frame, port, now)
        return True

    def from_kni(self, frame: bytes, port: int) -> Frames:
        """A frame of the kernel goes out by the port as it is."""
        self.send(self.settings.master, port, frame)
        return self._flush()

    def tick(self, now: float) -> Frames:
        """Let time pass: neighbours and connections time out. Cheap when called often."""
        if now - self._ticked < _TICK:
            return []
        self._ticked = now
        while self._held and self._held[0][0] <= now:
            self._out.append(self._held.pop(0)[1:])
        for lcore in self.workers:
            self.neighbours[lcore].expire(now)
            for conn in self.connections[lcore].expired(now):
                xmit.connection_expired(self, lcore, conn, now)
        for entry in self.addresses.all():
            if entry.valid and entry.born + entry.valid <= now:
                self.remove_address(entry.port, entry.addr, entry.plen)
        return self._flush()

    def _flush(self) -> Frames:
        out, self._out = self._out, []
        return out

    def lcore_of(self, frame: bytes, port: int) -> int:
        """The worker that gets the frame."""
        return spreading.lcore_of(self, frame, port)

    # -- frames out --------------------------------------------------------------------------

    def send(self, lcore: int, port: int, frame: bytes) -> None:
        """Put a frame on the wire."""
        leaving = self.ports[port]
        if not self.quirks.omits(quirks.COUNT_PORT):
            leaving.opackets += 1
            leaving.obytes += len(frame)
        # What the control plane sends leaves by a worker.
        stats = self.lcores[lcore if lcore in self.connections else self.workers[0]]
        stats.opackets += 1
        stats.obytes += len(frame)
        if leaving.forward2kni:
            self._out.append((~port, frame))
        if self.quirks.omitted:
            self._out += [(port, one) for one in mangling.leaving(self, port, frame)]
            return
        self._out.append((port, frame))

    def hold(self, port: int, frame: bytes) -> None:
        """Put a frame on the wire later, which only a quirk does."""
        self._held.append((self._ticked + _HELD_FOR, port, frame))

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
            hosts.solicit(self, lcore, port, nexthop)

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

    # -- addresses and routes that belong together ---------------------------------------------

    def add_address(self, entry: IfAddr) -> Frames:
        """Add an address with its routes; for IPv6 also its multicast group and a DAD probe."""
        self.addresses.add(entry)
        if len(entry.addr) == 16:
            hosts.join(self, self.ports[entry.port], solicited_node(entry.addr))
        self.say_each("IFA", f"ifa_entry_add: add ifaddr {address_text(entry.addr)}")
        limit = len(entry.addr) * 8
        mtu = self.ports[entry.port].mtu
        self.add_route(Route(LOCAL, entry.addr, limit, entry.port, mtu=mtu), quiet=True)
        if entry.plen < limit:
            shift = limit - entry.plen
            net = (int.from_bytes(entry.addr, "big") >> shift << shift).to_bytes(limit // 8, "big")
            route = Route(NET, net, entry.plen, entry.port, src=entry.addr, mtu=mtu)
            self.add_route(route, quiet=True)
        if limit == 128:
            hosts.look_for_duplicate(self, entry)
        return self._flush()

    def remove_address(self, port: int, addr: bytes, plen: int) -> None:
        """Remove an address and its routes, whoever added them."""
        entry = self.addresses.remove(port, addr, plen)
        limit = len(addr) * 8
        if limit == 128:
            hosts.address_removed6(self, entry)
        self.say_each("IFA", f"ifa_free: del ifaddr {address_text(addr)}")
        self.remove_route(LOCAL, addr, limit, port, quiet=True)
        if entry.plen < limit:
            self.remove_route(NET, addr, entry.plen, port, quiet=True)

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
