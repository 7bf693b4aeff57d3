"""The verdict of one run on one device, as a pure function of the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType

from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.model.requirement import Requirement
from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, Profile, RunProblem
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome
from dpvs_acceptance.verdict.reasons import (
    blocked_by,
    checked_lines,
    excuse,
    failures_of,
    gaps,
    lenient_lines,
    surprises,
    unshown,
    waiver_lines,
    words_of,
)
from dpvs_acceptance.verdict.rows import rows
from dpvs_acceptance.verdict.waivers import Waiver, waived_ids

EXIT_READY = 0
EXIT_NOT_READY = 1
EXIT_BLOCKED = 2
EXIT_USAGE = 3
_GRAVEST_FIRST = (EXIT_NOT_READY, EXIT_BLOCKED, EXIT_USAGE, EXIT_READY)


def gravest(statuses: Iterable[int]) -> int:
    """The exit status of several runs: one NOT READY counts more than one BLOCKED, which some
    gates let pass. A status that is not one of a verdict (a killed process) counts as BLOCKED."""
    known = {one if one in _GRAVEST_FIRST else EXIT_BLOCKED for one in statuses}
    return next((one for one in _GRAVEST_FIRST if one in known), EXIT_READY)


class VerdictName(StrEnum):
    """The one line at the top of the report."""

    READY = "READY"
    NOT_READY = "NOT READY"
    PASSED_ON_SIMULATION = "PASSED ON SIMULATION"
    """Everything passed on a simulated device: signs nothing off."""
    PARTIAL = "PARTIAL"
    """Nothing failed, but not all checks were requested: signs nothing off."""
    BLOCKED = "BLOCKED"
    """Bench or bring-up failed: no statement about the device."""


@dataclass(frozen=True, slots=True)
class Verdict:
    name: VerdictName
    reasons: tuple[str, ...]
    """One sentence each, the decisive ones first."""
    exit_code: int


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
    changed: Sequence[str] = (),
) -> Verdict:
    """The verdict, the first of these that applies.

    1. a check failed or is FLAKY, or the run itself failed: NOT READY
    2. bench or bring-up failed, or the run was interrupted: BLOCKED
    3. a fault was injected: NOT READY
    4. not all checks were requested: PARTIAL, exit 0 (3 if none ran)
    5. nothing passed, or the kind of device is unknown: NOT READY
    6. a P1 or P2 requirement is NOT TESTED, NOT SUPPORTED or PARTIAL, and the device is not
       simulated, or `strict`: NOT READY. In a catalogue that is held where checked, rows without
       a check do not count (their number is reported), and the others count on hardware only,
       since software ports lack some of the functions.
    7. the device is simulated: PASSED ON SIMULATION; otherwise READY

    `known`: known defects of the device's version. A row with a known defect fails and is reported
    as known; with `lenient` it does not count. A row that passes in spite of it is reported.

    Requirements waived on the day `today` do not count, and are reported; an expired waiver is a
    failure. BLOCKED cannot be waived, because the result is unknown. `requirements`: those of the
    `profile`; `changed`: what a site changed of the catalogues.
    """
    whole, strays = rows(requirements, results, not_declared)
    today = today or datetime.now(UTC).date()
    ids = waived_ids(waivers, today)
    excused = {row.requirement.id: excuse(row, known) for row in whole}
    table = [
        row
        for row in whole
        if (row.requirement.id not in ids or not row.can_be_waived)
        and not (lenient and excused[row.requirement.id])
    ]
    told = (
        *changed,
        *waiver_lines(whole, waivers, today),
        *lenient_lines(whole, excused if lenient else {}),
        *surprises(whole, known),
        *checked_lines(whole),
    )
    if profile is not Profile.FULL:
        told = (f"profile {profile}: only requirements of {profile.words} were judged", *told)
    expired = [
        f"the waiver of {one.requirement} expired on {one.expires} ({one.owner}, {one.issue})"
        for one in waivers
        if one.expired(today)
    ]
    failures = [*failures_of(table, strays, run_problems, excused), *expired]
    blocked = blocked_by(results, run_problems)
    fault = [words_of(p) for p in run_problems if p.kind is ProblemKind.FAULT]
    partial = [words_of(p) for p in run_problems if p.kind is ProblemKind.PARTIAL]
    left = gaps(table)

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
        return Verdict(VerdictName.NOT_READY, ("no check passed", *left), EXIT_NOT_READY)
    if device_kind is DeviceKind.UNKNOWN:
        unknown = "nothing says what kind of device was tested"
        return Verdict(VerdictName.NOT_READY, (unknown, *left), EXIT_NOT_READY)
    not_shown = unshown(table, device_kind, strict)
    if not_shown:
        return Verdict(VerdictName.NOT_READY, (*not_shown, *told), EXIT_NOT_READY)
    if device_kind is DeviceKind.SIMULATION:
        nothing = "the device is simulated: this verdict signs nothing off"
        return Verdict(VerdictName.PASSED_ON_SIMULATION, (nothing, *told, *left), EXIT_READY)
    return Verdict(VerdictName.READY, (*told, *left), EXIT_READY)
