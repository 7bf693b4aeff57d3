"""Many devices side by side: their rows, what differs between them, and trends over runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dpvs_acceptance.verdict.drift import Difference, Portrait, differences
from dpvs_acceptance.verdict.facts import UNKNOWN
from dpvs_acceptance.verdict.matrix import version_of
from dpvs_acceptance.verdict.outcomes import BAD, Outcome
from dpvs_acceptance.verdict.signoff import SignOff

_UNSEEN = (Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE, Outcome.BLOCKED)


@dataclass(frozen=True, slots=True)
class Run:
    """A stored run of a fleet. `bench`: the name by which `--host` calls the device."""

    bench: str
    signoff: SignOff
    portrait: Portrait
    page: str = ""
    """Where its own report is."""


@dataclass(frozen=True, slots=True)
class Member:
    """One device on one topology, by its newest run."""

    bench: str
    topology: str
    version: str
    verdict: str
    exit_code: int
    run: str
    finished: datetime
    page: str
    outcomes: dict[str, Outcome]
    """By requirement; only rows that judged the run."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A row of one device that is or was red."""

    bench: str
    topology: str
    row: str
    now: Outcome
    since: datetime | None
    """The first of the runs up to now in which it was red without a break; None: green now."""
    runs: int
    """Runs that looked at it."""
    red: int
    flaky: int

    @property
    def flaky_rate(self) -> float:
        """Share of its runs in which it was FLAKY: 0 to 1."""
        return self.flaky / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True)
class Balancers:
    members: tuple[Member, ...]
    """By version, then by name."""
    rows: tuple[tuple[str, str], ...]
    """Id and statement of each requirement that any of them was judged by."""
    drift: tuple[tuple[str, tuple[Difference, ...]], ...]
    """Heading, and what differs between the devices of which that should not."""
    trends: tuple[Trend, ...]


def make_fleet(runs: Sequence[Run]) -> Balancers:
    """From the runs of many devices in any order; of each device the newest one counts."""
    by_device: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.signoff.run):
        by_device.setdefault((run.bench, run.signoff.topology), []).append(run)
    newest = [history[-1] for history in by_device.values()]
    newest.sort(key=_order)
    rows = {row.id: row.statement for run in newest for row in run.signoff.requirements}
    covered = [
        (row, words)
        for row, words in rows.items()
        if any(_outcomes(run.signoff).get(row, Outcome.NOT_TESTED) not in _UNSEEN for run in newest)
    ]
    trends = (one for history in by_device.values() for one in _trends(history))
    return Balancers(
        tuple(_member(run) for run in newest),
        tuple(covered),
        tuple(_drift(newest)),
        tuple(sorted(trends, key=lambda one: (one.now not in BAD, one.bench, one.row))),
    )


def _order(run: Run) -> tuple[list[int], str, str]:
    numbers = re.findall(r"\d+", version_of(run.signoff))
    return [int(number) for number in numbers], run.bench, run.signoff.topology


def _member(run: Run) -> Member:
    signoff = run.signoff
    return Member(
        bench=run.bench,
        topology=signoff.topology,
        version=version_of(signoff),
        verdict=str(signoff.verdict),
        exit_code=signoff.exit_code,
        run=signoff.run,
        finished=signoff.finished,
        page=run.page,
        outcomes=_outcomes(signoff),
    )


def _outcomes(signoff: SignOff) -> dict[str, Outcome]:
    return {row.id: row.outcome for row in signoff.requirements if row.decides}


def _drift(newest: Sequence[Run]) -> Iterator[tuple[str, tuple[Difference, ...]]]:
    """Versions between all; configurations between devices of one version and topology."""
    newest = [run for run in newest if version_of(run.signoff) != UNKNOWN]  # BLOCKED: not read
    alike: dict[tuple[str, str], list[Run]] = {}
    for run in newest:
        alike.setdefault((run.signoff.topology, version_of(run.signoff)), []).append(run)
    facts = [Portrait(run.bench, {"DPVS": version_of(run.signoff)}, {}) for run in newest]
    if versions := differences(facts):
        yield "versions", tuple(versions)
    for (topology, version), group in alike.items():
        found = differences([run.portrait for run in group])
        if found:
            yield f"{topology}, DPVS {version}", tuple(found)


def _trends(history: Sequence[Run]) -> Iterator[Trend]:
    """Rows of one device that were red in any of its runs, oldest run first."""
    last = history[-1]
    for row in dict.fromkeys(row for run in history for row in _outcomes(run.signoff)):
        seen = [
            (run.signoff.finished, outcome)
            for run in history
            if (outcome := _outcomes(run.signoff).get(row, Outcome.NOT_TESTED)) not in _UNSEEN
        ]
        red = [outcome for _, outcome in seen if outcome in BAD]
        if not red:
            continue
        since = None
        for moment, outcome in reversed(seen):
            if outcome not in BAD:
                break
            since = moment
        yield Trend(
            bench=last.bench,
            topology=last.signoff.topology,
            row=row,
            now=seen[-1][1],
            since=since,
            runs=len(seen),
            red=len(red),
            flaky=red.count(Outcome.FLAKY),
        )


def to_lines(fleet: Balancers) -> Iterator[str]:
    """As text: a line per device, then what differs, then trends."""
    wide = max((len(one.bench) for one in fleet.members), default=4)
    for one in fleet.members:
        bad = [row for row, outcome in one.outcomes.items() if outcome in BAD]
        said = f"  red: {', '.join(bad)}" if bad else ""
        start = f"{one.bench:<{wide}}  {one.version:<8}  {one.topology}  {one.verdict}"
        yield f"{start}{said}"
    for heading, found in fleet.drift:
        yield f"\ndrift, {heading}:"
        yield from (f"  {', '.join(one.names)}: {one.topic}: {one.words}" for one in found)
    if fleet.trends:
        yield "\ntrends:"
    for trend in fleet.trends:
        since = f"red since {trend.since:%Y-%m-%d %H:%M}" if trend.since else f"{trend.now} now"
        yield (
            f"  {trend.bench} {trend.row}: {since}, red in {trend.red} of {trend.runs} runs, "
            f"flaky {trend.flaky_rate:.0%}"
        )
