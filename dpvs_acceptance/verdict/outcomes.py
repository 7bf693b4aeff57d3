"""The outcome of a check and of a requirement. They are never merged into each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a check, or of all checks of a requirement."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    FLAKY = "FLAKY"
    """A traffic check failed, and passed when repeated: not to be relied on, so not a PASS."""
    BLOCKED = "BLOCKED"
    """Bring-up or bench failed; the cause is told once."""
    NOT_SUPPORTED = "NOT SUPPORTED"
    """A probe showed that the device lacks it; the probe is kept as evidence."""
    NOT_TESTED = "NOT TESTED"
    """Nothing was looked at."""


BAD = frozenset({Outcome.FAIL, Outcome.FLAKY})
"""Outcomes that say that the device does not do what it must."""

SKIPPED = frozenset({Outcome.NOT_SUPPORTED, Outcome.NOT_TESTED})
"""Outcomes that say nothing about whether the requirement holds."""

# The first of these that one of a requirement's checks has is the requirement's outcome.
_PRECEDENCE = (
    Outcome.FAIL,
    Outcome.BLOCKED,
    Outcome.FLAKY,
    Outcome.PASS,
    Outcome.NOT_TESTED,
    Outcome.NOT_SUPPORTED,
)


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
    """What came of one check."""

    nodeid: str
    """The check, as pytest names it."""
    outcome: Outcome
    seconds: float
    """Of all attempts, without the fixtures that outlive the check."""
    message: str = ""
    """Why it is not a PASS; the first line tells the cause."""
    details: str = ""
    """What pytest shows of a failure."""
    requirements: tuple[str, ...] = ()
    """Ids of the requirements that the check proves."""
    evidence: tuple[str, ...] = ()
    """Files, relative to the run's directory."""
    probe: str = ""
    """For NOT SUPPORTED, what the probe said."""
    attempts: tuple[Attempt, ...] = ()
    """All tries, first to last, where there was more than one."""


def requirement_outcome(results: Iterable[CheckResult]) -> Outcome:
    """The outcome of a requirement from those of its checks.

    Any FAIL makes it FAIL; then BLOCKED, then FLAKY. PASS needs a check that passed and none of
    these. Where every check was skipped, NOT TESTED outweighs NOT SUPPORTED, since a part of the
    requirement was not even probed. No check at all is NOT TESTED.
    """
    seen = {result.outcome for result in results}
    return next((outcome for outcome in _PRECEDENCE if outcome in seen), Outcome.NOT_TESTED)
