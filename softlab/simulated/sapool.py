"""The source-address pool of one local address on one lcore (src/sa_pool.c).

A FullNAT connection takes a port of its LIP from here. The pool is split by a hash of the real
server, so that the same port serves several servers at once, and each lcore owns the ports whose
low bits are its own, which is how the NIC brings the server's answers back to the right lcore.
"""

from __future__ import annotations

from collections import deque

LOW = 1025
HIGH = 65535
DEFAULT_HASH_SIZE = 16


def lcore_bits(workers: int) -> int:
    """How many low bits of the port name the lcore."""
    bits = 0
    while 1 << bits < workers:
        bits += 1
    return bits


class PortPool:
    """Free and used ports towards each group of real servers; all counts are per lcore."""

    def __init__(self, base: int, bits: int, hash_size: int = DEFAULT_HASH_SIZE) -> None:
        mask = (1 << bits) - 1
        first = next(port for port in range(LOW, LOW + mask + 1) if port & mask == base)
        self._ports = range(first, HIGH + 1, mask + 1)
        self._hash_size = hash_size
        # Ports that were never taken are not listed one by one: a pool of one worker has a
        # million entries and most stay untouched. Returned ports queue up behind the fresh ones.
        self._fresh = [0] * hash_size
        self._returned: list[deque[int]] = [deque() for _ in range(hash_size)]
        self._used: list[set[int]] = [set() for _ in range(hash_size)]
        self.miss = 0

    def _slot(self, server: bytes, port: int) -> int:
        if len(server) == 4:
            return (int.from_bytes(server[2:], "big") + port) % self._hash_size
        return (int.from_bytes(server, "big") + port) % self._hash_size

    def take(self, server: bytes, port: int) -> int | None:
        """The next free port towards server:port, None (and one miss counted) if there is none."""
        slot = self._slot(server, port)
        fresh = self._fresh[slot]
        if fresh < len(self._ports):
            self._fresh[slot] = fresh + 1
            taken = self._ports[fresh]
        elif self._returned[slot]:
            taken = self._returned[slot].popleft()
        else:
            self.miss += 1
            return None
        self._used[slot].add(taken)
        return taken

    def release(self, server: bytes, port: int, taken: int) -> None:
        """Give a port back; it is used again after all the others."""
        slot = self._slot(server, port)
        if taken in self._used[slot]:
            self._used[slot].remove(taken)
            self._returned[slot].append(taken)

    @property
    def used(self) -> int:
        return sum(len(used) for used in self._used)

    @property
    def free(self) -> int:
        return len(self._ports) * self._hash_size - self.used
