"""Versions × requirements: the outcomes of several runs side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dpvs_acceptance.model.requirement import SEED, is_part_of
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import RequirementEntry, SignOff

# For several runs of one version: a failure of any run, otherwise the best result of any run.
_PRECEDENCE = (
    Outcome.FAIL,
    Outcome.BLOCKED,
    Outcome.FLAKY,
    Outcome.PASS,
    Outcome.PARTIAL,
    Outcome.NOT_SUPPORTED,
    Outcome.NOT_APPLICABLE,
    Outcome.NOT_TESTED,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The outcome of one requirement in one run."""

    run: str
    topology: str
    outcome: Outcome
    cause: str
    """Why it is not a full PASS; empty for one."""
    known: str = ""
    """References by which its failure is known."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A requirement under one heading: the combined outcome of its runs, and each run."""

    outcome: Outcome
    seen: tuple[Seen, ...]
    parts: str = ""
    """Of a requirement in parts: how many of them hold, and which do not."""

    @property
    def covered(self) -> bool:
        return self.outcome not in (Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE)

    @property
    def cause(self) -> str:
        found = next((one.cause for one in self.seen if one.outcome is self.outcome), "")
        return self.parts or found


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One requirement; a cell per heading of its table."""

    id: str
    priority: str
    statement: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Between columns that covered it."""
        return len({cell.outcome for cell in self.cells if cell.covered}) > 1


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """The requirements of one catalogue that any of the runs covered."""

    catalogue: str
    lines: tuple[RequirementLine, ...]
    rows: int
    """Number of rows by which the runs were judged."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Tables with the same headings."""

    title: str
    headings: tuple[str, ...]
    verdicts: tuple[str, ...]
    """The verdicts of the runs under each heading."""
    tables: tuple[CatalogueTable, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`versions`: all runs; `topologies`: a sheet per version with several topologies."""

    versions: Sheet
    topologies: tuple[Sheet, ...]


def make_matrix(runs: Sequence[SignOff]) -> Matrix:
    """From one or more runs in any order; versions are sorted."""
    by_version = _grouped(sorted(runs, key=_order), _device)
    sheets = []
    for version, mine in by_version.items():
        by_topology = _grouped(mine, lambda run: run.topology)
        if len(by_topology) > 1:
            sheets.append(_sheet(version, by_topology))
    return Matrix(_sheet("", by_version), tuple(sheets))


def _device(run: SignOff) -> str:
    """The heading: version and kind of device."""
    return f"{version_of(run)} ({run.device.kind})"


def version_of(run: SignOff) -> str:
    """DPVS's version as its tags have it: 1.10.2."""
    return re.sub(r"^(\d+\.\d+)-(\d+)$", r"\1.\2", run.device.dpvs)


def _order(run: SignOff) -> tuple[list[int], str, str]:
    numbers = [int(number) for number in re.findall(r"\d+", run.device.dpvs)]
    return numbers, run.device.kind, run.run


def _grouped(runs: Iterable[SignOff], name: Callable[[SignOff], str]) -> dict[str, list[SignOff]]:
    found: dict[str, list[SignOff]] = {}
    for run in runs:
        found.setdefault(name(run), []).append(run)
    return found


def _sheet(title: str, groups: Mapping[str, Sequence[SignOff]]) -> Sheet:
    rows: dict[str, dict[str, RequirementEntry]] = {}
    for runs in groups.values():
        for run in runs:
            for row in run.requirements:
                rows.setdefault(row.catalogue, {}).setdefault(row.id, row)
    tables = []
    for catalogue in sorted(rows, key=lambda name: (name != SEED, name)):
        known = rows[catalogue]
        lines = (_line(row, groups, rows) for row in known.values())
        covered = tuple(line for line in lines if any(cell.covered for cell in line.cells))
        tables.append(CatalogueTable(catalogue, covered, len(known)))
    return Sheet(
        title,
        tuple(groups),
        tuple(", ".join(dict.fromkeys(str(run.verdict) for run in g)) for g in groups.values()),
        tuple(tables),
    )


def _line(
    row: RequirementEntry,
    groups: Mapping[str, Sequence[SignOff]],
    rows: Mapping[str, Mapping[str, RequirementEntry]],
) -> RequirementLine:
    parts = [name for known in rows.values() for name in known if is_part_of(name, row.id)]
    cells = tuple(
        _of_parts(_cell(row.id, runs), {part: _cell(part, runs) for part in parts})
        for runs in groups.values()
    )
    return RequirementLine(row.id, str(row.priority), row.statement, cells)


def _cell(name: str, runs: Iterable[SignOff]) -> Cell:
    seen = tuple(
        Seen(run.run, run.topology, row.outcome, row.remark, row.known)
        for run in runs
        for row in run.requirements
        if row.id == name
    )
    outcomes = {one.outcome for one in seen}
    best = next((one for one in _PRECEDENCE if one in outcomes), Outcome.NOT_TESTED)
    return Cell(best, seen)


def _of_parts(whole: Cell, parts: Mapping[str, Cell]) -> Cell:
    """A requirement in parts: a failure of any of them; a PASS only if all of them passed."""
    if not any(cell.covered for cell in parts.values()):
        return whole
    by_outcome: dict[Outcome, list[str]] = {}
    for name, cell in parts.items():
        known = next((one.known for one in cell.seen if one.known), "")
        told = f"{name} (known: {known})" if known else name
        by_outcome.setdefault(cell.outcome, []).append(told)
    good = len(by_outcome.pop(Outcome.PASS, ()))
    others = [f"{one} {', '.join(by_outcome[one])}" for one in _PRECEDENCE if one in by_outcome]
    words = "; ".join((f"{good} of {len(parts)} parts PASS", *others))
    if not by_outcome:
        return Cell(Outcome.PASS, whole.seen, words)
    worst = next(one for one in _PRECEDENCE if one in by_outcome)
    partly = Outcome.PARTIAL if good and worst not in _PRECEDENCE[:3] else worst
    return Cell(partly, whole.seen, words)


def lines_in_parts(runs: Sequence[SignOff]) -> Iterator[str]:
    """A line per version and requirement in parts: the outcome, and what its parts came to."""
    sheet = make_matrix(runs).versions
    for table in sheet.tables:
        for line in table.lines:
            for heading, cell in zip(sheet.headings, line.cells, strict=True):
                if cell.parts:
                    yield f"{line.id} on {heading}: {cell.outcome}: {cell.parts}"


_WIDTH = max(len(outcome) for outcome in Outcome)


def to_lines(matrix: Matrix) -> Iterator[str]:
    """As text: the versions, then the topologies of each version that was run on several."""
    yield from _sheet_lines(matrix.versions)
    for sheet in matrix.topologies:
        yield ""
        yield f"=== {sheet.title}, by topology ==="
        yield from _sheet_lines(sheet)


def _sheet_lines(sheet: Sheet) -> Iterator[str]:
    widths = [max(len(heading), _WIDTH) for heading in sheet.headings]
    wide = max((len(line.id) for table in sheet.tables for line in table.lines), default=2)
    named = zip(sheet.headings, widths, strict=True)
    yield f"{'':<{wide}}      " + "  ".join(f"{one:<{width}}" for one, width in named).rstrip()
    for table in sheet.tables:
        yield f"{table.catalogue}: {len(table.lines)} of {table.rows} rows covered"
        for line in table.lines:
            cells = (
                f"{cell.outcome if cell.seen or cell.parts else '-':<{width}}"
                for cell, width in zip(line.cells, widths, strict=True)
            )
            mark = "*" if line.differs else " "
            yield f"{line.id:<{wide}} {mark} {line.priority}  " + "  ".join(cells).rstrip()
    yield "verdicts: " + "; ".join(
        f"{heading}: {verdict}"
        for heading, verdict in zip(sheet.headings, sheet.verdicts, strict=True)
    )
