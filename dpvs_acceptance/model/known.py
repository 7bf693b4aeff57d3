"""Known defects of DPVS by version, from `requirements/known/*.yaml`, each with a reference.

A row with a known defect still fails; the report marks it as known. A row that passes although a
defect is known is reported too: either the version or the list is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator

from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.model.declared import Declared
from dpvs_acceptance.model.loading import DeclarationError, load_yaml
from dpvs_acceptance.model.requirement import OneLine, OneLineZh
from dpvs_acceptance.model.wording import limited, sentences_of


def _a_version(text: str) -> str:
    return str(Version.parse(text))


def _a_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


AVersion = Annotated[str, AfterValidator(_a_version)]
APattern = Annotated[str, AfterValidator(_a_pattern)]


class KnownDefect(Declared):
    """One known defect: the rows it fails, the versions that have it, and the reference."""

    requirements: tuple[str, ...] = Field(min_length=1)
    checks: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="globs of node ids: the checks that fail because of it",
    )
    seen: APattern | None = Field(
        default=None, description="what a failure by it says: searched for in its message"
    )
    since: AVersion | None = Field(default=None, description="the first version with the defect")
    before: AVersion | None = Field(
        default=None, description="the first version without the defect"
    )
    reference: OneLine
    sentence: OneLine
    sentence_zh: OneLineZh = ""

    @model_validator(mode="after")
    def _has_an_end(self) -> KnownDefect:
        if self.since is None and self.before is None:
            raise ValueError("since or before is required")
        return self

    def is_in(self, version: Version) -> bool:
        """Whether this version has the defect."""
        begun = self.since is None or version >= Version.parse(self.since)
        return begun and (self.before is None or version < Version.parse(self.before))

    @property
    def versions(self) -> str:
        parts = [f"since {self.since}" if self.since else "", f"before {self.before}"]
        return " ".join(part for part in parts if part and not part.endswith("None"))


def load_known(paths: Iterable[Path], ids: Collection[str]) -> tuple[KnownDefect, ...]:
    """The known defects of all files; `ids`: all requirement ids.

    Raises DeclarationError with file, line and key of every problem.
    """
    found: list[KnownDefect] = []
    problems: list[str] = []
    for path in paths:
        data, lines = load_yaml(path)
        rows = data.get("known") if isinstance(data, dict) and set(data) == {"known"} else None
        if not isinstance(rows, list):
            problems.append(f"{path}:1: expected the one key 'known' with a list of rows")
            continue
        for index, row in enumerate(rows):
            where = f"{path}:{lines.get(('known', index), 1)}: known defect {index + 1}"
            try:
                defect = KnownDefect.model_validate(row)
            except ValidationError as error:
                at = ("known", index)
                problems += sentences_of(
                    path, lines, error, KnownDefect, at, f"known defect {index + 1}"
                )
                continue
            unknown = [name for name in defect.requirements if name not in ids]
            problems += [f"{where}: unknown requirement {name}" for name in unknown]
            found.append(defect)
    if problems:
        raise DeclarationError(limited(problems))
    return tuple(found)
