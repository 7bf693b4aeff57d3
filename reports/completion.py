"""What ISO/IEC/IEEE 29119-3 wants of a completion report beyond outcomes. Pure.

Deviations from the plan, what blocked, residual risk. Approvals are the table of signatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, Profile, RunProblem
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.reasons import blocked_by
from dpvs_acceptance.verdict.recomputing import results_of
from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.waivers import WaiverState
from reports.language import Say, reason

_HELD = (Outcome.PASS, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Completion:
    """A sentence each; empty where there is nothing of the kind."""

    deviations: tuple[str, ...]
    blocked: tuple[str, ...]
    risks: tuple[str, ...]


def make_completion(signoff: SignOff, say: Say) -> Completion:
    """`say`: words of the report's language."""

    def said(words: Iterator[str]) -> tuple[str, ...]:
        return tuple(reason(one, signoff.language) for one in words)

    return Completion(
        said(_deviations(signoff, say)), said(_blocked(signoff)), said(_risks(signoff, say))
    )


def _deviations(signoff: SignOff, say: Say) -> Iterator[str]:
    """What was planned and done otherwise, or left out."""
    for problem in signoff.problems:
        if problem.kind in (ProblemKind.PARTIAL, ProblemKind.FAULT):
            yield problem.words
    if signoff.profile is not Profile.FULL:
        words = signoff.profile.words
        yield f"profile {signoff.profile}: only requirements of {words} were judged"
    if "--attach" in signoff.command.split():
        yield say("--attach: the device was checked as it was; nothing was set up")
    if signoff.lenient:
        yield say("--lenient: known defects of the version do not count")
    for one in signoff.waivers:
        if one.state is WaiverState.USED:
            yield f"{one.requirement} {say('waived')}: {one.reason} ({one.owner}, {one.issue})"
    left = [
        row.id
        for row in signoff.requirements
        if row.decides and not row.checks and not row.elsewhere
    ]
    if left:
        yield f"{say('no check was run for')}: {', '.join(left)}"


def _blocked(signoff: SignOff) -> Iterator[str]:
    problems = [RunProblem(one.kind, one.words) for one in signoff.problems]
    yield from blocked_by(results_of(signoff), problems)


def _risks(signoff: SignOff, say: Say) -> Iterator[str]:
    """What may still be wrong although it was not shown, the weightiest rows first."""
    if signoff.device.kind is DeviceKind.SIMULATION:
        yield "the device is simulated: this verdict signs nothing off"
    for row in sorted(signoff.requirements, key=lambda row: row.priority):
        if row.decides and row.checks and row.outcome not in _HELD:
            known = f" (known: {row.known})" if row.known else ""
            yield f"{row.id} ({row.priority}) {row.outcome}{known}: {row.remark}"
    for one in signoff.unjudged:
        yield f"{say('Not judged by this run')}: {one.catalogue}, {len(one.rows)} {say('rows')}"
