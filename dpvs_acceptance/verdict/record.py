"""`record.json`: all that a verdict is computed from, and the digest of every file of evidence.

The sign-off document has the digest of the record. `verify` recomputes the document from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dpvs_acceptance.verdict.facts import RunFacts, facts_from_plain, facts_to_plain
from dpvs_acceptance.verdict.manifest import NAME as MANIFEST
from dpvs_acceptance.verdict.manifest import digest, list_files
from dpvs_acceptance.verdict.outcomes import CheckResult
from dpvs_acceptance.verdict.phases import Phase, combine

RECORD = "record.json"
DOCUMENT = "signoff.json"
# Only on the runner, not stored: the path of the run's directory.
_OF_THE_RUNNER = ("directory", "evidence")


class _Recorded(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckRecord(_Recorded):
    nodeid: str
    requirements: tuple[str, ...] = Field(description="all that it proves, of any catalogue")
    core: tuple[str, ...] = ()
    phases: tuple[Phase, ...]

    @property
    def result(self) -> CheckResult:
        return combine(self.nodeid, self.requirements, self.phases, self.core)


class Record(_Recorded):
    schema_: Literal[1] = Field(1, alias="schema")
    facts: Mapping[str, Any]
    finished: datetime
    judged_by: tuple[str, ...] = Field(description="catalogues")
    chosen: bool = Field(description="by --requirements, not by the topology")
    checks: tuple[CheckRecord, ...]
    proving: Mapping[str, int] = Field(description="row to how many checks of the suite prove it")
    versions: Mapping[str, str] = Field({}, description="of Python and the libraries that judge")
    files: Mapping[str, str] = Field({}, description="path to SHA-256, of what is evidence")

    @property
    def results(self) -> list[CheckResult]:
        return [check.result for check in self.checks]

    @property
    def run_facts(self) -> RunFacts:
        """ValueError if they are invalid."""
        return facts_from_plain({**self.facts, "directory": ".", "evidence": None})


def make_record(
    facts: RunFacts,
    finished: datetime,
    checks: Iterable[CheckRecord],
    judged_by: Sequence[str],
    chosen: bool,
    proving: Mapping[str, int],
) -> Record:
    """Without the files, since not all exist yet."""
    plain = facts_to_plain(replace(facts, directory=Path(), evidence=None))
    return Record(
        schema=1,
        facts={key: value for key, value in plain.items() if key not in _OF_THE_RUNNER},
        finished=finished,
        judged_by=tuple(judged_by),
        chosen=chosen,
        checks=tuple(checks),
        proving=dict(sorted(proving.items())),
        versions={},
        files={},
    )


def evidence_files(directory: Path) -> dict[str, str]:
    """Relative path to SHA-256 of all files that the record must list."""
    named = {path.relative_to(directory).as_posix(): path for path in list_files(directory)}
    others = (RECORD, DOCUMENT, MANIFEST)
    return {name: digest(path)[0] for name, path in named.items() if name not in others}


def record_text(record: Record) -> str:
    """As JSON; the same record is always the same text."""
    plain = record.model_dump(mode="json", by_alias=True)
    return json.dumps(plain, indent=1) + "\n"


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def read_record(text: str) -> Record:
    """pydantic's ValidationError for anything else."""
    return Record.model_validate_json(text)
