"""Recomputes the verdict from the outcomes in a sign-off document. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dpvs_acceptance.model.requirement import Requirement
from dpvs_acceptance.verdict.facts import RunProblem
from dpvs_acceptance.verdict.judging import Verdict, judge
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome
from dpvs_acceptance.verdict.rows import row_outcome
from dpvs_acceptance.verdict.signoff import CheckEntry, SignOff, results_in
from dpvs_acceptance.verdict.unjudged import outcome_beside
from dpvs_acceptance.verdict.waivers import Waiver
from dpvs_acceptance.verdict.words import printable


def results_of(signoff: SignOff) -> list[CheckResult]:
    """The checks of the document, each once, with all its requirements."""
    proves: dict[str, list[str]] = {}
    core: dict[str, list[str]] = {}
    entries: dict[str, CheckEntry] = {}
    for row in signoff.requirements:
        for check in row.checks:
            entries.setdefault(check.nodeid, check)
            proves.setdefault(check.nodeid, []).append(row.id)
            if check.core:
                core.setdefault(check.nodeid, []).append(row.id)
    for check in signoff.other_checks:
        entries.setdefault(check.nodeid, check)
    return [
        CheckResult(
            nodeid=node,
            outcome=check.outcome,
            seconds=check.seconds,
            message=check.message,
            requirements=tuple(proves.get(node, ())),
            evidence=check.evidence,
            core=tuple(core.get(node, ())),
        )
        for node, check in entries.items()
    ]


def judge_again(signoff: SignOff) -> Verdict:
    """The verdict of `judge` for the outcomes in the document."""
    requirements = [
        Requirement.model_construct(
            id=row.id,
            priority=row.priority,
            statement=row.statement,
            statement_zh=row.statement_zh,
            source=row.source,
            hint=row.hint,
            hint_zh=row.hint_zh,
            needs=row.needs,
            elsewhere=row.elsewhere,
            catalogue=row.catalogue,
            held=row.held,
        )
        for row in signoff.requirements
    ]
    waivers = [
        Waiver.model_construct(**one.model_dump(include=set(Waiver.model_fields)))
        for one in signoff.waivers
    ]
    return judge(
        signoff.device.kind,
        requirements,
        results_of(signoff),
        [RunProblem(problem.kind, problem.words) for problem in signoff.problems],
        strict=signoff.strict,
        waivers=waivers,
        today=signoff.started.date(),
        profile=signoff.profile,
        known=[entry.defect for entry in signoff.known],
        lenient=signoff.lenient,
        not_declared={row.id: row.not_declared for row in signoff.requirements},
    )


def contradictions(signoff: SignOff) -> Iterator[str]:
    """Contradictions between the document and its own outcomes, a line each."""
    for row in signoff.requirements:
        wanted = row_outcome(row.id, row.priority, row.held, results_in(row), row.not_declared)
        if row.outcome is not wanted:
            yield f"{row.id}: {row.outcome} is written, its checks make it {wanted}"
    nodes: dict[str, Outcome] = {}
    for row in signoff.requirements:
        for check in row.checks:
            if nodes.setdefault(check.nodeid, check.outcome) is not check.outcome:
                other = nodes[check.nodeid]
                yield f"{check.nodeid}: {check.outcome} in {row.id}, {other} elsewhere"
            if check.attempts and check.outcome is Outcome.PASS:
                yield f"{check.nodeid}: PASS is written, an attempt was repeated"
    yield from _beside(signoff)
    again = judge_again(signoff)
    if (again.name, again.exit_code) != (signoff.verdict, signoff.exit_code):
        yield (
            f"verdict: {signoff.verdict} (exit {signoff.exit_code}) is written, the outcomes make "
            f"it {again.name} (exit {again.exit_code})"
        )
    written = set(signoff.reasons)
    for reason in again.reasons:
        if printable(reason, 2_000) not in written:
            yield f"verdict: a reason is missing: {reason}"


def _beside(signoff: SignOff) -> Iterator[str]:
    """The same for rows that do not affect the verdict."""
    made = {result.nodeid: result for result in results_of(signoff)}
    for row in (row for rows in signoff.unjudged for row in rows.rows):
        for node in row.checks:
            if node not in made:
                yield f"{row.id}: names {node}, which is not a check of this run"
        wanted = outcome_beside([made[n] for n in row.checks if n in made], row.left_out, row.id)
        if row.outcome is not wanted:
            yield f"{row.id}: {row.outcome} is written, its checks make it {wanted}"
