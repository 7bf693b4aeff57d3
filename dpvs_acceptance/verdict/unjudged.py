"""Rows that do not judge a run, in every report all the same: so that the gap can be seen. Pure.

Those of the catalogues that the run is not judged by, and of its own ones beyond its profile. They
decide nothing. What a check of the run shows of such a row, because it proves both, is told.
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
    outcome: Outcome = Field(description="NOT TESTED unless all of its checks were made")
    checks: tuple[str, ...] = Field((), description="node ids of checks of this run that prove it")
    left_out: int = Field(0, ge=0, description="checks that prove it, and were not made")


class UnjudgedRows(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    catalogue: str
    why: str
    instead: str = Field("", description="the option by which a run is judged by them")
    rows: tuple[UnjudgedRow, ...]

    @property
    def counts(self) -> tuple[tuple[Outcome, int], ...]:
        """How many rows have each outcome, for those that any has."""
        counted = Counter(row.outcome for row in self.rows)
        return tuple((one, counted[one]) for one in Outcome if counted[one])

    @property
    def words(self) -> str:
        """One line: how many there are, and with which outcomes."""
        told = ", ".join(f"{outcome} {count}" for outcome, count in self.counts)
        return f"{self.catalogue}: {told} of {len(self.rows)} rows"


def outcome_beside(made: Iterable[CheckResult], left_out: int, row: str = "") -> Outcome:
    """What a run shows of a row that does not judge it.

    What is wrong is told whatever else was left out; anything better only where all of the row's
    checks were made, as it would be had the run been judged by it.
    """
    outcome = requirement_outcome(made, row)
    wrong = (Outcome.FAIL, Outcome.FLAKY, Outcome.BLOCKED)
    return Outcome.NOT_TESTED if left_out and outcome not in wrong else outcome


def unjudged(
    beside: Iterable[UnjudgedCatalogue], results: Sequence[CheckResult], known: Mapping[str, int]
) -> tuple[UnjudgedRows, ...]:
    """`known`: by id, how many checks of the suite prove the row on the run's topology."""
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
