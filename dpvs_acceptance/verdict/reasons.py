"""Reasons of a verdict, one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.model.requirement import Held, Priority
from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, RunProblem
from dpvs_acceptance.verdict.known import KnownState, became_of, excuses
from dpvs_acceptance.verdict.outcomes import BAD, OPEN, CheckResult, Outcome
from dpvs_acceptance.verdict.rows import Row
from dpvs_acceptance.verdict.telling import telling_line, weight
from dpvs_acceptance.verdict.waivers import Waiver
from dpvs_acceptance.verdict.words import first_line


def waiver_lines(table: Sequence[Row], waivers: Sequence[Waiver], today: date) -> Iterator[str]:
    """A line per used or unused waiver."""
    by_id = {row.requirement.id: row for row in table}
    for waiver in waivers:
        row = by_id.get(waiver.requirement)
        if row is None or waiver.expired(today):
            continue
        if row.can_be_waived:
            name = f"{waiver.requirement} ({row.requirement.priority}) {row.outcome}"
            yield f"{name} is waived {waiver}"
        else:
            yield (f"warning: unused waiver for {waiver.requirement} ({row.outcome}): remove it")


def checked_lines(table: Sequence[Row]) -> Iterator[str]:
    """A line per catalogue held where checked, with the number of checked rows."""
    by_catalogue: dict[str, list[Row]] = {}
    for row in table:
        if row.requirement.held is Held.WHERE_CHECKED:
            by_catalogue.setdefault(row.requirement.catalogue, []).append(row)
    for name, whole in by_catalogue.items():
        checked = sum(row.decides for row in whole)
        others = ", the others NOT TESTED" if checked < len(whole) else ""
        yield f"{name}: {checked} of {len(whole)} rows checked{others}"


def unshown(table: Sequence[Row], kind: DeviceKind, strict: bool) -> list[str]:
    """P1 and P2 requirements that must be shown to hold, but were not."""
    held = {
        Held.WHOLE: strict or kind is not DeviceKind.SIMULATION,
        Held.WHERE_CHECKED: strict or kind is DeviceKind.HARDWARE,
    }
    return [
        f"{row.requirement.id} ({row.requirement.priority}) {row.outcome}"
        + (f": {row.cause}" if row.cause else "")
        for row in table
        if row.requirement.priority in (Priority.P1, Priority.P2)
        and row.outcome in OPEN
        and row.decides
        and held[row.requirement.held]
    ]


def words_of(problem: RunProblem) -> str:
    return first_line(problem.words) or str(problem.kind)


def excuse(row: Row, known: Sequence[KnownDefect]) -> str:
    """References of the known defects that explain the failure of the row, else empty."""
    if not row.is_bad:
        return ""
    return ", ".join(excuses(row.requirement.id, row.results, known))


def lenient_lines(table: Sequence[Row], excused: Mapping[str, str]) -> Iterator[str]:
    for row in table:
        if reference := excused.get(row.requirement.id):
            name = f"{row.requirement.id} ({row.requirement.priority}) {row.outcome}"
            yield (
                f"{name} is a known defect of this version ({reference}) "
                "and does not count: --lenient"
            )


def surprises(table: Sequence[Row], known: Sequence[KnownDefect]) -> Iterator[str]:
    for row in table:
        for defect in known:
            if (
                row.requirement.id in defect.requirements
                and became_of(defect, row.results) is KnownState.PASSES
            ):
                where = f"({defect.reference}, {defect.versions})"
                yield f"{row.requirement.id} {KnownState.PASSES} {where}"


def failures_of(
    table: Sequence[Row],
    strays: Sequence[CheckResult],
    problems: Sequence[RunProblem],
    excused: Mapping[str, str],
) -> list[str]:
    """Failures, the most specific first: others may be consequences of it."""
    found = [
        (
            row.cause,
            f"{row.requirement.id} ({row.requirement.priority}) {row.outcome}"
            + (f" (known: {known})" if (known := excused[row.requirement.id]) else "")
            + f": {row.cause}",
        )
        for row in table
        if row.outcome in BAD
    ]
    # FLAKY in a BLOCKED requirement is not the row's outcome, but still a failure.
    hidden = [r for row in table if row.outcome not in BAD for r in row.results]
    found += [
        (result.message, f"{result.nodeid} {result.outcome}: {telling_line(result.message)}")
        for result in dict.fromkeys((*hidden, *strays))
        if result.outcome in BAD
    ]
    found.sort(key=lambda one: -weight(one[0]))
    return [words for _, words in found] + [
        words_of(p) for p in problems if p.kind is ProblemKind.FAILURE
    ]


def blocked_by(results: Sequence[CheckResult], problems: Sequence[RunProblem]) -> list[str]:
    causes: dict[str, int] = {}
    for problem in problems:
        if problem.kind is ProblemKind.BLOCKED:
            causes.setdefault(words_of(problem), 0)
    for result in results:
        if result.outcome is Outcome.BLOCKED:
            cause = first_line(result.message) or result.nodeid
            causes[cause] = causes.get(cause, 0) + 1
    return [
        f"blocked: {cause}" + (f" ({count} checks could not run)" if count > 1 else "")
        for cause, count in causes.items()
    ]


def gaps(table: Sequence[Row]) -> list[str]:
    """Gaps of a run without failures, a line per outcome."""
    lines = []
    for outcome in (
        Outcome.PARTIAL,
        Outcome.NOT_SUPPORTED,
        Outcome.NOT_TESTED,
        Outcome.NOT_APPLICABLE,
    ):
        ids = [row.requirement.id for row in table if row.outcome is outcome and row.decides]
        if ids:
            lines.append(f"{outcome}: {', '.join(ids)}")
    return lines
