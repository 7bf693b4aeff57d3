"""Virtual services, their real servers and local addresses (src/ipvs/ip_vs_service.c, _dest.c,
_laddr.c)."""

from __future__ import annotations

from softlab.simulated import errors, schedulers
from softlab.simulated.addresses import fold
from softlab.simulated.dests import COUNTERS, FULLNAT, Dest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.schedulers import Scheduler


class LocalAddress:
    """A LIP of a service with the connections that use it, per lcore."""

    __slots__ = ("addr", "conns", "port")

    def __init__(self, addr: bytes, port: int, lcores: tuple[int, ...]) -> None:
        self.addr = addr
        self.port = port
        self.conns = dict.fromkeys(lcores, 0)


class Service:
    """A virtual service; addr and port are the VIP's."""

    __slots__ = (
        "addr",
        "conn_timeout",
        "current_laddr",
        "dest_check",
        "dests",
        "laddrs",
        "port",
        "proto",
        "proxy",
        "scheduler",
        "schedulers",
        "spread_start",
        "workers",
    )

    def __init__(
        self,
        proto: int,
        addr: bytes,
        port: int,
        scheduler: str,
        workers: tuple[int, ...],
        *,
        spread_start: bool = True,
    ) -> None:
        self.proto = proto
        self.addr = addr
        self.port = port
        self.workers = workers
        self.spread_start = spread_start
        self.conn_timeout = 0
        self.proxy = ""
        self.dest_check = ""
        self.dests: list[Dest] = []
        self.laddrs: list[LocalAddress] = []
        self.current_laddr: dict[int, int] = dict.fromkeys(workers, -1)
        self.scheduler = ""
        self.schedulers: dict[int, Scheduler] = {}
        self.set_scheduler(scheduler)

    def set_scheduler(self, name: str) -> None:
        """DpvsError NOTEXIST for a scheduler the device does not have."""
        if name not in schedulers.NAMES:
            raise errors.DpvsError(errors.NOTEXIST)
        if name == self.scheduler:
            return
        self.scheduler = name
        count = len(self.workers)
        self.schedulers = {
            lcore: schedulers.make(
                name, lcore, schedulers.Start(count, index, spread=self.spread_start)
            )
            for index, lcore in enumerate(self.workers, 1)
        }
        self.rescheduled()

    def rescheduled(self) -> None:
        """Tell the schedulers that the destinations changed."""
        for scheduler in self.schedulers.values():
            scheduler.update(self.dests)

    def dest(self, addr: bytes, port: int) -> Dest | None:
        for dest in self.dests:
            if dest.addr == addr and dest.port == port:
                return dest
        return None

    def add_dest(
        self,
        addr: bytes,
        port: int,
        weight: int,
        max_conn: int,
        min_conn: int,
        forward: str = FULLNAT,
    ) -> None:
        """DpvsError EXIST when that server is there already; a new one stands first."""
        if min_conn > max_conn:
            raise errors.DpvsError(errors.NOTSUPP)
        if self.dest(addr, port):
            raise errors.DpvsError(errors.EXIST)
        self.dests.insert(0, Dest(addr, port, weight, max_conn, min_conn, self.workers, forward))
        self.rescheduled()

    def edit_dest(
        self,
        addr: bytes,
        port: int,
        weight: int,
        max_conn: int,
        min_conn: int,
        forward: str = FULLNAT,
    ) -> None:
        """DpvsError NOTEXIST when there is no such server."""
        if min_conn > max_conn:
            raise errors.DpvsError(errors.INVAL)
        dest = self.dest(addr, port)
        if dest is None:
            raise errors.DpvsError(errors.NOTEXIST)
        dest.weight, dest.max_conn, dest.min_conn = weight, max_conn, min_conn
        dest.forward = forward
        self.rescheduled()

    def remove_dest(self, addr: bytes, port: int) -> None:
        """DpvsError NOTEXIST when there is no such server."""
        dest = self.dest(addr, port)
        if dest is None:
            raise errors.DpvsError(errors.NOTEXIST)
        self.dests.remove(dest)
        self.rescheduled()

    def add_laddr(self, addr: bytes, port: int) -> None:
        """DpvsError EXIST when the service has that LIP already."""
        if any(laddr.addr == addr for laddr in self.laddrs):
            raise errors.DpvsError(errors.EXIST)
        self.laddrs.append(LocalAddress(addr, port, self.workers))

    def remove_laddr(self, addr: bytes) -> None:
        """DpvsError NOTEXIST when the service has no such LIP."""
        for laddr in self.laddrs:
            if laddr.addr == addr:
                self.laddrs.remove(laddr)
                return
        raise errors.DpvsError(errors.NOTEXIST)

    def next_laddr(self, lcore: int, family: int) -> LocalAddress | None:
        """The next LIP in turn on that lcore whose address is ``family`` bytes long."""
        count = len(self.laddrs)
        for step in range(1, count + 1):
            at = (self.current_laddr[lcore] + step) % count
            if len(self.laddrs[at].addr) == family:
                self.current_laddr[lcore] = at
                return self.laddrs[at]
        return None

    def zero(self) -> None:
        """Clear the counters of its servers."""
        for dest in self.dests:
            for stats in dest.stats.values():
                stats[:] = [0] * len(COUNTERS)


class ServiceTable:
    """All services, looked up by protocol, address and port."""

    def __init__(self, workers: tuple[int, ...], *, spread_start: bool = True) -> None:
        self._workers = workers
        self._spread_start = spread_start
        self._services: dict[tuple[int, bytes, int], Service] = {}

    def get(self, proto: int, addr: bytes, port: int) -> Service | None:
        return self._services.get((proto, addr, port))

    def has_vip(self, proto: int, addr: bytes) -> bool:
        """True when some service of that protocol is on the address."""
        return any(key[0] == proto and key[1] == addr for key in self._services)

    def add(self, proto: int, addr: bytes, port: int, scheduler: str) -> Service:
        """DpvsError EXIST or, for an unknown scheduler, NOTEXIST."""
        if (proto, addr, port) in self._services:
            raise errors.DpvsError(errors.EXIST)
        service = Service(
            proto, addr, port, scheduler, self._workers, spread_start=self._spread_start
        )
        self._services[proto, addr, port] = service
        return service

    def remove(self, service: Service) -> None:
        del self._services[service.proto, service.addr, service.port]

    def clear(self) -> None:
        self._services.clear()

    def all(self) -> list[Service]:
        """In the device's own order: by hash bucket, newest first. The tools sort it, or do not."""
        newest = reversed(self._services.values())
        return sorted(newest, key=lambda svc: (svc.proto ^ (fold(svc.addr) >> 24)) & 0xFF)
