"""What upstream knows to fail in which of its versions: data, with a reference for each.

A row that fails as known still fails; it is told apart from what nobody has seen before, and one
that passes although it is known to fail is told too: the version is not what it seems, or the list
is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator

from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.model.declared import Declared
from dpvs_acceptance.model.loading import DeclarationError, load_yaml
from dpvs_acceptance.model.requirement import OneLine, OneLineZh


def _a_version(text: str) -> str:
    return str(Version.parse(text))


AVersion = Annotated[str, AfterValidator(_a_version)]


class KnownDefect(Declared):
    """One known defect: which rows it fails, in which versions, and who says so."""

    requirements: tuple[str, ...] = Field(min_length=1)
    checks: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="globs of node ids: the checks that fail by it"
    )
    since: AVersion | None = Field(default=None, description="the first version that has it")
    before: AVersion | None = Field(default=None, description="the first version without it")
    reference: OneLine
    sentence: OneLine
    sentence_zh: OneLineZh

    @model_validator(mode="after")
    def _has_an_end(self) -> KnownDefect:
        if self.since is None and self.before is None:
            raise ValueError("neither since nor before: in which versions?")
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
    """The rows of all files, `known:` with a list each; `ids` are the requirements that there are.

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
                problems += [
                    f"{where}: {'.'.join(map(str, one['loc'])) or 'row'}: {one['msg']}"
                    for one in error.errors()
                ]
                continue
            unknown = [name for name in defect.requirements if name not in ids]
            problems += [f"{where}: there is no requirement {name}" for name in unknown]
            found.append(defect)
    if problems:
        raise DeclarationError("\n".join(problems))
    return tuple(found)
