"""A requirement with the results and outcome of its checks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dpvs_acceptance.model.requirement import Held, Priority, Requirement
from dpvs_acceptance.verdict.outcomes import (
    BAD,
    OPEN,
    CheckResult,
    Outcome,
    looked_at,
    remark_on,
    requirement_outcome,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement with the results of its checks."""

    requirement: Requirement
    outcome: Outcome
    results: tuple[CheckResult, ...]
    not_declared: str = ""
    """Why the row has no check: the topology declares nothing to check."""

    @property
    def decides(self) -> bool:
        """False for a row without checks in a catalogue that is held where checked."""
        return self.requirement.held is Held.WHOLE or looked_at(self.results)

    @property
    def is_bad(self) -> bool:
        return self.outcome in BAD

    @property
    def can_be_waived(self) -> bool:
        return self.outcome in BAD | OPEN

    @property
    def cause(self) -> str:
        """The first line of the message that decided the outcome; empty for a PASS."""
        remark = remark_on(self.results, self.requirement.id, self.outcome)
        return remark or self.not_declared or self.requirement.elsewhere


def rows(
    requirements: Iterable[Requirement],
    results: Iterable[CheckResult],
    not_declared: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[Row, ...], tuple[CheckResult, ...]]:
    """Each requirement with its results, and the results without any of these requirements.

    `not_declared`: by id, why the topology gives the row's core checks nothing to look at. Such a
    row is NOT APPLICABLE unless a check of it failed. Not so a P1 row, nor one of a catalogue held
    where it was checked: these stay NOT TESTED.
    """
    wanted = tuple(requirements)
    by_id: dict[str, list[CheckResult]] = {requirement.id: [] for requirement in wanted}
    strays = []
    for result in results:
        known = [name for name in dict.fromkeys(result.requirements) if name in by_id]
        for name in known:
            by_id[name].append(result)
        if not known:
            strays.append(result)
    return tuple(_row(one, by_id[one.id], not_declared) for one in wanted), tuple(strays)


def _row(
    requirement: Requirement, results: Sequence[CheckResult], not_declared: Mapping[str, str]
) -> Row:
    why = not_declared.get(requirement.id, "")
    outcome = row_outcome(requirement.id, requirement.priority, requirement.held, results, why)
    without = why if outcome in (Outcome.NOT_APPLICABLE, Outcome.NOT_TESTED) else ""
    return Row(requirement, outcome, tuple(results), without)


def row_outcome(
    row: str, priority: Priority, held: Held, results: Sequence[CheckResult], not_declared: str
) -> Outcome:
    """`not_declared`: why the core checks have nothing to look at; empty where they have."""
    outcome = requirement_outcome(results, row)
    if not not_declared or any(row in result.core for result in results):
        return outcome
    if outcome in BAD or outcome is Outcome.BLOCKED:
        return outcome
    if priority is Priority.P1 or held is Held.WHERE_CHECKED:
        return Outcome.NOT_TESTED if priority is Priority.P1 else outcome
    return Outcome.NOT_APPLICABLE
