"""Combines setup, call and teardown of a check, and several attempts, into one result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dpvs_acceptance.verdict.outcomes import Attempt, CheckResult, Outcome
from dpvs_acceptance.verdict.telling import most_telling

When = Literal["setup", "call", "teardown"]

# If several phases fail (call, then teardown), the first in this order counts.
_PRECEDENCE = (
    Outcome.FAIL,
    Outcome.BLOCKED,
    Outcome.NOT_SUPPORTED,
    Outcome.NOT_TESTED,
    Outcome.NOT_APPLICABLE,
)


@dataclass(frozen=True, slots=True)
class Phase:
    """The result of one phase of a check. Setup and teardown without a failure are a PASS."""

    when: When
    outcome: Outcome
    seconds: float
    message: str = ""
    details: str = ""
    probe: str = ""
    evidence: tuple[str, ...] = ()
    attempt: int = 1


def combine(
    nodeid: str, requirements: Sequence[str], phases: Iterable[Phase], core: Sequence[str] = ()
) -> CheckResult:
    """The result of a check from its phases; attempts in order.

    `core`: requirements of which it is a core check.

    Several attempts of a failed traffic check: FAIL if none passed, FLAKY if one passed after a
    failure.
    """
    by_attempt: dict[int, list[Phase]] = {}
    for phase in phases:
        by_attempt.setdefault(phase.attempt, []).append(phase)
    blank = CheckResult(
        nodeid, Outcome.PASS, 0.0, requirements=tuple(requirements), core=tuple(core)
    )
    tries = [_one(blank, by_attempt[n]) for n in sorted(by_attempt)]
    if not tries:
        return replace(blank, outcome=Outcome.NOT_TESTED, message="not run")
    if len(tries) == 1:
        return tries[0]
    return _several(tries)


def _one(blank: CheckResult, phases: Sequence[Phase]) -> CheckResult:
    evidence = tuple(dict.fromkeys(path for phase in phases for path in phase.evidence))
    seconds = sum(phase.seconds for phase in phases)
    result = replace(blank, seconds=seconds, evidence=evidence)
    for outcome in _PRECEDENCE:
        for phase in phases:
            if phase.outcome is outcome:
                return replace(
                    result,
                    outcome=outcome,
                    message=phase.message,
                    details=phase.details,
                    probe=phase.probe,
                )
    if not any(phase.when == "call" for phase in phases):
        return replace(result, outcome=Outcome.NOT_TESTED, message="the check was interrupted")
    return result


def _several(tries: Sequence[CheckResult]) -> CheckResult:
    attempts = tuple(Attempt(t.outcome, t.seconds, t.message, t.details, t.evidence) for t in tries)
    outcomes = [t.outcome for t in tries]
    failed = [t for t in tries if t.outcome is Outcome.FAIL]
    worst = failed[most_telling(t.message for t in failed)] if failed else tries[0]
    flaky = worst.outcome is Outcome.FAIL and Outcome.PASS in outcomes
    passed = outcomes.count(Outcome.PASS)
    return replace(
        worst,
        outcome=Outcome.FLAKY if flaky else worst.outcome,
        seconds=sum(t.seconds for t in tries),
        message=(
            f"{worst.message}\npassed in {passed} of {len(tries)} attempts"
            if flaky
            else worst.message
        ),
        evidence=tuple(dict.fromkeys(path for t in tries for path in t.evidence)),
        attempts=attempts,
    )
