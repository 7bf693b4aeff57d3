"""Rows that do not affect the verdict but are listed in every report. Pure.

Rows of catalogues by which the run is not judged, and rows outside its profile. If a check of the
run also proves such a row, its outcome is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from dpvs_acceptance.model.requirement import Priority, Requirement
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome, requirement_outcome


@dataclass(frozen=True, slots=True)
class UnjudgedCatalogue:
    """Rows of one catalogue that do not judge a run."""

    catalogue: str
    why: str
    """One sentence."""
    instead: str
    """The option by which a run is judged by them."""
    rows: tuple[Requirement, ...]


class UnjudgedRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    priority: Priority
    statement: str
    statement_zh: str = ""
    outcome: Outcome = Field(description="NOT TESTED unless all of its checks ran")
    checks: tuple[str, ...] = Field((), description="node ids of checks of this run that prove it")
    left_out: int = Field(0, ge=0, description="checks that prove it, but did not run")


class UnjudgedRows(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogue: str
    why: str
    instead: str = Field("", description="the option by which a run is judged by them")
    rows: tuple[UnjudgedRow, ...]

    @property
    def counts(self) -> tuple[tuple[Outcome, int], ...]:
        """Number of rows by outcome."""
        counted = Counter(row.outcome for row in self.rows)
        return tuple((one, counted[one]) for one in Outcome if counted[one])

    @property
    def words(self) -> str:
        """One line with the number of rows and their outcomes."""
        shown = ", ".join(f"{outcome} {count}" for outcome, count in self.counts)
        return f"{self.catalogue}: {shown} of {len(self.rows)} rows"


def outcome_beside(made: Iterable[CheckResult], left_out: int, row: str = "") -> Outcome:
    """The outcome of a row that does not affect the verdict.

    A failure is shown even if other checks of the row did not run; any other outcome only if all of
    them ran.
    """
    outcome = requirement_outcome(made, row)
    wrong = (Outcome.FAIL, Outcome.FLAKY, Outcome.BLOCKED)
    return Outcome.NOT_TESTED if left_out and outcome not in wrong else outcome


def unjudged(
    beside: Iterable[UnjudgedCatalogue], results: Sequence[CheckResult], known: Mapping[str, int]
) -> tuple[UnjudgedRows, ...]:
    """`known`: by id, the number of checks that prove the row on this topology."""
    proving: dict[str, list[CheckResult]] = {}
    for result in results:
        for name in dict.fromkeys(result.requirements):
            proving.setdefault(name, []).append(result)
    return tuple(
        UnjudgedRows(
            catalogue=group.catalogue,
            why=group.why,
            instead=group.instead,
            rows=tuple(
                _row(row, proving.get(row.id, ()), known.get(row.id, 0)) for row in group.rows
            ),
        )
        for group in beside
        if group.rows
    )


def _row(row: Requirement, made: Sequence[CheckResult], known: int) -> UnjudgedRow:
    left_out = max(known - len(made), 0)
    return UnjudgedRow(
        id=row.id,
        priority=row.priority,
        statement=row.statement,
        statement_zh=row.statement_zh,
        outcome=outcome_beside(made, left_out, row.id),
        checks=tuple(result.nodeid for result in made),
        left_out=left_out,
    )
