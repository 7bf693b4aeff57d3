"""What is known of a run beside its checks: what was tested, by what, where, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dpvs_acceptance.model.requirement import Priority
from dpvs_acceptance.verdict.waivers import Waiver

UNKNOWN = "unknown"


class DeviceKind(StrEnum):
    """What plays the device under test. Named by the bench, never asked for by a check."""

    HARDWARE = "hardware"
    SOFTWARE_LAB = "software lab"
    """A real DPVS build on software ports."""
    SIMULATION = "simulation"
    """A program that behaves as DPVS does: a verdict on it signs nothing off."""
    UNKNOWN = "unknown"


class Profile(StrEnum):
    """How much a run is about, by priority of the requirements."""

    CORE = "core"
    """P1."""
    EXTENDED = "extended"
    """P1 and P2."""
    FULL = "full"
    """All of them."""

    @property
    def words(self) -> str:
        return {Profile.CORE: "P1", Profile.EXTENDED: "P1 and P2"}.get(self, "P1 to P4")

    def covers(self, priority: Priority) -> bool:
        last = {Profile.CORE: Priority.P1, Profile.EXTENDED: Priority.P2}.get(self, Priority.P4)
        return priority <= last


class ProblemKind(StrEnum):
    """What a problem of the run, not of one check, does to the verdict."""

    FAILURE = "failure"
    """NOT READY: a host was not left as it was found, an undo failed."""
    BLOCKED = "blocked"
    """BLOCKED: bench or bring-up failed, or the run was interrupted."""
    PARTIAL = "partial"
    """PARTIAL: not every check was asked to run."""
    FAULT = "fault"
    """NOT READY: a fault was injected."""


@dataclass(frozen=True, slots=True)
class RunProblem:
    """Something about the run itself that the verdict has to name; the first line is the cause."""

    kind: ProblemKind
    words: str


@dataclass(frozen=True, slots=True)
class RunStage:
    """A step of the run itself, which no check's time has in it: the lab, bring-up, undo."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NicFacts:
    """One NIC of the device, as the article's map has it, before it was bound."""

    name: str
    mac: str
    pci: str
    model: str = ""
    driver: str = ""
    firmware: str = ""
    numa_node: int | None = None
    port: str = ""
    """The DPDK port it became (`dpdk0`)."""
    link: str = ""
    """The topology's name for what it is plugged into."""


@dataclass(frozen=True, slots=True)
class BinaryFacts:
    """A program of DPVS as it is on the device."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """All that the sign-off says beside the requirements. What nobody told is `unknown`."""

    run: str
    """Name of the run and of its directory."""
    started: datetime
    """With a time zone."""
    directory: Path
    """Where the run's results go: `reports/runs/<run>`."""
    suite_version: str = UNKNOWN
    suite_commit: str = UNKNOWN
    """`git describe --always --dirty`."""
    command: str = ""
    """The command line that repeats this run."""
    host: str = UNKNOWN
    """The DUT's name in its bench file."""
    kind: DeviceKind = DeviceKind.UNKNOWN
    dpvs: str = UNKNOWN
    dpdk: str = UNKNOWN
    kernel: str = UNKNOWN
    platform: str = ""
    """What DMI and the CPU of the device say that it is."""
    binaries: tuple[BinaryFacts, ...] = ()
    nics: tuple[NicFacts, ...] = ()
    topology: str = UNKNOWN
    fault: str = ""
    """The injected fault's name; empty for none."""
    evidence: Path | None = None
    """Directory of transcript, snapshots and captures."""
    transcript: str = ""
    """The transcript, relative to `directory`."""
    problems: tuple[RunProblem, ...] = ()
    stages: tuple[RunStage, ...] = ()
    """In the order in which they ended."""
    profile: Profile = Profile.FULL
    strict: bool = False
    waivers: tuple[Waiver, ...] = ()
    lenient: bool = False
    """What is known to fail in the device's version does not count."""
    language: str = "en"
    """Of the report: `en` or `zh`."""
    not_declared: Mapping[str, str] = field(default_factory=dict)
    """By id of a requirement: why the topology gives its checks nothing to look at."""


def merge_facts(mine: RunFacts, theirs: RunFacts) -> RunFacts:
    """`mine`, with all that another process of the same run knows, and the problems of both."""
    known = {
        one.name: value
        for one in fields(theirs)
        if (value := getattr(theirs, one.name)) not in ("", UNKNOWN, (), None, {})
    }
    known["problems"] = tuple(dict.fromkeys((*mine.problems, *theirs.problems)))
    known["stages"] = (*mine.stages, *theirs.stages)
    return replace(mine, **known)


_ADAPTER = TypeAdapter(RunFacts)


def facts_to_plain(facts: RunFacts) -> dict[str, Any]:
    """As plain data, to be sent from one process to another."""
    plain: dict[str, Any] = _ADAPTER.dump_python(facts, mode="json")
    return plain


def facts_from_plain(plain: dict[str, Any]) -> RunFacts:
    """The facts that `facts_to_plain` sent; pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_python(plain)
