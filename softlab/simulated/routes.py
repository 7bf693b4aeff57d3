"""Routes for IPv4 (src/route.c) and IPv6 (src/ipv6/route6.c, the hlist method).

Local and kni routes of IPv4 hash by the last byte of their destination; the others are one list,
longest prefix first. IPv6 keeps a table per prefix length. Both orders are what the tools show.
"""

from __future__ import annotations

import struct

from softlab.simulated import errors
from softlab.simulated.addresses import same_net

LOCAL = "host"
KNI = "kni_host"
NET = "net"

_BUCKETS6 = 256
_MASK32 = 0xFFFFFFFF


class Route:
    """One route. ``kind`` is LOCAL, KNI or NET; gateway and src are all zero when not given."""

    __slots__ = ("dst", "gateway", "kind", "metric", "mtu", "plen", "port", "src")

    def __init__(
        self,
        kind: str,
        dst: bytes,
        plen: int,
        port: int,
        *,
        gateway: bytes = b"",
        src: bytes = b"",
        mtu: int = 1500,
        metric: int = 0,
    ) -> None:
        self.kind = kind
        self.dst = dst
        self.plen = plen
        self.port = port
        self.gateway = gateway or bytes(len(dst))
        self.src = src or bytes(len(dst))
        self.mtu = mtu
        self.metric = metric


def _masked(addr: bytes, plen: int) -> int:
    # The device takes a prefix longer than an address, too.
    shift = max(len(addr) * 8 - plen, 0)
    return int.from_bytes(addr, "big") >> shift << shift


class Routes4:
    """IPv4 routes."""

    def __init__(self) -> None:
        self._local: dict[int, list[Route]] = {}
        self._net: list[Route] = []

    def add(self, route: Route) -> None:
        """DpvsError EXIST when the port has that route already."""
        if route.kind != NET:
            bucket = self._local.setdefault(route.dst[3], [])
            if any(old.dst == route.dst and old.port == route.port for old in bucket):
                raise errors.DpvsError(errors.EXIST)
            bucket.insert(0, route)
            return
        prefix = _masked(route.dst, route.plen)
        place = len(self._net)
        for index, old in enumerate(self._net):
            if (
                old.port == route.port
                and old.plen == route.plen
                and _masked(old.dst, old.plen) == prefix
            ):
                raise errors.DpvsError(errors.EXIST)
            if old.plen < route.plen:
                place = index
                break
        self._net.insert(place, route)

    def remove(self, kind: str, dst: bytes, plen: int, port: int) -> None:
        """DpvsError NOTEXIST when there is no such route.

        The device compares masked destinations without comparing the masks, so 10.0.0.0/16 and
        10.0.0.0/24 are one to it; so it is here.
        """
        if kind != NET:
            bucket = self._local.get(dst[3], [])
            for route in bucket:
                if route.dst == dst and route.port == port:
                    bucket.remove(route)
                    return
            raise errors.DpvsError(errors.NOTEXIST)
        prefix = _masked(dst, plen)
        for route in self._net:
            if route.port == port and _masked(route.dst, route.plen) == prefix:
                self._net.remove(route)
                return
        raise errors.DpvsError(errors.NOTEXIST)

    def flush(self, port: int) -> None:
        """Remove every route of the port."""
        for bucket in self._local.values():
            bucket[:] = [route for route in bucket if route.port != port]
        self._net = [route for route in self._net if route.port != port]

    def lookup_in(self, dst: bytes, port: int) -> Route | None:
        """The route of a received packet: local only on the port it came in by."""
        for route in self._local.get(dst[3], ()):
            if route.dst == dst and route.port == port:
                return route
        return self._lookup_net(dst)

    def lookup_out(self, dst: bytes) -> Route | None:
        """The route of a packet to send."""
        for route in self._local.get(dst[3], ()):
            if route.dst == dst:
                return route
        return self._lookup_net(dst)

    def _lookup_net(self, dst: bytes) -> Route | None:
        for route in self._net:
            if same_net(route.plen, dst, route.dst):
                return route
        return None

    def all(self) -> list[Route]:
        """In the order of ``dpip route show``."""
        local = [route for key in sorted(self._local) for route in self._local[key]]
        return local + self._net


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _MASK32


def jenkins_hash(words: tuple[int, int, int, int]) -> int:
    """Bob Jenkins' lookup3 of four 32-bit words with initial value 0; orders IPv6 routes."""
    a = b = c = (0xDEADBEEF + 16) & _MASK32
    a = (a + words[0]) & _MASK32
    b = (b + words[1]) & _MASK32
    c = (c + words[2]) & _MASK32
    for by in (4, 6, 8):
        a = ((a - c) & _MASK32) ^ _rotate(c, by)
        c = (c + b) & _MASK32
        a, b, c = b, c, a
    for by in (16, 19, 4):
        a = ((a - c) & _MASK32) ^ _rotate(c, by)
        c = (c + b) & _MASK32
        a, b, c = b, c, a
    a = (a + words[3]) & _MASK32
    c = ((c ^ b) - _rotate(b, 14)) & _MASK32
    a = ((a ^ c) - _rotate(c, 11)) & _MASK32
    b = ((b ^ a) - _rotate(a, 25)) & _MASK32
    c = ((c ^ b) - _rotate(b, 16)) & _MASK32
    a = ((a ^ c) - _rotate(c, 4)) & _MASK32
    b = ((b ^ a) - _rotate(a, 14)) & _MASK32
    return ((c ^ b) - _rotate(b, 24)) & _MASK32


def _bucket6(dst: bytes, plen: int) -> int:
    raw = _masked(dst, plen).to_bytes(16, "big")
    one, two, three, four = struct.unpack("<4I", raw)
    return jenkins_hash((one, two, three, four)) % min(_BUCKETS6, 1 << plen)


class Routes6:
    """IPv6 routes."""

    def __init__(self) -> None:
        self._tables: dict[int, list[Route]] = {}

    def _find(self, dst: bytes, plen: int, port: int) -> Route | None:
        for route in self._tables.get(plen, ()):
            if route.dst == dst and route.port == port:
                return route
        return None

    def add(self, route: Route) -> None:
        """DpvsError EXIST when the port has that route already."""
        route.dst = _masked(route.dst, route.plen).to_bytes(16, "big")
        if self._find(route.dst, route.plen, route.port):
            raise errors.DpvsError(errors.EXIST)
        self._tables.setdefault(route.plen, []).append(route)

    def remove(self, dst: bytes, plen: int, port: int) -> None:
        """DpvsError NOTEXIST when there is no such route."""
        route = self._find(_masked(dst, plen).to_bytes(16, "big"), plen, port)
        if route is None:
            raise errors.DpvsError(errors.NOTEXIST)
        self._tables[plen].remove(route)

    def flush(self, port: int) -> None:
        """Remove every route of the port."""
        for table in self._tables.values():
            table[:] = [route for route in table if route.port != port]

    def lookup(self, dst: bytes, port: int | None = None) -> Route | None:
        """The longest match; with a port, only routes of it."""
        for plen in sorted(self._tables, reverse=True):
            for route in self._tables[plen]:
                if same_net(plen, dst, route.dst) and (port is None or route.port == port):
                    return route
        return None

    def all(self) -> list[Route]:
        """In the order of ``dpip -6 route show``."""
        listed = []
        for plen in sorted(self._tables, reverse=True):
            listed += sorted(self._tables[plen], key=lambda route: _bucket6(route.dst, route.plen))
        return listed
