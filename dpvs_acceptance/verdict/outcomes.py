"""Outcomes of checks and requirements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dpvs_acceptance.verdict.telling import most_telling, telling_line
from dpvs_acceptance.verdict.words import first_line


class Outcome(StrEnum):
    """Outcome of a check or of a requirement."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    FLAKY = "FLAKY"
    """A traffic check failed, then passed when repeated; not a PASS."""
    BLOCKED = "BLOCKED"
    """Bring-up or bench failed; the cause is reported once."""
    NOT_SUPPORTED = "NOT SUPPORTED"
    """A probe showed that the device lacks it; the probe is kept as evidence."""
    NOT_APPLICABLE = "NOT APPLICABLE"
    """The declaration leaves nothing to check; does not prevent READY."""
    NOT_TESTED = "NOT TESTED"
    """Not covered by this run."""
    PARTIAL = "PARTIAL"
    """Only of a requirement: its core checks passed, another check could not run."""


BAD = frozenset({Outcome.FAIL, Outcome.FLAKY})
"""Outcomes that are failures of the device."""

SKIPPED = frozenset({Outcome.NOT_SUPPORTED, Outcome.NOT_TESTED})
"""Outcomes without a statement about the requirement."""

OPEN = SKIPPED | {Outcome.PARTIAL}
"""Outcomes of a requirement that was not shown to hold, without a failure."""

_UNSEEN = frozenset({Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE})
_WRONG = (Outcome.FAIL, Outcome.BLOCKED, Outcome.FLAKY)
_WITHOUT = (Outcome.NOT_TESTED, Outcome.NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of several tries of the same check, kept with its own evidence."""

    outcome: Outcome
    seconds: float
    message: str = ""
    details: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    nodeid: str
    """The check, as pytest names it."""
    outcome: Outcome
    seconds: float
    """Of all attempts, without fixtures that live longer than the check."""
    message: str = ""
    """Why it is not a PASS; the first line is the cause."""
    details: str = ""
    """The failure as shown by pytest."""
    requirements: tuple[str, ...] = ()
    """Ids of the requirements that the check proves."""
    evidence: tuple[str, ...] = ()
    """Files, relative to the run's directory."""
    probe: str = ""
    """For NOT SUPPORTED, the output of the probe."""
    attempts: tuple[Attempt, ...] = ()
    """All tries, first to last, where there was more than one."""
    core: tuple[str, ...] = ()
    """Requirements of which this is a core check."""


def core_of(results: Sequence[CheckResult], row: str) -> tuple[CheckResult, ...]:
    """The checks without which the requirement `row` is not shown to hold: all, if none is named.

    Checks that are NOT APPLICABLE are left out.
    """
    named = [result for result in results if row in result.core]
    chosen = named or results
    return tuple(one for one in chosen if one.outcome is not Outcome.NOT_APPLICABLE)


def requirement_outcome(results: Iterable[CheckResult], row: str = "") -> Outcome:
    """The outcome of the requirement with the id `row` from those of its checks.

    Any FAIL makes it FAIL; then BLOCKED, then FLAKY, whichever check has it. Then the core checks
    decide: NOT TESTED or NOT SUPPORTED if one of them is, NOT APPLICABLE if none applies. If all of
    them passed, it is PASS, or PARTIAL if another check could not run. Without checks it is NOT
    TESTED.
    """
    made = tuple(results)
    seen = {result.outcome for result in made}
    for outcome in _WRONG:
        if outcome in seen:
            return outcome
    decisive = {result.outcome for result in core_of(made, row)}
    if not decisive:
        return Outcome.NOT_APPLICABLE if made else Outcome.NOT_TESTED
    for outcome in _WITHOUT:
        if outcome in decisive:
            return outcome
    return Outcome.PARTIAL if seen & SKIPPED else Outcome.PASS


def looked_at(results: Iterable[CheckResult]) -> bool:
    """Whether any of these checks ran."""
    return any(result.outcome not in _UNSEEN for result in results)


def short_name(nodeid: str) -> str:
    """The check's own name, without its file."""
    return nodeid.partition("::")[2] or nodeid


def remark_on(results: Sequence[CheckResult], row: str, outcome: Outcome) -> str:
    """One line on why the requirement is not a PASS, naming the check; empty for a full PASS."""
    if outcome is Outcome.PASS:
        return ""
    if outcome is Outcome.PARTIAL:
        left = [one for one in results if one.outcome in SKIPPED]
        count = f"without {len(left)} of {len(results)} checks, "
    else:
        decisive = core_of(results, row) if outcome in SKIPPED else results
        left = [one for one in decisive if one.outcome is outcome]
        count = ""
    if not left:
        return ""
    if outcome in BAD:
        return telling_line(left[most_telling(one.message for one in left)].message)
    words = first_line(left[0].message)
    if outcome not in OPEN:
        return words
    said = f"{left[0].outcome}: " if outcome is Outcome.PARTIAL else ""
    named = f"{short_name(left[0].nodeid)}: " if len(results) > 1 else ""
    return f"{count}{said}{named}{words}"
