"""What the page shows, as a model: free of HTML, and of where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from dpvs_acceptance.verdict.signoff import NicEntry, WaiverEntry
from reports.completion import Completion
from reports.drawing import Picture
from reports.ladder import Ladder
from reports.language import Say
from reports.messages import Sides
from reports.pieces import Badge, Hyperlink, Prose
from reports.reading import Asked
from reports.unjudged import CollapsedGroup


@dataclass(frozen=True, slots=True)
class Try:
    badge: Badge
    seconds: str
    message: str
    details: str
    evidence: tuple[Hyperlink, ...]
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
    evidence: tuple[Hyperlink, ...]
    attempts: tuple[Try, ...]
    sides: tuple[Sides, ...] = ()
    commands: tuple[Asked, ...] = ()
    ladder: Ladder | None = None

    @property
    def is_pass(self) -> bool:
        return self.badge.shape == "pass"


@dataclass(frozen=True, slots=True)
class ShownRequirement:
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
    requirements: tuple[ShownRequirement, ...]
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
    in_short: str
    """Device, topology, version and end of the run, in one line."""
    facts: tuple[tuple[str, str], ...]
    nics: tuple[NicEntry, ...]
    counts: tuple[tuple[Badge, int], ...]
    priorities: tuple[str, ...]
    requirements: tuple[ShownRequirement, ...]
    """Without the rows that were not covered and do not affect the verdict: see `groups`."""
    groups: tuple[Group, ...]
    unjudged: tuple[CollapsedGroup, ...]
    """What does not judge this run."""
    unjudged_checks: str
    """What the numbers of checks in these groups mean."""
    failed: tuple[ShownRequirement, ...]
    """FAIL, FLAKY and BLOCKED, the most telling first."""
    not_shown: tuple[ShownRequirement, ...]
    """NOT SUPPORTED and NOT TESTED, where a check says why."""
    unseen: tuple[ShownRequirement, ...]
    """NOT TESTED, because no check looked."""
    completion: Completion
    guide: str
    """What the deployment guide is, where rows have it as their source; else empty."""
    untranslated: tuple[str, ...]
    """Rows that a Chinese page shows in English, for want of a translation."""
    times: tuple[tuple[str, str], ...]
    """Set-up and undo of the run, which no check's time has in it."""
    others: tuple[Check, ...]
    waivers: tuple[WaiverEntry, ...]
    topology: Picture | None
    pictures: tuple[tuple[str, tuple[Picture, ...]], ...]
    """Heading and pictures of each group."""
    files: tuple[Hyperlink, ...]
    command: str
    commit: str
    run: str
    finished: str
    """As a date of HTML's metadata has it."""
    manifest: str
    keys: tuple[str, ...]
    """Fingerprints of the keys that signed the run."""
