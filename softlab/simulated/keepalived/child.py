"""The checker process: virtual servers in the device, and a thread for each check."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

from softlab.simulated import quirks
from softlab.simulated.keepalived import checks, conf
from softlab.simulated.keepalived.pool import Pool, misbehaviour
from softlab.simulated.tools.client import Device

if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.keepalived.conf import Checker, RealServer, VirtualServer

_LATE = 10
_FLAPS = 3


class Watch:
    """One check of one real server, again and again in its own thread."""

    def __init__(self, checker: Checker, told: Callable[[bool, int | None], None]) -> None:
        self.checker = checker
        self.up = True
        self._told = told
        self._ended = threading.Event()
        self._device = Device()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        checker, failed, count, first = self.checker, 0, 0, True
        delay = 0.0
        while not self._ended.wait(delay):
            points = misbehaviour(self._device)
            good, weight = checks.attempt(checker, points)
            count += 1
            if quirks.KEEPALIVED_FLAPS in points and count % _FLAPS == 0:
                good, failed = False, checker.retry
            retries = 0 if quirks.KEEPALIVED_HASTY in points else checker.retry
            failed = 0 if good else failed + 1
            delay = checker.delay_loop
            if not good and failed <= retries and (self.up or checker.kind == "TCP_CHECK"):
                delay = checker.delay_before_retry
                continue
            failed = 0
            if not self._ended.is_set() and (good != self.up or weight is not None or first):
                if good != self.up and quirks.KEEPALIVED_SLOW in points:
                    self._ended.wait(_LATE * checker.delay_loop)
                self.up = good
                self._told(good, weight)
            first = False


class Checkers:
    """What the file declares, in the device and watched."""

    def __init__(self, path: str, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._lock = threading.Lock()
        self._device = Device()
        self._pools: dict[tuple[int, str, int], Pool] = {}
        self._watches: dict[tuple[tuple[int, str, int], str, int], list[Watch]] = {}

    def load(self) -> None:
        """Read the file and do what it says; after the first time, as far as it is new."""
        try:
            declared = {one.key: one for one in conf.read(self._path)}
        except (conf.ConfError, OSError, ValueError, KeyError, IndexError) as error:
            self._say(f"{self._path}: {error}: the configuration stays as it was")
            return
        points = misbehaviour(self._device)
        with self._lock:
            for key in [key for key in self._pools if key not in declared]:
                self._unwatch(key)
                self._pools.pop(key).end()
            for key, vs in declared.items():
                self._take(key, vs, again=quirks.KEEPALIVED_AGAIN in points)

    def _take(self, key: tuple[int, str, int], vs: VirtualServer, *, again: bool) -> None:
        pool = self._pools.get(key)
        if pool is not None and again:
            pool.leave()
            pool = None
        if pool is None:
            pool = self._pools[key] = Pool(vs, self._device, self._say)
            pool.start()
        elif pool.declared != vs:
            pool.change(vs)
        self._watch(pool)

    def _watch(self, pool: Pool) -> None:
        """A check that is as it was goes on; the others are replaced."""
        vs = pool.declared
        wanted = {(vs.key, one.addr, one.port): one for one in vs.servers}
        for place in [p for p in self._watches if p[0] == vs.key and p not in wanted]:
            self._end(self._watches.pop(place))
        for place, server in wanted.items():
            there = self._watches.get(place, [])
            if there and [one.checker for one in there] == list(server.checkers):
                continue
            self._end(there)
            made = [Watch(one, self._telling(vs.key, server)) for one in server.checkers]
            for watch in made:
                watch.up = pool.alive[server.addr, server.port]
            self._watches[place] = made
            for watch in made:
                watch.start()

    def _telling(
        self, key: tuple[int, str, int], server: RealServer
    ) -> Callable[[bool, int | None], None]:
        def told(good: bool, weight: int | None) -> None:
            with self._lock:
                pool = self._pools.get(key)
                if pool is None:
                    return
                if good and weight is not None:
                    pool.weigh(server, weight)
                watches = self._watches.get((key, server.addr, server.port), [])
                pool.set_alive(server, good and all(watch.up for watch in watches))

        return told

    def _unwatch(self, key: tuple[int, str, int]) -> None:
        for place in [place for place in self._watches if place[0] == key]:
            self._end(self._watches.pop(place))

    def _end(self, watches: list[Watch]) -> None:
        for watch in watches:
            watch.end()

    def stop(self) -> None:
        """Take everything out of the device."""
        with self._lock:
            leaves = quirks.KEEPALIVED_LEAVES in misbehaviour(self._device)
            for key in list(self._pools):
                self._unwatch(key)
                pool = self._pools.pop(key)
                if not leaves:
                    pool.end()


def run(path: str, say: Callable[[str], None]) -> None:
    """The process: until SIGTERM. SIGHUP reads the file again."""
    wanted = {signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    checkers = Checkers(path, say)
    checkers.load()
    while signal.sigwait(wanted) == signal.SIGHUP:
        say("Reloading")
        checkers.load()
    checkers.stop()
    os._exit(0)
