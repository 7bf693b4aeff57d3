"""What the page shows, made from the sign-off document and the evidence: free of HTML."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dpvs_acceptance.model.requirement import Priority
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import (
    CheckEntry,
    NicEntry,
    RequirementEntry,
    SignOff,
    WaiverEntry,
)
from reports.charts import draw_rtts, draw_spread, draw_timeline
from reports.drawing import Picture
from reports.ladder import Ladder, make_ladder
from reports.language import BESIDE_CHECKS, Say, reason, speaker
from reports.pieces import Badge, Link, Prose, badge_of, link, prose
from reports.reading import Asked, Kept, inside
from reports.topology_picture import draw_topology
from reports.unjudged import BesideGroup, besides

_GOOD_VERDICTS = {"READY": "pass", "PASSED ON SIMULATION": "accent", "PARTIAL": "flaky"}
_COMMANDS = 12
"""Commands shown of a check, the last ones."""

SNAPSHOT = "evidence/snapshots/dut.json"


@dataclass(frozen=True, slots=True)
class Sides:
    """What was expected beside what was seen, as a failed check told it."""

    what: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Try:
    badge: Badge
    seconds: str
    message: str
    details: str
    evidence: tuple[Link, ...]
    ladder: Ladder | None = None


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
    sides: tuple[Sides, ...] = ()
    commands: tuple[Asked, ...] = ()
    ladder: Ladder | None = None

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
    waived: bool = False
    known: str = ""
    """By what it is known to fail in this version; empty where it is not."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A row of a catalogue held where it was checked, that nothing looked at."""

    id: str
    priority: str
    statement: Prose
    needs: str
    """What its check would take; empty for nothing out of the ordinary."""


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one catalogue."""

    title: str
    """Empty where there is but one catalogue, and all of it is shown."""
    requirements: tuple[Requirement, ...]
    unchecked: tuple[Unchecked, ...]


@dataclass(frozen=True, slots=True)
class Page:
    say: Say
    language: str
    title: str
    verdict: Badge
    reasons: tuple[str, ...]
    simulated: bool
    fault: str
    facts: tuple[tuple[str, str], ...]
    nics: tuple[NicEntry, ...]
    counts: tuple[tuple[Badge, int], ...]
    priorities: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    """All but those that nothing looked at and that decide nothing: see `groups`."""
    groups: tuple[Group, ...]
    besides: tuple[BesideGroup, ...]
    """What does not judge this run."""
    beside_checks: str
    """What the numbers of checks in these groups mean."""
    failed: tuple[Requirement, ...]
    """FAIL, FLAKY and BLOCKED."""
    not_shown: tuple[Requirement, ...]
    """NOT SUPPORTED and NOT TESTED, where a check says why."""
    unseen: tuple[Requirement, ...]
    """NOT TESTED, because no check looked."""
    others: tuple[Check, ...]
    waivers: tuple[WaiverEntry, ...]
    topology: Picture | None
    pictures: tuple[tuple[str, tuple[Picture, ...]], ...]
    """Heading and pictures of each group."""
    files: tuple[Link, ...]
    command: str
    commit: str
    run: str
    manifest: str


def make_page(signoff: SignOff, kept: Kept) -> Page:
    """All that the page shows; the same document and evidence always give an equal page."""
    say = speaker(signoff.language)
    maker = _Maker(signoff, kept, say)
    told = [row for row in signoff.requirements if row.decides]
    requirements = tuple(maker.requirement(row) for row in told)
    files = ["signoff.json", "junit.xml", signoff.transcript]
    if kept.manifest:
        files += ["manifest.json", "evidence/declared/plan.txt", "evidence/declared/dpvs.conf"]
    topology = None
    if kept.topology is not None:
        topology = draw_topology(kept.topology, signoff.device, say)
    return Page(
        say=say,
        language=signoff.language,
        title=f"{say(signoff.verdict)}: {signoff.device.host}, {signoff.topology}",
        verdict=Badge(say(signoff.verdict), _GOOD_VERDICTS.get(signoff.verdict, "fail")),
        reasons=tuple(reason(words, signoff.language) for words in signoff.reasons),
        simulated=signoff.device.kind == "simulation",
        fault=signoff.fault,
        facts=_facts(signoff, say),
        nics=signoff.device.nics,
        counts=_counts(told, say),
        priorities=tuple(p for p in Priority if any(row.priority is p for row in told)),
        requirements=requirements,
        groups=tuple(_groups(signoff, requirements, maker)),
        besides=tuple(besides(signoff, say)),
        beside_checks=say(BESIDE_CHECKS),
        failed=tuple(r for r in requirements if r.badge.shape in {"fail", "flaky", "blocked"}),
        not_shown=tuple(r for r in requirements if r.badge.shape == "skipped" and r.checks),
        unseen=tuple(r for r in requirements if r.badge.shape == "skipped" and not r.checks),
        others=tuple(maker.check(check) for check in signoff.other_checks),
        waivers=signoff.waivers,
        topology=topology,
        pictures=tuple(_pictures(kept, say)),
        files=tuple(link(path) for path in files if path),
        command=signoff.command,
        commit=signoff.suite.commit,
        run=signoff.run,
        manifest=kept.manifest,
    )


def _groups(
    signoff: SignOff, requirements: Sequence[Requirement], maker: _Maker
) -> Iterator[Group]:
    names = tuple(dict.fromkeys(row.catalogue for row in signoff.requirements))
    for name in names:
        mine = [row for row in signoff.requirements if row.catalogue == name]
        shown = {row.id for row in mine if row.decides}
        rest = tuple(maker.unchecked(row) for row in mine if not row.decides)
        yield Group(
            maker.heading(name, len(shown), len(mine)) if rest or len(names) > 1 else "",
            tuple(one for one in requirements if one.id in shown),
            rest,
        )


def _pictures(kept: Kept, say: Say) -> Iterator[tuple[str, tuple[Picture, ...]]]:
    if kept.rtts:
        yield say("Round-trip time of the VIP"), (draw_rtts(kept.rtts, say),)
    if kept.spreads:
        drawn = tuple(draw_spread(one, say) for one in kept.spreads)
        yield say("Spread over the real servers"), drawn
    timeline = draw_timeline(kept.asked, say)
    if timeline is not None:
        yield say("Timeline of the run"), (timeline,)


_FIRST = re.compile(r"^(?P<what>.*?)(?:: )?expected (?P<expected>.+?),? seen (?P<seen>.+)$")
_AFTER = re.compile(
    r"^(?P<what>.*?): (?P<expected>.+?) expected, (?:seen )?(?P<seen>.+?)(?: seen)?$"
)
_FIELD = re.compile(r"^  (?P<name>expected|seen): +(?P<text>.*)$")


def sides(message: str) -> tuple[Sides, ...]:
    """What a message says was expected and seen; nothing where it does not say it in that form.

    Understood are `verdict.words.mismatch` and single lines `x: expected a, seen b` and
    `x: a expected, seen b`. The message itself is shown beside it, whatever is found here.
    """
    lines = message.splitlines()
    fields: dict[str, list[str]] = {}
    open_field = ""
    for line in lines[1:]:
        if (found := _FIELD.match(line)) is not None:
            open_field = found["name"]
            fields.setdefault(open_field, []).append(found["text"])
        elif open_field and line.startswith(" " * 12):
            fields[open_field].append(line[12:])
        else:
            open_field = ""
    if {"expected", "seen"} <= set(fields):
        return (Sides(lines[0], "\n".join(fields["expected"]), "\n".join(fields["seen"])),)
    rows = []
    for line in lines[:40]:
        found = _FIRST.match(line.strip()[:500]) or _AFTER.match(line.strip()[:500])
        if found is not None:
            rows.append(Sides(found["what"].strip(" :,"), found["expected"], found["seen"]))
    return tuple(rows)


def told(message: str) -> str:
    """A message without the values that pytest adds below it: those are in the details."""
    first, *rest = message.split("\n")
    at = next((n for n, line in enumerate(rest) if line.startswith("assert ")), len(rest))
    return "\n".join([first, *rest[:at]])


def _facts(signoff: SignOff, say: Say) -> tuple[tuple[str, str], ...]:
    lasted = (signoff.finished - signoff.started).total_seconds()
    clean = "the tree was not clean" if signoff.suite.commit.endswith("-dirty") else ""
    suite = f"{signoff.suite.version}, {say('commit')} {signoff.suite.commit}"
    profile = say(signoff.profile) + (f", {say('strict')}" if signoff.strict else "")
    return (
        (say("Device under test"), f"{signoff.device.host} ({say(signoff.device.kind)})"),
        (say("Topology"), signoff.topology),
        ("DPVS", signoff.device.dpvs),
        ("DPDK", signoff.device.dpdk),
        (say("Kernel"), signoff.device.kernel),
        (say("Run"), signoff.run),
        (say("Started"), _time(signoff.started)),
        (say("Finished"), f"{_time(signoff.finished)}, {say('after')} {lasted:.1f} s"),
        (say("Suite"), suite + (f" ({say(clean)})" if clean else "")),
        (say("Profile"), profile),
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _counts(rows: Sequence[RequirementEntry], say: Say) -> tuple[tuple[Badge, int], ...]:
    counted = Counter(row.outcome for row in rows)
    return tuple((badge_of(one, say), counted[one]) for one in Outcome if counted[one])


class _Maker:
    """Rows of one document."""

    def __init__(self, signoff: SignOff, kept: Kept, say: Say) -> None:
        self._command = signoff.command
        self._language = signoff.language
        self._zh = signoff.language == "zh"
        self._kept = kept
        self._say = say
        self._defects = signoff.known
        self._made: dict[str, Check] = {}

    def requirement(self, row: RequirementEntry) -> Requirement:
        remark = row.remark
        if row.outcome is Outcome.PASS:  # else it is what a check said, which stays as it is
            remark = reason(remark, self._language)
        if row.outcome is Outcome.NOT_TESTED and not row.checks:
            remark = self._say("no check of this run looked at it")
        return Requirement(
            id=row.id,
            priority=row.priority,
            statement=prose((self._zh and row.statement_zh) or row.statement),
            source=row.source,
            hint=prose((self._zh and row.hint_zh) or row.hint),
            badge=badge_of(row.outcome, self._say),
            seconds=_seconds(row.seconds) if row.checks else "",
            remark=remark,
            checks=tuple(self.check(check) for check in row.checks),
            waived=row.waived,
            known=self._known(row),
        )

    def _known(self, row: RequirementEntry) -> str:
        if not row.known:
            return ""
        said = [
            f"{one.reference}: {(self._zh and one.sentence_zh) or one.sentence}"
            for one in self._defects
            if row.id in one.requirements and one.reference in row.known
        ]
        return f"{self._say('known of this version')}: {' '.join(said) or row.known}"

    def unchecked(self, row: RequirementEntry) -> Unchecked:
        return Unchecked(
            id=row.id,
            priority=row.priority,
            statement=prose((self._zh and row.statement_zh) or row.statement),
            needs=", ".join(self._say(need) for need in row.needs),
        )

    def heading(self, catalogue: str, checked: int, rows: int) -> str:
        say = self._say
        if checked == rows:
            return f"{catalogue}: {rows} {say('rows')}"
        return f"{catalogue}: {checked} {say('of')} {rows} {say('rows checked')}"

    def check(self, check: CheckEntry) -> Check:
        """A check that proves several requirements is made once."""
        if check.nodeid not in self._made:
            self._made[check.nodeid] = self._check(check)
        return self._made[check.nodeid]

    def _check(self, check: CheckEntry) -> Check:
        attempts = tuple(
            Try(
                badge_of(attempt.outcome, self._say),
                _seconds(attempt.seconds),
                told(attempt.message),
                attempt.details,
                tuple(link(path) for path in attempt.evidence),
                self._ladder(attempt.evidence),
            )
            for attempt in check.attempts
        )
        bad = check.outcome in (Outcome.FAIL, Outcome.FLAKY)
        # The first one that failed is what the check tells of.
        worst = next((a.ladder for a in attempts if a.badge.shape == "fail" and a.ladder), None)
        commands = self._kept.commands.get(check.nodeid, ()) if bad else ()
        # A check of state asked nothing itself: it read the snapshot that all of them share.
        shared = bad and not commands and inside(self._kept.directory, SNAPSHOT) is not None
        snapshot = (SNAPSHOT,) if shared else ()
        return Check(
            nodeid=check.nodeid,
            badge=badge_of(check.outcome, self._say),
            seconds=_seconds(check.seconds),
            message=told(check.message),
            details=check.details,
            probe=check.probe if check.probe != check.message else "",
            again=f"{self._command} {shlex.quote(check.nodeid)}" if self._command else "",
            evidence=tuple(link(path) for path in (*check.evidence, *snapshot)),
            attempts=attempts,
            sides=sides(check.message) if bad else (),
            commands=commands[-_COMMANDS:],
            ladder=worst if attempts else self._ladder(check.evidence),
        )

    def _ladder(self, evidence: Sequence[str]) -> Ladder | None:
        if self._kept.topology is None:
            return None
        views, left = self._kept.views(evidence)
        return make_ladder(views, self._kept.topology, left) if views else None


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
