"""The page's model, made from the sign-off document and the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from dpvs_acceptance.model.requirement import Priority
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import RequirementEntry, SignOff
from dpvs_acceptance.verdict.telling import weight
from dpvs_acceptance.verdict.times import times
from reports.charts import draw_rtts, draw_spread, draw_timeline
from reports.completion import make_completion
from reports.drawing import Picture
from reports.language import GUIDE, UNJUDGED_CHECKS, Say, reason, speaker
from reports.pieces import Badge, badge_of, link
from reports.reading import Kept
from reports.rows import Rows
from reports.shown import Group, Page, ShownRequirement
from reports.topology_picture import draw_topology
from reports.unjudged import collapsed

_GOOD_VERDICTS = {"READY": "pass", "PASSED ON SIMULATION": "accent", "PARTIAL": "flaky"}


def make_page(signoff: SignOff, kept: Kept) -> Page:
    """All that the page shows; the same document and evidence always give an equal page."""
    say = speaker(signoff.language)
    rows = Rows(signoff, kept, say)
    deciding = [row for row in signoff.requirements if row.decides]
    requirements = tuple(rows.requirement(row) for row in deciding)
    skipped = [row for row in requirements if row.badge.shape == "skipped"]
    in_parts = {row.id for row in deciding if row.elsewhere}
    failed = [r for r in requirements if r.badge.shape in {"fail", "flaky", "blocked"}]
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
        in_short=_in_short(signoff, say),
        facts=_facts(signoff, say),
        nics=signoff.device.nics,
        counts=_counts(deciding, say),
        priorities=tuple(p for p in Priority if any(row.priority is p for row in deciding)),
        requirements=requirements,
        groups=tuple(_groups(signoff, requirements, rows)),
        unjudged=tuple(collapsed(signoff, say)),
        unjudged_checks=say(UNJUDGED_CHECKS),
        failed=tuple(sorted(failed, key=lambda row: -weight(row.remark))),
        not_shown=tuple(r for r in skipped if r.checks or r.id in in_parts),
        unseen=tuple(r for r in skipped if not r.checks and r.id not in in_parts),
        completion=make_completion(signoff, say),
        guide=say(GUIDE)
        if any(row.source.startswith("deployment guide") for row in deciding)
        else "",
        untranslated=tuple(_untranslated(signoff)),
        times=tuple((say(name), f"{taken:.2f} s") for name, taken in times(signoff).items()),
        others=tuple(rows.check(check) for check in signoff.other_checks),
        waivers=signoff.waivers,
        topology=topology,
        pictures=tuple(_pictures(kept, say)),
        files=tuple(link(path) for path in files if path),
        command=signoff.command,
        commit=signoff.suite.commit,
        run=signoff.run,
        finished=f"{signoff.finished.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        manifest=kept.manifest,
        keys=kept.keys,
    )


def _untranslated(signoff: SignOff) -> Iterator[str]:
    if signoff.language == "zh":
        for row in signoff.requirements:
            if not (row.statement_zh and row.hint_zh):
                yield row.id


def _groups(
    signoff: SignOff, requirements: Sequence[ShownRequirement], rows: Rows
) -> Iterator[Group]:
    names = tuple(dict.fromkeys(row.catalogue for row in signoff.requirements))
    for name in names:
        mine = [row for row in signoff.requirements if row.catalogue == name]
        shown = {row.id for row in mine if row.decides}
        rest = tuple(rows.unchecked(row) for row in mine if not row.decides)
        yield Group(
            rows.heading(name, len(shown), len(mine)) if rest or len(names) > 1 else "",
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


def _in_short(signoff: SignOff, say: Say) -> str:
    device = signoff.device
    kind = say(device.kind)
    return (
        f"{device.host} ({kind}), {signoff.topology}, DPVS {device.dpvs}, {_time(signoff.finished)}"
    )


def _facts(signoff: SignOff, say: Say) -> tuple[tuple[str, str], ...]:
    lasted = (signoff.finished - signoff.started).total_seconds()
    clean = "with local changes" if signoff.suite.commit.endswith("-dirty") else ""
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
