"""Validation of dpvs.conf: what DPVS would refuse, replace or misread, as sentences.

DPVS's own check of workers and queues (check_lcore_conf in netif.c) exits with an error number, and
most other errors cause only a warning in the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dpvs_acceptance.dpvs.conf.keywords import is_block, versions_with
from dpvs_acceptance.dpvs.conf.reading import read_spec
from dpvs_acceptance.dpvs.conf.spec import (
    LOG_LEVELS,
    RSS,
    ConfSpec,
    DeviceSpec,
    PortQueues,
    WorkerSpec,
)
from dpvs_acceptance.dpvs.conf.tree import Conf, ConfError, Item
from dpvs_acceptance.dpvs.versions import Version, facts

MAX_QUEUES = 16
"""NETIF_MAX_QUEUES: queue ids run from 0 to one less."""
DESCRIPTORS = range(16, 8193)
PKTPOOL = range(1023, 134217728)
CONN_POOL_MIN = 65536
MTU = range(1, 9001)


@dataclass(frozen=True, slots=True)
class Problem:
    """str() is `file:line: sentence`. line 0: the whole file.

    fatal: DPVS does not start, or ignores parts of the file. Otherwise DPVS logs a warning and uses
    another value.
    """

    source: str
    line: int
    sentence: str
    fatal: bool

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.sentence}"


def check(
    conf: Conf,
    *,
    version: Version | None = None,
    ports: int | None = None,
    lcores: Collection[int] | None = None,
) -> list[Problem]:
    """Problems of `conf`, by line; an empty list for none.

    version: also check that it knows every keyword. ports: number of ports of DPDK (bound NICs,
    software ports). lcores: ids of the lcores that EAL is started with.
    """
    checking = _Checking(conf)
    if version is not None:
        checking.keywords(version)
    try:
        spec = read_spec(conf)
    except ConfError as error:
        checking.fatal(error.line_number, f"`{error.line}`: expected {error.expected}")
    else:
        checking.values(spec)
        checking.devices(spec, ports)
        checking.workers(spec, lcores)
        checking.queues(spec, ports)
    return sorted(dict.fromkeys(checking.problems), key=lambda problem: problem.line)


@dataclass(frozen=True, slots=True)
class _User:
    """The owner of a queue, and its line."""

    worker: str
    line: int


class _Checking:
    """Collects the problems of one file."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._bonds = [
            bond for netif in conf.items("netif_defs") for bond in netif.items("bonding")
        ]
        self.problems: list[Problem] = []

    def fatal(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(self._conf.source, line, sentence, fatal=True))

    def warn(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(self._conf.source, line, sentence, fatal=False))

    def keywords(self, version: Version) -> None:
        known = facts(version).keywords
        unknown: set[tuple[str, ...]] = set()
        walked = list(self._conf.walk())
        for index, (path, item) in enumerate(walked):
            if path[:-1] in unknown:
                unknown.add(path)
            elif item.keyword == "include":
                self.warn(item.line, f"the included file {item.value} is not checked")
            elif path not in known:
                unknown.add(path)
                self._unknown(path, item, version, lost=_lost(path, walked[index + 1 :], known))
            elif is_block(path) and item.block is None:
                self.fatal(item.line, f"{item.keyword} needs a block: DPVS reads up to the next }}")
            elif not is_block(path) and item.block is not None:
                self.fatal(
                    item.line,
                    f"{item.keyword} takes no block: its }} would end the enclosing block",
                )

    def _unknown(
        self, path: tuple[str, ...], item: Item, version: Version, *, lost: Item | None
    ) -> None:
        sentence = f"DPVS {version} has no {'/'.join(path)} ({versions_with(path)} has it)"
        if item.block is None or lost is None:
            self.warn(item.line, sentence)
        else:
            self.fatal(
                item.line,
                f"{sentence}: it takes the closing brace of this block for that of the enclosing "
                f"block and ignores what follows, from {lost.keyword} in line {lost.line} on",
            )

    def values(self, spec: ConfSpec) -> None:
        if spec.log_level is not None and spec.log_level not in LOG_LEVELS:
            self.warn(0, f"log_level {spec.log_level} is not one of {' '.join(LOG_LEVELS)}")
        if spec.pktpool_size not in PKTPOOL:
            self.warn(
                0, f"pktpool_size {spec.pktpool_size} is not {_span(PKTPOOL)}: DPVS takes 65535"
            )
        if spec.conn_pool_size < CONN_POOL_MIN:
            self.warn(
                0,
                f"conn_pool_size {spec.conn_pool_size} is below {CONN_POOL_MIN}: DPVS takes "
                "2097151",
            )
        for device in spec.devices:
            for sentence in _device_values(device):
                self.warn(device.line, f"{device.name}: {sentence}")

    def devices(self, spec: ConfSpec, ports: int | None) -> None:
        blocks = [(device.name, device.line) for device in spec.devices]
        blocks += [(bond.value or "", bond.line) for bond in self._bonds]
        seen: dict[str, int] = {}
        for name, line in blocks:
            if name in seen:
                self.fatal(line, f"{name} already has a block (line {seen[name]})")
            seen.setdefault(name, line)
        if ports is not None and len(blocks) < ports:
            self.fatal(
                0,
                f"{len(blocks)} device blocks, but {ports} DPDK ports: DPVS exits with "
                f"`ports in DPDK RTE ({ports}) != ports in dpvs.conf({len(blocks)})`",
            )
        if ports is not None and len(blocks) > ports:
            self.warn(0, f"{len(blocks)} device blocks, but only {ports} DPDK ports")

    def workers(self, spec: ConfSpec, lcores: Collection[int] | None) -> None:
        by_cpu: dict[int, WorkerSpec] = {}
        for worker in spec.workers:
            other = by_cpu.setdefault(worker.cpu_id, worker)
            if other is not worker:
                self.fatal(
                    worker.line,
                    f"{worker.name} has cpu_id {worker.cpu_id}, already used by {other.name} "
                    f"(line {other.line})",
                )
            # DPVS ignores the cpu_id of the master: EAL's main lcore is the master.
            if lcores is not None and worker.type != "master" and worker.cpu_id not in lcores:
                self.fatal(
                    worker.line,
                    f"{worker.name} has cpu_id {worker.cpu_id}, but EAL is started with lcores "
                    f"{', '.join(map(str, sorted(lcores)))}",
                )
        for kind in ("master", "kni"):
            several = [worker for worker in spec.workers if worker.type == kind]
            if len(several) > 1:
                names = ", ".join(worker.name for worker in several)
                self.warn(several[1].line, f"{names} are all of type {kind}, but only one is used")
        for workers in self._conf.items("worker_defs"):
            for item in workers.items("worker"):
                self._order(item)

    def _order(self, worker: Item) -> None:
        """cpu_id depends on type, icmp_redirect_core on cpu_id."""
        order = [item.keyword for item in worker.items()]
        pairs = [("cpu_id", "icmp_redirect_core")]
        kind = worker.get("type")
        if kind is not None and kind.value == "kni":
            pairs.append(("type", "cpu_id"))
        for first, then in pairs:
            if {first, then} <= set(order) and order.index(then) < order.index(first):
                self.warn(
                    worker.line,
                    f"{worker.value}: {first} must come before {then}, which depends on it",
                )

    def queues(self, spec: ConfSpec, ports: int | None) -> None:
        """check_lcore_conf: the queues of each port, over the workers that have ports."""
        workers = [worker for worker in spec.workers if worker.type != "master" and worker.ports]
        if not workers:
            self.fatal(0, f"no worker of type slave or kni has a port: {_exit(-7)}")
            return
        users: dict[tuple[str, str], dict[int, _User]] = defaultdict(dict)
        names = tuple(dict.fromkeys(port.port for worker in workers for port in worker.ports))
        devices = {device.name for device in spec.devices} | {bond.value for bond in self._bonds}
        for worker in workers:
            if ports is not None and len(worker.ports) > ports:
                self.fatal(
                    worker.line,
                    f"{worker.name} lists {len(worker.ports)} ports, but DPDK has {ports}: "
                    f"{_exit(-5)}",
                )
            missing = [name for name in names if name not in (port.port for port in worker.ports)]
            if missing:
                self.fatal(
                    worker.line,
                    f"{worker.name} does not list {', '.join(missing)}, unlike other workers: "
                    f"{_exit(-6)}",
                )
            seen: set[str] = set()
            for port in worker.ports:
                if port.port in seen:
                    self.fatal(port.line, f"{worker.name} lists {port.port} more than once")
                if port.port not in devices:
                    self.fatal(port.line, f"{worker.name}: {port.port} has no device block")
                if not port.tx:
                    self.fatal(
                        port.line, f"{worker.name} has no tx queue on {port.port}: {_exit(-6)}"
                    )
                seen.add(port.port)
                self._claim(worker, port, users)
        self._gaps(users)
        self._asked(spec, users)
        self._unserved(spec, names)

    def _claim(
        self,
        worker: WorkerSpec,
        port: PortQueues,
        users: dict[tuple[str, str], dict[int, _User]],
    ) -> None:
        for direction, ids, code in (("rx", port.rx, -2), ("tx", port.tx, -3)):
            taken = users[port.port, direction]
            for queue in ids:
                where = f"{worker.name}: {direction} queue {queue} of {port.port}"
                if queue >= MAX_QUEUES:
                    self.fatal(port.line, f"{where} is above {MAX_QUEUES - 1}: DPVS takes 0")
                elif queue in taken:
                    first = taken[queue]
                    self.fatal(
                        port.line,
                        f"{where} is already used by {first.worker} (line {first.line}): "
                        f"{_exit(code)}",
                    )
                else:
                    taken[queue] = _User(worker.name, port.line)

    def _gaps(self, users: dict[tuple[str, str], dict[int, _User]]) -> None:
        for (port, direction), queues in users.items():
            missing = sorted(set(range(len(queues))) - set(queues))
            if missing:
                self.fatal(
                    min(user.line for user in queues.values()),
                    f"{direction} queues {', '.join(map(str, sorted(queues)))} of {port} are used, "
                    f"but not {', '.join(map(str, missing))}: ids must run from 0 without gaps: "
                    f"{_exit(-4)}",
                )

    def _unserved(self, spec: ConfSpec, served: Collection[str]) -> None:
        """A port that no worker lists: DPVS starts, shows it up, but receives nothing from it.

        The members of a bond are served under the bond's name.
        """
        if self._bonds:
            return
        for device in spec.devices:
            if device.name not in served:
                self.warn(
                    device.line,
                    f"{device.name} is not listed by any worker: nothing is received on it",
                )

    def _asked(self, spec: ConfSpec, users: dict[tuple[str, str], dict[int, _User]]) -> None:
        """DPVS sets up as many queues as the workers list, independent of the device block."""
        for device in spec.devices:
            for direction, number in (("rx", device.rx_queues), ("tx", device.tx_queues)):
                used = len(users.get((device.name, direction), ()))
                if number is not None and used > number:
                    self.warn(
                        device.line,
                        f"{device.name}: {direction} queue_number {number}, but the workers list "
                        f"{used}: DPVS sets up {used}",
                    )


def _lost(
    path: tuple[str, ...],
    following: Sequence[tuple[tuple[str, ...], Item]],
    known: Collection[tuple[str, ...]],
) -> Item | None:
    """The first setting that an unknown block at `path` takes out of its place, or None.

    Its closing brace ends the enclosing block one too early; DPVS ignores one too many at the top.
    """
    for other, item in following:
        if len(other) == 1:
            return None
        if other[: len(path)] != path and other in known:
            return item
    return None


def _device_values(device: DeviceSpec) -> Iterator[str]:
    for direction, number, default in (
        ("rx", device.rx_desc, 256),
        ("tx", device.tx_desc, 512),
    ):
        what = f"{direction} descriptor_number {number}"
        if number not in DESCRIPTORS:
            yield f"{what} is not {_span(DESCRIPTORS)}: DPVS takes {default}"
        elif number & (number - 1):
            yield f"{what} is not a power of two: DPVS takes {1 << (number.bit_length() - 1)}"
    for direction, queues in (("rx", device.rx_queues), ("tx", device.tx_queues)):
        if queues is not None and queues > MAX_QUEUES:
            yield f"{direction} queue_number {queues} is above {MAX_QUEUES}"
    if any(kind not in RSS for kind in device.rss.split("|")):
        yield f"rss {device.rss} is not one of {' '.join(RSS)}, or several of them joined by |"
    if device.mtu not in MTU:
        yield f"mtu {device.mtu} is not {_span(MTU)}: DPVS takes 1500"


def _exit(number: int) -> str:
    return f"DPVS exits with `bad lcore configuration (error code: {number})`"


def _span(numbers: range) -> str:
    return f"{numbers.start} to {numbers.stop - 1}"
