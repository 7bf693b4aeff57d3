"""The sign-off document of a run, from its facts, its results and its verdict. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime

from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.model.requirement import Requirement
from dpvs_acceptance.verdict.facts import NicFacts, RunFacts
from dpvs_acceptance.verdict.judging import Verdict
from dpvs_acceptance.verdict.known import excuses
from dpvs_acceptance.verdict.outcomes import Attempt, CheckResult
from dpvs_acceptance.verdict.rows import Row, rows
from dpvs_acceptance.verdict.signoff import (
    DETAILS_LIMIT,
    MESSAGE_LIMIT,
    AttemptEntry,
    BinaryEntry,
    CheckEntry,
    DeviceEntry,
    KnownEntry,
    NicEntry,
    ProblemEntry,
    RequirementEntry,
    SignOff,
    StageEntry,
    SuiteEntry,
    WaiverEntry,
)
from dpvs_acceptance.verdict.unjudged import UnjudgedRows
from dpvs_acceptance.verdict.waivers import Waiver, WaiverState, waived_ids
from dpvs_acceptance.verdict.words import printable


def compose(
    facts: RunFacts,
    requirements: Sequence[Requirement],
    results: Iterable[CheckResult],
    verdict: Verdict,
    finished: datetime,
    known: Sequence[KnownDefect] = (),
    unjudged: Sequence[UnjudgedRows] = (),
) -> SignOff:
    """The document of a run. All text is escaped for terminals and limited in length."""
    table, strays = rows(requirements, results, facts.not_declared)
    today = facts.started.date()
    waived = waived_ids(facts.waivers, today)
    return SignOff(
        schema=1,
        run=facts.run,
        started=facts.started,
        finished=finished,
        verdict=verdict.name,
        reasons=tuple(printable(reason, MESSAGE_LIMIT) for reason in verdict.reasons),
        exit_code=verdict.exit_code,
        suite=SuiteEntry(version=facts.suite_version, commit=facts.suite_commit),
        device=DeviceEntry(
            host=_short(facts.host),
            kind=facts.kind,
            dpvs=_short(facts.dpvs),
            dpdk=_short(facts.dpdk),
            kernel=_short(facts.kernel),
            platform=_short(facts.platform),
            binaries=tuple(
                BinaryEntry(path=_short(one.path), sha256=_short(one.sha256))
                for one in facts.binaries
            ),
            nics=tuple(_nic(nic) for nic in facts.nics),
        ),
        topology=_short(facts.topology),
        fault=_short(facts.fault),
        command=_short(facts.command),
        transcript=_short(facts.transcript),
        requirements=tuple(_requirement(row, waived, known) for row in table),
        other_checks=tuple(_check(result) for result in strays),
        profile=facts.profile,
        strict=facts.strict,
        waivers=tuple(
            WaiverEntry(
                requirement=one.requirement,
                reason=_short(one.reason),
                owner=_short(one.owner),
                issue=_short(one.issue),
                expires=one.expires,
                state=state_of(one, table, today),
            )
            for one in facts.waivers
        ),
        problems=tuple(ProblemEntry(kind=p.kind, words=_short(p.words)) for p in facts.problems),
        stages=tuple(_stages(facts)),
        lenient=facts.lenient,
        known=tuple(
            KnownEntry(**defect.model_dump())
            for defect in known
            if any(row.results for row in table if row.requirement.id in defect.requirements)
        ),
        language="zh" if facts.language == "zh" else "en",
        unjudged=tuple(unjudged),
        record="",
    )


def state_of(waiver: Waiver, table: Sequence[Row], today: date) -> WaiverState:
    """The state of a waiver in a run with these outcomes."""
    if waiver.expired(today):
        return WaiverState.EXPIRED
    row = next((row for row in table if row.requirement.id == waiver.requirement), None)
    return WaiverState.USED if row is not None and row.can_be_waived else WaiverState.UNUSED


def _stages(facts: RunFacts) -> Iterator[StageEntry]:
    """With `-n` each worker process has its own stages: their times are added."""
    for name in dict.fromkeys(stage.name for stage in facts.stages):
        whole = sum(stage.seconds for stage in facts.stages if stage.name == name)
        yield StageEntry(name=_short(name), seconds=_seconds(whole))


def _short(text: str) -> str:
    return printable(text, MESSAGE_LIMIT)


def _nic(nic: NicFacts) -> NicEntry:
    return NicEntry.model_validate(
        {
            key: _short(value) if isinstance(value, str) else value
            for key, value in asdict(nic).items()
        }
    )


def _requirement(
    row: Row, waived: Collection[str], known: Sequence[KnownDefect]
) -> RequirementEntry:
    return RequirementEntry(
        id=row.requirement.id,
        priority=row.requirement.priority,
        statement=row.requirement.statement,
        source=row.requirement.source,
        outcome=row.outcome,
        checks=tuple(_check(result, row.requirement.id) for result in row.results),
        seconds=_seconds(sum(result.seconds for result in row.results)),
        statement_zh=row.requirement.statement_zh,
        hint=row.requirement.hint,
        hint_zh=row.requirement.hint_zh,
        waived=row.can_be_waived and row.requirement.id in waived,
        known=", ".join(excuses(row.requirement.id, row.results, known)) if row.is_bad else "",
        catalogue=row.requirement.catalogue,
        held=row.requirement.held,
        needs=row.requirement.needs,
        not_declared=_short(row.not_declared),
        elsewhere=row.requirement.elsewhere,
    )


def _check(result: CheckResult, row: str = "") -> CheckEntry:
    return CheckEntry(
        nodeid=_short(result.nodeid),
        outcome=result.outcome,
        seconds=_seconds(result.seconds),
        message=_short(result.message),
        evidence=tuple(_short(path) for path in result.evidence),
        details=printable(result.details, DETAILS_LIMIT),
        probe=_short(result.probe),
        attempts=tuple(_attempt(attempt) for attempt in result.attempts),
        core=row in result.core,
    )


def _attempt(attempt: Attempt) -> AttemptEntry:
    return AttemptEntry(
        outcome=attempt.outcome,
        seconds=_seconds(attempt.seconds),
        message=_short(attempt.message),
        details=printable(attempt.details, DETAILS_LIMIT),
        evidence=tuple(_short(path) for path in attempt.evidence),
    )


def _seconds(seconds: float) -> float:
    # Three digits are the accuracy of clocks in different processes, and keep the text short.
    return round(max(seconds, 0.0), 3)
