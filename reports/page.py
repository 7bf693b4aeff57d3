"""What the page shows, made from the sign-off document: pure, and free of HTML."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import CheckEntry, NicEntry, RequirementEntry, SignOff

_SHAPES = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.FLAKY: "flaky",
    Outcome.BLOCKED: "blocked",
    Outcome.NOT_SUPPORTED: "skipped",
    Outcome.NOT_TESTED: "skipped",
}
_GOOD_VERDICTS = {"READY": "pass", "PASSED ON SIMULATION": "pass", "PARTIAL": "flaky"}


Prose = tuple[tuple[bool, str], ...]
"""Pieces of a sentence, each with whether it is a command or a name to be shown as such."""


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    href: str
    """Relative to the page; empty where the path must not be linked to."""


@dataclass(frozen=True, slots=True)
class Badge:
    text: str
    shape: str
    """Name of the style; the text alone says it too."""


@dataclass(frozen=True, slots=True)
class Try:
    badge: Badge
    seconds: str
    message: str
    details: str
    evidence: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Check:
    nodeid: str
    badge: Badge
    seconds: str
    message: str
    details: str
    probe: str
    again: str
    """The command that repeats this check; empty where the run's own is not known."""
    evidence: tuple[Link, ...]
    attempts: tuple[Try, ...]

    @property
    def is_pass(self) -> bool:
        return self.badge.shape == "pass"


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    priority: str
    statement: Prose
    source: str
    hint: Prose
    badge: Badge
    seconds: str
    remark: str
    """Why it is not a PASS, or what a PASS does not show; empty for a full PASS."""
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    verdict: Badge
    reasons: tuple[str, ...]
    simulated: bool
    fault: str
    facts: tuple[tuple[str, str], ...]
    nics: tuple[NicEntry, ...]
    counts: tuple[tuple[Badge, int], ...]
    requirements: tuple[Requirement, ...]
    failed: tuple[Requirement, ...]
    """FAIL, FLAKY and BLOCKED."""
    not_shown: tuple[Requirement, ...]
    """NOT SUPPORTED and NOT TESTED."""
    others: tuple[Check, ...]
    files: tuple[Link, ...]
    command: str


def make_page(signoff: SignOff) -> Page:
    """All that the page shows; the same document always gives an equal page."""
    requirements = tuple(_requirement(row, signoff.command) for row in signoff.requirements)
    files = ["signoff.json", "junit.xml", signoff.transcript]
    return Page(
        title=f"{signoff.verdict}: {signoff.device.host}, {signoff.topology}",
        verdict=Badge(signoff.verdict, _GOOD_VERDICTS.get(signoff.verdict, "fail")),
        reasons=signoff.reasons,
        simulated=signoff.device.kind == "simulation",
        fault=signoff.fault,
        facts=_facts(signoff),
        nics=signoff.device.nics,
        counts=_counts(signoff.requirements),
        requirements=requirements,
        failed=tuple(r for r in requirements if r.badge.shape in {"fail", "flaky", "blocked"}),
        not_shown=tuple(r for r in requirements if r.badge.shape == "skipped"),
        others=tuple(_check(check, signoff.command) for check in signoff.other_checks),
        files=tuple(link(path) for path in files if path),
        command=signoff.command,
    )


def link(path: str) -> Link:
    """A link to a file of the run, or bare text for anything that could lead out of it."""
    pure = PurePosixPath(path)
    inside = bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path
    return Link(path, quote(path, safe="/") if inside else "")


def prose(text: str) -> Prose:
    """`text` cut at its backticks; whole where they do not come in pairs."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return ((False, text),)
    return tuple((index % 2 == 1, piece) for index, piece in enumerate(pieces) if piece)


def _facts(signoff: SignOff) -> tuple[tuple[str, str], ...]:
    lasted = (signoff.finished - signoff.started).total_seconds()
    return (
        ("Device under test", f"{signoff.device.host} ({signoff.device.kind})"),
        ("Topology", signoff.topology),
        ("DPVS", signoff.device.dpvs),
        ("DPDK", signoff.device.dpdk),
        ("Kernel", signoff.device.kernel),
        ("Run", signoff.run),
        ("Started", _time(signoff.started)),
        ("Finished", f"{_time(signoff.finished)}, after {lasted:.1f} s"),
        ("Suite", f"{signoff.suite.version}, commit {signoff.suite.commit}"),
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _counts(rows: Sequence[RequirementEntry]) -> tuple[tuple[Badge, int], ...]:
    counted = Counter(row.outcome for row in rows)
    return tuple((_badge(outcome), counted[outcome]) for outcome in Outcome if counted[outcome])


def _badge(outcome: Outcome) -> Badge:
    return Badge(outcome, _SHAPES[outcome])


def _requirement(row: RequirementEntry, command: str) -> Requirement:
    remark = row.remark
    if row.outcome is Outcome.NOT_TESTED and not row.checks:
        remark = "no check of this run looked at it"
    return Requirement(
        id=row.id,
        priority=row.priority,
        statement=prose(row.statement),
        source=row.source,
        hint=prose(row.hint),
        badge=_badge(row.outcome),
        seconds=_seconds(row.seconds) if row.checks else "",
        remark=remark,
        checks=tuple(_check(check, command) for check in row.checks),
    )


def _check(check: CheckEntry, command: str) -> Check:
    attempts = tuple(
        Try(
            _badge(attempt.outcome),
            _seconds(attempt.seconds),
            attempt.message,
            attempt.details,
            tuple(link(path) for path in attempt.evidence),
        )
        for attempt in check.attempts
    )
    return Check(
        nodeid=check.nodeid,
        badge=_badge(check.outcome),
        seconds=_seconds(check.seconds),
        message=check.message,
        details=check.details,
        probe=check.probe if check.probe != check.message else "",
        again=f"{command} {shlex.quote(check.nodeid)}" if command else "",
        evidence=tuple(link(path) for path in check.evidence),
        attempts=attempts,
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
