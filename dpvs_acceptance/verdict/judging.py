"""The verdict of one run on one device: a pure function of what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType

from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.model.requirement import Held, Priority, Requirement
from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, Profile, RunProblem
from dpvs_acceptance.verdict.known import KnownState, became_of, excuses
from dpvs_acceptance.verdict.outcomes import (
    BAD,
    OPEN,
    CheckResult,
    Outcome,
    looked_at,
    remark_on,
    requirement_outcome,
)
from dpvs_acceptance.verdict.waivers import Waiver, waived_ids
from dpvs_acceptance.verdict.words import first_line

EXIT_READY = 0
EXIT_NOT_READY = 1
EXIT_BLOCKED = 2
EXIT_USAGE = 3


class VerdictName(StrEnum):
    """The one line at the top of the report."""

    READY = "READY"
    NOT_READY = "NOT READY"
    PASSED_ON_SIMULATION = "PASSED ON SIMULATION"
    """All is well, on a simulated device: signs nothing off."""
    PARTIAL = "PARTIAL"
    """Nothing failed, but not every check was asked to run: signs nothing off."""
    BLOCKED = "BLOCKED"
    """Bench or bring-up failed: nothing is said about the device."""


@dataclass(frozen=True, slots=True)
class Verdict:
    name: VerdictName
    reasons: tuple[str, ...]
    """One sentence each, the decisive ones first."""
    exit_code: int


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement with the results of its checks."""

    requirement: Requirement
    outcome: Outcome
    results: tuple[CheckResult, ...]
    not_declared: str = ""
    """Why the row has no check: the topology declares nothing of its kind."""

    @property
    def decides(self) -> bool:
        """Not a row of a catalogue held where it was checked, that nothing looked at."""
        return self.requirement.held is Held.WHOLE or looked_at(self.results)

    @property
    def is_bad(self) -> bool:
        return self.outcome in BAD

    @property
    def can_be_waived(self) -> bool:
        return self.outcome in BAD | OPEN

    @property
    def cause(self) -> str:
        """One line: what the check said that made the outcome; empty for a PASS."""
        remark = remark_on(self.results, self.requirement.id, self.outcome)
        return remark or self.not_declared


def rows(
    requirements: Iterable[Requirement],
    results: Iterable[CheckResult],
    not_declared: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[Row, ...], tuple[CheckResult, ...]]:
    """Each requirement with its results, and the results that name none of these requirements.

    `not_declared`: by id, why the topology gives the row's checks nothing to look at. Without
    results such a row is NOT APPLICABLE. Not so a P1 row, nor one of a catalogue held where it was
    checked: these stay NOT TESTED.
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
    why = "" if results else not_declared.get(requirement.id, "")
    if why and requirement.priority is not Priority.P1 and requirement.held is Held.WHOLE:
        return Row(requirement, Outcome.NOT_APPLICABLE, (), why)
    return Row(requirement, requirement_outcome(results, requirement.id), tuple(results))


def judge(
    device_kind: DeviceKind,
    requirements: Sequence[Requirement],
    results: Sequence[CheckResult],
    run_problems: Sequence[RunProblem] = (),
    strict: bool = False,
    waivers: Sequence[Waiver] = (),
    today: date | None = None,
    profile: Profile = Profile.FULL,
    known: Sequence[KnownDefect] = (),
    lenient: bool = False,
    not_declared: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    """The verdict, the first of these that applies.

    1. a check failed or is FLAKY, or the run has a failure of its own: NOT READY
    2. bench or bring-up failed, or the run was interrupted: BLOCKED
    3. a fault was injected: NOT READY, whatever else
    4. not every check was asked to run: PARTIAL, exit 0 (but 3 when none ran)
    5. nothing passed, or nothing says what the device is: NOT READY
    6. a P1 or P2 requirement is NOT TESTED, NOT SUPPORTED or PARTIAL, and the device is not
       simulated, or `strict`: NOT READY. Of a catalogue held where it was checked, rows that
       nothing looked at do not count here, how many they are is told; and the others count on
       hardware only: no lab of software ports has all that such a list names.
    7. the device is simulated: PASSED ON SIMULATION; otherwise READY

    `known` are the defects of the device's version. A row that fails by one of them fails, and is
    told as known; with `lenient` it does not count. One that passes all the same is told.

    What is waived on the day `today` counts in none of these, and is told; a waiver that has
    expired is a failure. `requirements` are those of the `profile`. BLOCKED cannot be
    waived: nobody knows what was not seen.
    """
    whole, strays = rows(requirements, results, not_declared)
    today = today or datetime.now(UTC).date()
    ids = waived_ids(waivers, today)
    excused = {row.requirement.id: _excuse(row, known) for row in whole}
    table = [
        row
        for row in whole
        if (row.requirement.id not in ids or not row.can_be_waived)
        and not (lenient and excused[row.requirement.id])
    ]
    told = (
        *_waivers(whole, waivers, today),
        *_lenient(whole, excused if lenient else {}),
        *_surprises(whole, known),
        *_checked(whole),
    )
    if profile is not Profile.FULL:
        told = (f"profile {profile}: only requirements of {profile.words} were judged", *told)
    expired = [
        f"the waiver of {one.requirement} expired on {one.expires} ({one.owner}, {one.issue})"
        for one in waivers
        if one.expired(today)
    ]
    failures = [*_failures(table, strays, run_problems, excused), *expired]
    blocked = _blocked(results, run_problems)
    fault = [_of(p) for p in run_problems if p.kind is ProblemKind.FAULT]
    partial = [_of(p) for p in run_problems if p.kind is ProblemKind.PARTIAL]
    gaps = _gaps(table)

    if failures:
        reasons = (*fault, *failures, *blocked, *partial, *told)
        return Verdict(VerdictName.NOT_READY, reasons, EXIT_NOT_READY)
    if blocked:
        return Verdict(VerdictName.BLOCKED, (*fault, *blocked, *partial, *told), EXIT_BLOCKED)
    if fault:
        never = "a run with an injected fault is never READY, and this fault was not noticed"
        return Verdict(VerdictName.NOT_READY, (*fault, never, *partial, *told), EXIT_NOT_READY)
    if not results:
        reasons = tuple(partial) or ("no check was run",)
        return Verdict(VerdictName.PARTIAL, reasons, EXIT_USAGE)
    if partial:
        return Verdict(VerdictName.PARTIAL, (*partial, *told), EXIT_READY)
    if not any(result.outcome is Outcome.PASS for result in results):
        return Verdict(VerdictName.NOT_READY, ("no check passed", *gaps), EXIT_NOT_READY)
    if device_kind is DeviceKind.UNKNOWN:
        unknown = "nothing says what kind of device was tested"
        return Verdict(VerdictName.NOT_READY, (unknown, *gaps), EXIT_NOT_READY)
    unshown = _unshown(table, device_kind, strict)
    if unshown:
        return Verdict(VerdictName.NOT_READY, (*unshown, *told), EXIT_NOT_READY)
    if device_kind is DeviceKind.SIMULATION:
        nothing = "the device is simulated: this verdict signs nothing off"
        return Verdict(VerdictName.PASSED_ON_SIMULATION, (nothing, *told, *gaps), EXIT_READY)
    return Verdict(VerdictName.READY, (*told, *gaps), EXIT_READY)


def _waivers(table: Sequence[Row], waivers: Sequence[Waiver], today: date) -> Iterator[str]:
    """A line per waiver that counts or that nothing needs."""
    by_id = {row.requirement.id: row for row in table}
    for waiver in waivers:
        row = by_id.get(waiver.requirement)
        if row is None or waiver.expired(today):
            continue
        if row.can_be_waived:
            name = f"{waiver.requirement} ({row.requirement.priority}) {row.outcome}"
            yield f"{name} is waived {waiver}"
        else:
            yield (
                f"warning: the waiver of {waiver.requirement} is of no use, the outcome is "
                f"{row.outcome}: remove it"
            )


def _checked(table: Sequence[Row]) -> Iterator[str]:
    """A line per catalogue held where it was checked: how much of it that is."""
    by_catalogue: dict[str, list[Row]] = {}
    for row in table:
        if row.requirement.held is Held.WHERE_CHECKED:
            by_catalogue.setdefault(row.requirement.catalogue, []).append(row)
    for name, whole in by_catalogue.items():
        checked = sum(row.decides for row in whole)
        others = ", the others NOT TESTED" if checked < len(whole) else ""
        yield f"{name}: {checked} of {len(whole)} rows checked{others}"


def _unshown(table: Sequence[Row], kind: DeviceKind, strict: bool) -> list[str]:
    """P1 and P2 requirements that were not shown to hold where they have to be."""
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


def _of(problem: RunProblem) -> str:
    return first_line(problem.words) or str(problem.kind)


def _excuse(row: Row, known: Sequence[KnownDefect]) -> str:
    """The references by which the row is known to fail; empty where it does not, or not by them."""
    if not row.is_bad:
        return ""
    return ", ".join(excuses(row.requirement.id, row.results, known))


def _lenient(table: Sequence[Row], excused: Mapping[str, str]) -> Iterator[str]:
    for row in table:
        if reference := excused.get(row.requirement.id):
            name = f"{row.requirement.id} ({row.requirement.priority}) {row.outcome}"
            yield f"{name} is known of this version ({reference}) and does not count: --lenient"


def _surprises(table: Sequence[Row], known: Sequence[KnownDefect]) -> Iterator[str]:
    for row in table:
        for defect in known:
            if (
                row.requirement.id in defect.requirements
                and became_of(defect, row.results) is KnownState.PASSES
            ):
                where = f"({defect.reference}, {defect.versions})"
                yield f"{row.requirement.id} {KnownState.PASSES} {where}"


def _failures(
    table: Sequence[Row],
    strays: Sequence[CheckResult],
    problems: Sequence[RunProblem],
    excused: Mapping[str, str],
) -> list[str]:
    found = [
        f"{row.requirement.id} ({row.requirement.priority}) {row.outcome}"
        + (f" (known: {known})" if (known := excused[row.requirement.id]) else "")
        + f": {row.cause}"
        for row in table
        if row.outcome in BAD
    ]
    # FLAKY behind a BLOCKED check of the same requirement is not the row's outcome, but still bad.
    hidden = [r for row in table if row.outcome not in BAD for r in row.results]
    found += [
        f"{result.nodeid} {result.outcome}: {first_line(result.message)}"
        for result in dict.fromkeys((*hidden, *strays))
        if result.outcome in BAD
    ]
    return found + [_of(p) for p in problems if p.kind is ProblemKind.FAILURE]


def _blocked(results: Sequence[CheckResult], problems: Sequence[RunProblem]) -> list[str]:
    causes: dict[str, int] = {}
    for problem in problems:
        if problem.kind is ProblemKind.BLOCKED:
            causes.setdefault(_of(problem), 0)
    for result in results:
        if result.outcome is Outcome.BLOCKED:
            cause = first_line(result.message) or result.nodeid
            causes[cause] = causes.get(cause, 0) + 1
    return [
        f"blocked: {cause}" + (f" ({count} checks could not be made)" if count > 1 else "")
        for cause, count in causes.items()
    ]


def _gaps(table: Sequence[Row]) -> list[str]:
    """What the run does not show although nothing failed, a line per kind of gap."""
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
