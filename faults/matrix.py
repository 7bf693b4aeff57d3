"""What came of each fault: which checks turned red, and whether they were the right ones. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from dpvs_acceptance.verdict.outcomes import BAD, CheckResult, Outcome
from faults.model import GENERATED, Fault, Kind

SCHEMA = 1
_ACCIDENT = re.compile(r"[A-Z]\w*(Error|Exception|Exit|Iteration): ")


class Cell(StrEnum):
    """One requirement under one fault."""

    CAUGHT = "caught"
    """Expected to turn red, and did."""
    MENDED = "mended"
    """Red with no fault, as on every known DPVS, and green where the device is mended."""
    MISSED = "missed"
    """Expected to turn, and did not."""
    ALONG = "along"
    """Turned red as a consequence that the fault names."""
    FALSE_ALARM = "false alarm"
    """Turned red, and the fault does not name it."""
    GREEN = "green"
    """Looked at, and rightly not red."""
    NOT_LOOKED = "not looked at"
    """No check of it was made, or only such as are red with no fault."""


class Fate(StrEnum):
    KILLED = "killed"
    BY_ANOTHER = "killed by another"
    """Of a generated fault: a check of another requirement than the one meant turned red."""
    SURVIVED = "survived"
    BROKEN = "not made"
    """The fault itself could not be made or taken back."""
    IMPOSSIBLE = "cannot be made"
    """The machine was asked, and lacks what would be broken."""


@dataclass(frozen=True, slots=True)
class Caught:
    """A check that turned red: what a person reads first."""

    check: str
    requirements: tuple[str, ...]
    outcome: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """One fault's line of the matrix."""

    fault: str
    breaks: str
    source: str
    kind: Kind
    fate: Fate
    cells: Mapping[str, Cell]
    caught: tuple[Caught, ...]
    false_alarms: tuple[Caught, ...]
    errors: tuple[str, ...]
    """A check that could not judge (BLOCKED) though the fault does not say that it would, or that
    fell over what it met: its message begins with the class of an exception."""
    reason: str
    """Why it survived, or why it could not be made."""
    note: str
    """What its own repair left, where only another bring-up put that right."""
    checks: int
    seconds: float
    beyond: bool = False
    """Whether it takes parts of DPVS that the simulated one does without."""


def judge(
    fault: Fault,
    results: Sequence[CheckResult],
    seconds: float,
    trouble: str = "",
    *,
    control: Sequence[CheckResult] = (),
    lacking: str = "",
    note: str = "",
    survived: str = "",
) -> Row:
    """The row of a fault from the outcomes of the checks that were made under it.

    Killed: at least one requirement that it names as red did turn red, or all that it mends turned
    green. `missed` cells of a killed fault are listed all the same: they are claims of the
    catalogue that do not hold. What was red in the control already is no red of the fault's.
    """
    before = {r.nodeid: r for r in control if r.outcome in BAD}
    red: dict[str, list[CheckResult]] = {}
    for result in results:
        blocked = fault.blocks and result.outcome is Outcome.BLOCKED
        if result.nodeid not in before and (result.outcome in BAD or blocked):
            for requirement in result.requirements:
                red.setdefault(requirement, []).append(result)
    mended = _mended(fault, results, before)
    named = {*fault.red, *fault.may}
    reds = list({id(r): r for rows in red.values() for r in rows}.values())
    # First what the fault is about, then what it took along.
    reds.sort(key=lambda r: not set(fault.red) & set(r.requirements))
    alarms = [r for r in reds if not named & set(r.requirements)]
    errors = [
        f"{r.nodeid}: {_first(r.message)}"
        for r in results
        if not fault.blocks and (r.outcome is Outcome.BLOCKED or _ACCIDENT.match(r.message))
    ]
    turned = {r.nodeid: r for rows in mended.values() for r in rows}.values()
    killed = any(one in red for one in fault.red) or 0 < len(mended) == len(fault.green)
    fate = Fate.BROKEN if trouble else Fate.KILLED if killed else Fate.SURVIVED
    if fate is Fate.SURVIVED and fault.generated and reds:
        fate = Fate.BY_ANOTHER
    fate = Fate.IMPOSSIBLE if lacking else fate
    unseen = fault.survives or survived or "the reason is not known"
    reason = trouble or lacking or (unseen if fate is Fate.SURVIVED else "")
    return Row(
        fault=fault.name,
        breaks=fault.breaks,
        source=fault.source,
        kind=fault.kind,
        fate=fate,
        cells=_cells(fault, results, before, red, mended),
        caught=tuple(_caught(r) for r in (*turned, *reds) if r not in alarms),
        false_alarms=tuple(map(_caught, alarms)),
        errors=tuple(errors),
        reason=reason,
        note=note,
        checks=len(results),
        seconds=round(seconds, 2),
        beyond=fault.beyond,
    )


def _mended(
    fault: Fault, results: Sequence[CheckResult], before: Mapping[str, CheckResult]
) -> dict[str, list[CheckResult]]:
    """What the fault mends, with the checks that were red before and all pass now."""
    now = {result.nodeid: result.outcome for result in results}
    found = {
        one: [r for r in before.values() if one in r.requirements and r.nodeid in now]
        for one in fault.green
    }
    return {
        one: reds
        for one, reds in found.items()
        if reds and all(now[r.nodeid] is Outcome.PASS for r in reds)
    }


def _cells(
    fault: Fault,
    results: Sequence[CheckResult],
    before: Mapping[str, CheckResult],
    red: Collection[str],
    mended: Collection[str],
) -> dict[str, Cell]:
    """What became of each requirement that the fault names or a check looked at."""
    looked = {one for r in results if r.nodeid not in before for one in r.requirements}
    # Those that only checks which are red anyhow speak of.
    unseen = {one for r in before.values() for one in r.requirements} - looked
    cells = {
        one: Cell.NOT_LOOKED if one in unseen else _cell(fault, one, one in red)
        for one in sorted(looked | set(fault.red))
    }
    for one in fault.green:
        cells[one] = Cell.MENDED if one in mended else Cell.MISSED
    return cells if results else dict.fromkeys(cells, Cell.NOT_LOOKED)


def _cell(fault: Fault, requirement: str, red: bool) -> Cell:
    if requirement in fault.red:
        return Cell.CAUGHT if red else Cell.MISSED
    if not red:
        return Cell.GREEN
    return Cell.ALONG if requirement in fault.may else Cell.FALSE_ALARM


def _caught(result: CheckResult) -> Caught:
    return Caught(result.nodeid, result.requirements, str(result.outcome), _first(result.message))


def _first(message: str) -> str:
    """The first line, or the first two where the first only announces a list."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or [""]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows of one run."""

    device: str
    started: str
    seconds: float
    control: tuple[Caught, ...]
    """Checks that were red with no fault at all: then nothing here proves anything."""
    known: tuple[Caught, ...]
    """Checks that were red with no fault, each by a known defect of this version of DPVS: they
    prove nothing here, and the others do all the same."""
    rows: tuple[Row, ...]
    requirements: tuple[str, ...]
    idle: tuple[str, ...]
    """Checks that no fault turned red."""
    whole: bool = False
    """Whether the machine is a lab's own, simulated one: it can have every fault but those `beyond`
    it."""
    share: float = 1.0
    """Of the faults that can be made, how many have to be killed."""

    def of(self, fate: Fate) -> list[Row]:
        return [row for row in self.rows if row.fate is fate]

    @property
    def false_alarms(self) -> list[tuple[Row, Caught]]:
        return [(row, one) for row in self.rows for one in row.false_alarms]

    @property
    def missed(self) -> list[tuple[Row, str]]:
        """Requirements that a killed fault names as red and that stayed green."""
        return [
            (row, requirement)
            for row in self.rows
            if row.fate is Fate.KILLED and not row.source.startswith(GENERATED)
            for requirement, cell in row.cells.items()
            if cell is Cell.MISSED
        ]

    @property
    def good(self) -> bool:
        """Every fault caught that this machine can have, no false alarm, no error."""
        errors = any(row.errors for row in self.rows)
        here = [
            row
            for row in self.rows
            if row.fate is not Fate.IMPOSSIBLE or (self.whole and not row.beyond)
        ]
        killed = len(self.of(Fate.KILLED)) >= self.share * len(here) > 0
        return killed and not (self.false_alarms or errors or self.control or self.missed)

    def words(self) -> str:
        """One line to print."""
        counts = ", ".join(f"{len(self.of(fate))} {fate}" for fate in Fate)
        return (
            f"{len(self.rows)} faults: {counts}; {len(self.false_alarms)} false alarms; "
            f"{len(self.missed)} requirements missed; {len(self.idle)} checks that nothing "
            f"turned red; {self.seconds:.0f} s"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for reports/faults/matrix.json."""
        return {
            "schema": SCHEMA,
            **asdict(self),
            "summary": {
                "faults": len(self.rows),
                "by_kind": dict(Counter(row.kind for row in self.rows)),
                **{str(fate): len(self.of(fate)) for fate in Fate},
                "false_alarms": len(self.false_alarms),
                "missed": [f"{row.fault}: {one}" for row, one in self.missed],
            },
        }


def idle_checks(checks: Iterable[str], rows: Iterable[Row]) -> tuple[str, ...]:
    """Checks (functions, without their parameters) that no fault turned red."""
    caught = {_function(one.check) for row in rows for one in (*row.caught, *row.false_alarms)}
    return tuple(sorted({_function(check) for check in checks} - caught))


def _function(nodeid: str) -> str:
    return nodeid.split("[", 1)[0]
