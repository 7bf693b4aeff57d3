"""Choosing a real server: rr, wrr and wlc (src/ipvs/ip_vs_rr.c, ip_vs_wrr.c, ip_vs_wlc.c).

Destinations stand in the device's own order, the newest first; a scheduler keeps its place per
lcore. Up to 1.8 each lcore starts before the first destination, later at one of its own.
"""

from __future__ import annotations

from math import gcd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.dests import Dest

NAMES = ("rr", "wrr", "wlc")


_HEAD = -1
"""The place before the first destination: the list's head."""


class Start:
    """Where an lcore starts: ``index`` is 1 for the first worker, of ``workers``."""

    def __init__(self, workers: int, index: int, *, spread: bool) -> None:
        self._workers = workers
        self._index = index
        self._spread = spread

    def first(self, dests: int) -> int:
        """A place in a list of that many destinations, or before it."""
        if not self._spread:
            return _HEAD
        if not dests:
            return 0
        return ((dests // self._workers) or 1) * self._index % dests


def _valid(dest: Dest, lcore: int) -> bool:
    return dest.weight > 0 and not dest.overloaded(lcore)


class Scheduler:
    """One service's scheduler on one lcore."""

    def __init__(self, lcore: int, start: Start) -> None:
        self._lcore = lcore
        self._start = start

    def update(self, dests: list[Dest]) -> None:
        """The destinations or their weights changed."""

    def choose(self, dests: list[Dest]) -> Dest | None:
        """The destination of the next connection; None when none may take it."""
        raise NotImplementedError


class RoundRobin(Scheduler):
    """Each in turn; weights do not matter, except 0."""

    _at = 0

    def update(self, dests: list[Dest]) -> None:
        self._at = self._start.first(len(dests))

    def choose(self, dests: list[Dest]) -> Dest | None:
        count = len(dests)
        for step in range(1, count + 1):
            at = (self._at + step) % count
            if _valid(dests[at], self._lcore):
                self._at = at
                return dests[at]
        return None


class WeightedRoundRobin(Scheduler):
    """In turn, as often as the weights say: those with the greatest weight first."""

    _at = 0
    _current = 0
    _greatest = 0
    _step = 1

    def update(self, dests: list[Dest]) -> None:
        self._at = self._start.first(len(dests))
        self._greatest = max((dest.weight for dest in dests), default=0)
        self._step = gcd(*(dest.weight for dest in dests)) or 1
        if self._current > self._greatest:
            self._current = 0

    def choose(self, dests: list[Dest]) -> Dest | None:
        # Passing the list's head starts the next round.
        if not dests or self._greatest == 0:
            return None
        start = self._at
        while True:
            if self._at == _HEAD:
                self._at = 0
                self._current -= self._step
                if self._current <= 0:
                    self._current = self._greatest
            else:
                self._at = self._at + 1 if self._at + 1 < len(dests) else _HEAD
            if self._at != _HEAD:
                dest = dests[self._at]
                if _valid(dest, self._lcore) and dest.weight >= self._current:
                    return dest
            if self._at == start and self._current == self._step:
                return None


class WeightedLeastConnection(Scheduler):
    """The least loaded: (active * 256 + inactive) / weight."""

    def choose(self, dests: list[Dest]) -> Dest | None:
        start = max(self._start.first(len(dests)), 0)
        least: Dest | None = None
        for dest in dests[start:] + dests[:start]:
            if not _valid(dest, self._lcore):
                continue
            load = dest.overhead(self._lcore)
            if least is None or least.overhead(self._lcore) * dest.weight > load * least.weight:
                least = dest
        return least


def make(name: str, lcore: int, start: Start) -> Scheduler:
    """A scheduler by its name; KeyError when the simulated device has none of that name."""
    kinds = {"rr": RoundRobin, "wrr": WeightedRoundRobin, "wlc": WeightedLeastConnection}
    return kinds[name](lcore, start)
