"""Known defects in a run: rows that fail because of them, and rows that pass nevertheless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase

from dpvs_acceptance.dpvs.versions import UnknownVersionError, Version
from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.verdict.outcomes import BAD, CheckResult, Outcome


class KnownState(StrEnum):
    """State of a known defect in one row of one run."""

    FAILS = "fails as known"
    PASSES = "passes although it is known to fail"
    UNSEEN = "not seen"


def known_in(defects: Iterable[KnownDefect], dpvs: str) -> tuple[KnownDefect, ...]:
    """Known defects of the device's version; none if the version is unknown."""
    try:
        version = Version.parse(dpvs)
    except UnknownVersionError:
        return ()
    return tuple(defect for defect in defects if defect.is_in(version))


def became_of(defect: KnownDefect, results: Iterable[CheckResult]) -> KnownState:
    """`results`: of a row of the defect."""
    seen = {result.outcome for result in results if _is_of(defect, result)}
    if seen & BAD:
        return KnownState.FAILS
    return KnownState.PASSES if Outcome.PASS in seen else KnownState.UNSEEN


def excuses(
    name: str, results: Sequence[CheckResult], defects: Iterable[KnownDefect]
) -> tuple[str, ...]:
    """References of the known defects that explain all failures of row `name`; else empty."""
    bad = [result for result in results if result.outcome in BAD]
    mine = [defect for defect in defects if name in defect.requirements]
    found = []
    for result in bad:
        references = [defect.reference for defect in mine if _is_of(defect, result)]
        if not references:
            return ()
        found += references
    return tuple(dict.fromkeys(found))


def is_known(result: CheckResult, defects: Sequence[KnownDefect]) -> bool:
    """Whether it failed, and all its rows have a known defect for it."""
    rows = [excuses(name, [result], defects) for name in result.requirements]
    return bool(rows) and all(rows)


def _is_of(defect: KnownDefect, result: CheckResult) -> bool:
    """By the check's name; a failure also by what it says, in each attempt that failed."""
    if not any(fnmatchcase(result.nodeid, pattern) for pattern in defect.checks):
        return False
    if defect.seen is None or result.outcome not in BAD:
        return True
    tries = [one.message for one in result.attempts if one.outcome is Outcome.FAIL]
    return all(re.search(defect.seen, said) for said in tries or [result.message])
