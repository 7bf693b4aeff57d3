"""The device's addresses, and the order in which ``dpip addr show`` lists them (src/inetaddr.c)."""

from __future__ import annotations

import struct

from softlab.packet import ANY4, ANY6
from softlab.simulated import errors
from softlab.simulated.sapool import PortPool, lcore_bits

SCOPE_GLOBAL = "global"
SCOPE_LINK = "link"
SCOPE_HOST = "host"

_BUCKETS_SHIFT = 24


def fold(addr: bytes) -> int:
    """The device's 32-bit fold of an address: its words xored, as a little-endian machine does."""
    folded = 0
    for (word,) in struct.iter_unpack("<I", addr):
        folded ^= word
    return folded


def fold_low_byte(addr: bytes) -> int:
    """The bucket of the tables that hash a fold in host order: its last byte."""
    return fold(addr) >> 24


def _bucket(addr: bytes) -> int:
    return ((fold(addr) * 0x61C88647) & 0xFFFFFFFF) >> _BUCKETS_SHIFT


def same_net(plen: int, one: bytes, other: bytes) -> bool:
    """True when both addresses are of one family and agree in their first plen bits."""
    if len(one) != len(other):
        return False
    shift = max(len(one) * 8 - plen, 0)
    return int.from_bytes(one, "big") >> shift == int.from_bytes(other, "big") >> shift


class IfAddr:
    """One address of one port. ``pools`` is per worker lcore; empty unless it is a LIP."""

    __slots__ = ("addr", "bcast", "born", "plen", "pools", "port", "sapool", "scope", "valid")

    def __init__(
        self,
        port: int,
        addr: bytes,
        plen: int,
        scope: str,
        bcast: bytes,
        valid: int,
        *,
        sapool: bool,
        born: float,
    ) -> None:
        self.port = port
        self.addr = addr
        self.plen = plen
        self.scope = scope
        self.bcast = bcast
        self.valid = valid
        self.sapool = sapool
        self.born = born
        self.pools: dict[int, PortPool] = {}


class AddressTable:
    """All addresses. The order of listing is the device's: by hash bucket, newest first."""

    def __init__(self, workers: tuple[int, ...], pool_hash_size: int) -> None:
        self._workers = workers
        self._pool_hash_size = pool_hash_size
        self._buckets: dict[int, list[IfAddr]] = {}
        self._by_port: dict[int, list[IfAddr]] = {}
        self._local: dict[tuple[int, bytes], IfAddr] = {}
        self.lips: dict[bytes, IfAddr] = {}

    def add(self, entry: IfAddr) -> None:
        """DpvsError EXIST when the same address and prefix is on the port already."""
        limit = len(entry.addr) * 8
        if entry.addr in (ANY4, ANY6) or not 0 < entry.plen <= limit:
            raise errors.DpvsError(errors.INVAL)
        if self.find(entry.port, entry.addr, entry.plen):
            raise errors.DpvsError(errors.EXIST)
        if entry.sapool:
            bits = lcore_bits(len(self._workers))
            for base, lcore in enumerate(self._workers):
                entry.pools[lcore] = PortPool(base, bits, self._pool_hash_size)
            self.lips[entry.addr] = entry
        self._buckets.setdefault(_bucket(entry.addr), []).insert(0, entry)
        self._by_port.setdefault(entry.port, []).insert(0, entry)
        self._local[entry.port, entry.addr] = entry

    def find(self, port: int, addr: bytes, plen: int = 0) -> IfAddr | None:
        """The newest entry of that address; plen 0 takes any prefix."""
        for entry in self._by_port.get(port, ()):
            if entry.addr == addr and (not plen or entry.plen == plen):
                return entry
        return None

    def remove(self, port: int, addr: bytes, plen: int) -> IfAddr:
        """DpvsError NOTEXIST when there is none. A LIP in use is kept by its connections."""
        entry = self.find(port, addr, plen)
        if entry is None:
            raise errors.DpvsError(errors.NOTEXIST)
        self._buckets[_bucket(addr)].remove(entry)
        self._by_port[port].remove(entry)
        left = self.find(port, addr)
        if left is None:
            del self._local[port, addr]
        else:
            self._local[port, addr] = left
        if self.lips.get(addr) is entry:
            del self.lips[addr]
        return entry

    def is_local(self, port: int, addr: bytes) -> bool:
        """True when the port itself answers for the address."""
        return (port, addr) in self._local

    def of_port(self, port: int) -> list[IfAddr]:
        """Newest first."""
        return list(self._by_port.get(port, ()))

    def all(self) -> list[IfAddr]:
        """In the order of ``dpip addr show``."""
        return [entry for bucket in sorted(self._buckets) for entry in self._buckets[bucket]]

    def source_for(self, port: int, dst: bytes) -> bytes:
        """The address the port asks its neighbours with; all zero if it has none."""
        if len(dst) == 16:
            return self._source6(port, dst)
        chosen = bytes(4)
        for entry in self._by_port.get(port, ()):
            if len(entry.addr) == 4:
                chosen = entry.addr
                if same_net(entry.plen, dst, entry.addr):
                    break
        return chosen

    def _source6(self, port: int, dst: bytes) -> bytes:
        """Of the scope that fits, the address that has the most leading bits in common."""
        link = dst[:2] in (b"\xfe\x80", b"\xff\x02")
        chosen, best = ANY6, (False, -1)
        for entry in self._by_port.get(port, ()):
            if len(entry.addr) == 16:
                differing = int.from_bytes(entry.addr, "big") ^ int.from_bytes(dst, "big")
                score = ((entry.scope == SCOPE_LINK) == link, 128 - differing.bit_length())
                if score > best:
                    chosen, best = entry.addr, score
        return chosen
