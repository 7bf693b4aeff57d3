"""`dpip [-s] [-v] link show cpu [cpuN]`: the lcores of DPVS and the queues they serve."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.dpip.columns import Table, read_numbers
from dpvs_acceptance.dpvs.lines import NUMBER, SIGNED, Lines

PLANES = {
    "<< Controll Plane >>": "control",
    "<< Data Plane >>": "data",
    "<< Isolate RX Lcores >>": "isolated",
}
"""Upstream's headings, with upstream's spelling, and their meaning."""


@dataclass(frozen=True, slots=True)
class LcoreQueue:
    """A queue that an lcore serves: of `device`, in `direction` rx or tx.

    waiting, free: packets, and free entries, in the ring of an isolated receive queue.
    """

    device: str
    direction: str
    queue: int
    waiting: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class LcoreStats:
    """Counters of `-s`; bursts count polls: all, empty, full, up to half full, above half."""

    lcore_loop: int
    pktburst: int
    zpktburst: int
    fpktburst: int
    z2hpktburst: int
    h2fpktburst: int
    dropped: int
    ipackets: int
    ibytes: int
    opackets: int
    obytes: int


@dataclass(frozen=True, slots=True)
class Lcore:
    """An lcore: `cpu` is its EAL id, not a CPU of the machine. `number` is cpu plus one.

    plane: control, data or isolated; None if a single lcore was queried.
    rates: samples of `-s -i SECONDS`, per second, as LcoreStats.
    """

    number: int
    cpu: int
    socket: int
    plane: str | None
    queues: tuple[LcoreQueue, ...]
    stats: LcoreStats | None = None
    rates: tuple[LcoreStats, ...] = ()

    def serves(self, device: str, direction: str) -> tuple[int, ...]:
        """Ids of the queues of `device` that this lcore serves in `direction` (rx or tx)."""
        return tuple(
            queue.queue
            for queue in self.queues
            if queue.device == device and queue.direction == direction
        )


_HEAD = re.compile(rf"({NUMBER}): cpu({NUMBER}): socket ({SIGNED})")
# `--`: no queue. A column has 15 characters; a longer name touches the next one.
_QUEUE = rf"(?:--|([^\s:(0-9-][^\s:]*):(rx|tx)([0-9]{{1,4}})(?:\(({NUMBER})/({NUMBER})\))?)"
_QUEUES = re.compile(rf"queues +(?:none|({_QUEUE}(?: *{_QUEUE})*))")
_STATS = (
    ("lcore_loop", "pktburst", "zpktburst", "fpktburst"),
    ("z2hpktburst", "h2fpktburst", "dropped"),
    ("ipackets", "ibytes", "opackets", "obytes"),
)
_TOTALS = tuple(Table(20, titles) for titles in _STATS)
_RATES = (
    Table(16, ("lcore_loop/lps", "pktburst/nps", "zpktburst/nps", "fpktburst/nps")),
    Table(16, ("z2hpktburst/nps", "h2fpktburst/nps", "dropped/nps")),
    Table(16, ("ipackets/pps", "ibytes/Bps", "opackets/pps", "obytes/Bps")),
)


def parse_lcores(text: str, source: str = "dpip link show cpu") -> tuple[Lcore, ...]:
    """Every lcore in `text`, in the order printed. Raises ParseError."""
    lines = Lines(text, source)
    lcores: list[Lcore] = []
    planes = list(PLANES)
    plane: str | None = None
    while (line := lines.current) is not None:
        if line.strip() in planes and (plane is not None or not lcores):
            # Each heading comes once, in this order, with at least one lcore under it.
            heading = lines.advance().strip()
            plane, planes = PLANES[heading], planes[planes.index(heading) + 1 :]
        lcores.append(_lcore(lines, plane))
    return tuple(lcores)


def _lcore(lines: Lines, plane: str | None) -> Lcore:
    head = lines.take(_HEAD, f"`NUMBER: cpuN: socket N`, or one of {' '.join(PLANES)}")
    if int(head[1]) != int(head[2]) + 1:
        raise lines.previous_error("the lcore's id plus one in front")
    queues = lines.take(_QUEUES, "`queues none`, or `queues DEVICE:rxN DEVICE:txN ...`")
    stats = _counters(lines, _TOTALS)
    rates = []
    while (sample := _counters(lines, _RATES)) is not None:
        rates.append(sample)
    return Lcore(
        number=int(head[1]),
        cpu=int(head[2]),
        socket=int(head[3]),
        plane=plane,
        queues=_queues(queues[1] or ""),
        stats=stats,
        rates=tuple(rates),
    )


def _queues(text: str) -> tuple[LcoreQueue, ...]:
    return tuple(
        LcoreQueue(
            found[1],
            found[2],
            int(found[3]),
            None if found[4] is None else int(found[4]),
            None if found[5] is None else int(found[5]),
        )
        for found in re.finditer(_QUEUE, text)
        if found[1] is not None
    )


def _counters(lines: Lines, tables: tuple[Table, ...]) -> LcoreStats | None:
    first = read_numbers(lines, tables[0])
    if first is None:
        return None
    values = list(first)
    for table in tables[1:]:
        numbers = read_numbers(lines, table)
        if numbers is None:
            raise lines.error(f"the column titles {' '.join(table.titles)}")
        values += numbers
    return LcoreStats(*values)
