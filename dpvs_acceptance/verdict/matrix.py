"""Versions × requirements: the outcomes of several runs side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dpvs_acceptance.model.requirement import SEED
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


@dataclass(frozen=True, slots=True)
class Cell:
    """A requirement under one heading: the combined outcome of its runs, and each run."""

    outcome: Outcome
    seen: tuple[Seen, ...]

    @property
    def covered(self) -> bool:
        return self.outcome not in (Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE)

    @property
    def cause(self) -> str:
        return next((one.cause for one in self.seen if one.outcome is self.outcome), "")


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
    version = re.sub(r"^(\d+\.\d+)-(\d+)$", r"\1.\2", run.device.dpvs)
    return f"{version} ({run.device.kind})"


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
        lines = (_line(row, groups) for row in known.values())
        covered = tuple(line for line in lines if any(cell.covered for cell in line.cells))
        tables.append(CatalogueTable(catalogue, covered, len(known)))
    return Sheet(
        title,
        tuple(groups),
        tuple(", ".join(dict.fromkeys(str(run.verdict) for run in g)) for g in groups.values()),
        tuple(tables),
    )


def _line(row: RequirementEntry, groups: Mapping[str, Sequence[SignOff]]) -> RequirementLine:
    cells = tuple(_cell(row.id, runs) for runs in groups.values())
    return RequirementLine(row.id, str(row.priority), row.statement, cells)


def _cell(name: str, runs: Iterable[SignOff]) -> Cell:
    seen = tuple(
        Seen(run.run, run.topology, row.outcome, row.remark)
        for run in runs
        for row in run.requirements
        if row.id == name
    )
    outcomes = {one.outcome for one in seen}
    best = next((one for one in _PRECEDENCE if one in outcomes), Outcome.NOT_TESTED)
    return Cell(best, seen)


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
                f"{cell.outcome if cell.seen else '-':<{width}}"
                for cell, width in zip(line.cells, widths, strict=True)
            )
            mark = "*" if line.differs else " "
            yield f"{line.id:<{wide}} {mark} {line.priority}  " + "  ".join(cells).rstrip()
    yield "verdicts: " + "; ".join(
        f"{heading}: {verdict}"
        for heading, verdict in zip(sheet.headings, sheet.verdicts, strict=True)
    )
