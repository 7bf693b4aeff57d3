"""Facts about a run other than its checks: device, suite, bench, problems."""

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
    """Kind of device under test. From the bench; checks do not use it."""

    HARDWARE = "hardware"
    SOFTWARE_LAB = "software lab"
    """A real DPVS build on software ports."""
    SIMULATION = "simulation"
    """The simulated DPVS: its verdict signs nothing off."""
    UNKNOWN = "unknown"


class Profile(StrEnum):
    """Which requirements a run checks and judges, by priority."""

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
    """Effect of a problem of the run (not of a check) on the verdict."""

    FAILURE = "failure"
    """NOT READY: a host differs after the undo, or an undo failed."""
    BLOCKED = "blocked"
    """BLOCKED: bench or bring-up failed, or the run was interrupted."""
    PARTIAL = "partial"
    """PARTIAL: not all checks were requested."""
    FAULT = "fault"
    """NOT READY: a fault was injected."""


@dataclass(frozen=True, slots=True)
class RunProblem:
    """A problem of the run that the verdict must name; the first line is the cause."""

    kind: ProblemKind
    words: str


@dataclass(frozen=True, slots=True)
class RunStage:
    """A stage of the run outside of checks: lab, bring-up, undo."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NicFacts:
    """One NIC of the device, recorded before binding."""

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
    """Its link in the topology."""


@dataclass(frozen=True, slots=True)
class BinaryFacts:
    """A program of DPVS on the device."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The content of the sign-off other than requirements. Missing facts are `unknown`."""

    run: str
    """Name of the run and of its directory."""
    started: datetime
    """With a time zone."""
    directory: Path
    """Directory of the results: `reports/runs/<run>`."""
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
    """Type of machine, from DMI and CPU."""
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
    """In order of their end."""
    profile: Profile = Profile.FULL
    strict: bool = False
    waivers: tuple[Waiver, ...] = ()
    lenient: bool = False
    """Known defects of the device's version do not count."""
    language: str = "en"
    """Language of the report: `en` or `zh`."""
    not_declared: Mapping[str, str] = field(default_factory=dict)
    """By requirement id: why the topology leaves its checks nothing to check."""


def merge_facts(mine: RunFacts, theirs: RunFacts) -> RunFacts:
    """`mine` completed by the facts of another process of the run, with the problems of both."""
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
    """As plain data, to send it to another process."""
    plain: dict[str, Any] = _ADAPTER.dump_python(facts, mode="json")
    return plain


def facts_from_plain(plain: dict[str, Any]) -> RunFacts:
    """The facts that `facts_to_plain` sent; pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_python(plain)
