"""`signoff.json`: the contract for gates, and the only thing that the report is made from.

Keys may be added, and readers have to bear that; whatever else changes raises `schema`.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.model.requirement import SEED, Held, Need, Priority
from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, Profile
from dpvs_acceptance.verdict.judging import VerdictName
from dpvs_acceptance.verdict.outcomes import (
    CheckResult,
    Outcome,
    looked_at,
    remark_on,
)
from dpvs_acceptance.verdict.unjudged import UnjudgedRows
from dpvs_acceptance.verdict.waivers import WaiverState

MESSAGE_LIMIT = 2_000
DETAILS_LIMIT = 20_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SuiteEntry(_Frozen):
    version: str
    commit: str = Field(description="git describe of the suite; ends in -dirty if it was changed")


class NicEntry(_Frozen):
    name: str
    mac: str
    pci: str
    model: str = ""
    driver: str = ""
    firmware: str = ""
    numa_node: int | None = None
    port: str = Field("", description="the DPDK port that it became")
    link: str = Field("", description="the topology's name for what it is plugged into")


class BinaryEntry(_Frozen):
    path: str
    sha256: str


class DeviceEntry(_Frozen):
    host: str
    kind: DeviceKind
    dpvs: str
    dpdk: str
    kernel: str
    platform: str = Field("", description="what DMI and the CPU say that the machine is")
    binaries: tuple[BinaryEntry, ...] = Field((), description="dpvs and its tools")
    nics: tuple[NicEntry, ...] = ()


class AttemptEntry(_Frozen):
    outcome: Outcome
    seconds: float = Field(ge=0)
    message: str
    details: str = ""
    evidence: tuple[str, ...] = ()


class CheckEntry(_Frozen):
    nodeid: str
    outcome: Outcome
    seconds: float = Field(ge=0)
    message: str = Field(description="why it is not a PASS; the first line tells the cause")
    evidence: tuple[str, ...] = Field((), description="files, relative to this document")
    details: str = ""
    probe: str = Field("", description="for NOT SUPPORTED, what the probe said")
    attempts: tuple[AttemptEntry, ...] = ()
    core: bool = Field(False, description="the requirement cannot hold unless this passed")


class RequirementEntry(_Frozen):
    id: str
    priority: Priority
    statement: str
    source: str
    outcome: Outcome
    checks: tuple[CheckEntry, ...]
    seconds: float = Field(ge=0)
    statement_zh: str = ""
    hint: str = ""
    hint_zh: str = ""
    waived: bool = Field(False, description="the outcome does not count: see the waivers")
    catalogue: str = Field(SEED, description="file of requirements/ that has the row")
    held: Held = Field(Held.WHOLE, description="where checked: NOT TESTED decides nothing")
    needs: tuple[Need, ...] = ()
    known: str = Field("", description="references by which all that fails here is known")
    not_declared: str = Field("", description="why nothing of its kind is there to check")
    elsewhere: str = Field("", description="of a row in parts: which topologies prove them")

    @property
    def decides(self) -> bool:
        """Not a row of a catalogue held where it was checked, that nothing looked at."""
        return self.held is Held.WHOLE or looked_at(results_in(self))

    @property
    def remark(self) -> str:
        """One line on why it is not a PASS, naming the check; empty for a full PASS."""
        remark = remark_on(results_in(self), self.id, self.outcome)
        return remark or self.not_declared or self.elsewhere


class WaiverEntry(_Frozen):
    requirement: str
    reason: str
    owner: str
    issue: str
    expires: date
    state: WaiverState


class KnownEntry(_Frozen):
    """A defect that is known of the device's version, in a row that the run looked at."""

    requirements: tuple[str, ...]
    checks: tuple[str, ...] = Field(description="globs of the node ids that fail by it")
    seen: str | None = Field(None, description="searched for in the failure's message")
    since: str | None
    before: str | None
    reference: str
    sentence: str
    sentence_zh: str = ""

    @property
    def defect(self) -> KnownDefect:
        return KnownDefect.model_construct(**dict(self))


class ProblemEntry(_Frozen):
    kind: ProblemKind
    words: str


class StageEntry(_Frozen):
    """A step of the run itself: no check's time has it in it."""

    name: str
    seconds: float = Field(ge=0)


class SignOff(_Frozen):
    """One run on one device, and what it came to."""

    model_config = ConfigDict(title="DPVS acceptance sign-off")

    schema_: Literal[1] = Field(alias="schema")
    run: str
    started: datetime
    finished: datetime
    verdict: VerdictName
    reasons: tuple[str, ...]
    exit_code: int = Field(ge=0, le=3)
    suite: SuiteEntry
    device: DeviceEntry
    topology: str
    fault: str = Field("", description="name of the injected fault, empty for none")
    command: str = Field("", description="repeats the run")
    transcript: str = Field("", description="file, relative to this document")
    requirements: tuple[RequirementEntry, ...]
    other_checks: tuple[CheckEntry, ...] = Field(
        (), description="results that belong to no known requirement"
    )
    profile: Profile = Field(Profile.FULL, description="requirements judged, by priority")
    strict: bool = Field(False, description="sign-off: no P1 may be untested, on any device")
    waivers: tuple[WaiverEntry, ...] = ()
    problems: tuple[ProblemEntry, ...] = Field((), description="of the run, not of one check")
    stages: tuple[StageEntry, ...] = Field((), description="set-up and undo of the run")
    lenient: bool = Field(False, description="what is known to fail does not count")
    known: tuple[KnownEntry, ...] = Field((), description="known defects of the device's version")
    language: Literal["en", "zh"] = Field("en", description="of the report")
    unjudged: tuple[UnjudgedRows, ...] = Field(
        (), description="rows that do not judge this run: shown, and decide nothing"
    )
    record: str = Field("", description="SHA-256 of record.json, from which this is computed")


def to_text(signoff: SignOff) -> str:
    """The document as JSON; the same document is always the same text."""
    plain = signoff.model_dump(mode="json", by_alias=True)
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def from_text(text: str) -> SignOff:
    """The document that `to_text` wrote; pydantic's ValidationError for anything else."""
    return SignOff.model_validate_json(text)


def schema_text() -> str:
    """The JSON schema of the document, as committed in `reports/signoff.schema.json`."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= SignOff.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write(signoff: SignOff, path: Path) -> None:
    """The document into the file at `path`: whole, or, after an OSError, not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(to_text(signoff), encoding="utf-8")
    partial.replace(path)


def results_in(row: RequirementEntry) -> list[CheckResult]:
    """The row's checks, as far as a verdict looks at them."""
    return [
        CheckResult(
            one.nodeid,
            one.outcome,
            one.seconds,
            one.message,
            requirements=(row.id,),
            core=(row.id,) if one.core else (),
        )
        for one in row.checks
    ]
