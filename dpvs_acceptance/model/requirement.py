"""What must hold: one requirement per row, from the files in `requirements/`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dpvs_acceptance.model.loading import DeclarationError, Key, load_yaml


class Priority(StrEnum):
    """How much a requirement weighs in the verdict, as DPVS's release checklist grades its rows."""

    P1 = "P1"
    """Core function or stability: without it the device is not ready."""
    P2 = "P2"
    """Important: used in production, or an early warning of a P1 failure."""
    P3 = "P3"
    """General function, or advice."""
    P4 = "P4"
    """Unimportant."""


def _one_line(text: str) -> str:
    if "\n" in text or not text.strip():
        raise ValueError("must be one line of text, and not empty")
    return text.strip()


def _one_line_zh(text: str) -> str:
    # A folded YAML line leaves a space at the fold; Chinese writes none after its punctuation.
    return re.sub(r"(?<=[，。：；、！？（）]) +", "", _one_line(text))


OneLine = Annotated[str, AfterValidator(_one_line)]
OneLineZh = Annotated[str, AfterValidator(_one_line_zh)]


class Requirement(BaseModel):
    """One row of what must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]*([.-][A-Z0-9]+)*$")
    """Fixed for ever: reports, waivers and checks refer to it (`S29`, `FWD-01`)."""
    priority: Priority = Field(strict=False)
    statement: OneLine
    """What must hold, in one sentence."""
    statement_zh: OneLineZh
    source: OneLine
    """Where it is asked for: a section of the seed, a row of upstream's checklist, an RFC."""
    hint: OneLine
    """What to look at when it fails: commands, and the usual cause."""
    hint_zh: OneLineZh


def load_requirements(paths: Iterable[Path]) -> tuple[Requirement, ...]:
    """The requirements of all files, in the order of the files and of the rows in them.

    Raises DeclarationError with a line per problem: file, line, requirement id, key. An id that is
    given twice, also in two files, is refused.
    """
    found: dict[str, tuple[Requirement, str]] = {}
    problems: list[str] = []
    for path in paths:
        data, lines = load_yaml(path)
        rows = data.get("requirements") if isinstance(data, dict) else None
        if not isinstance(rows, list) or not rows or set(data) != {"requirements"}:
            problems.append(f"{path}:1: expected the one key 'requirements' with a list of rows")
            continue
        for index, row in enumerate(rows):
            key: Key = ("requirements", index)
            where = f"{path}:{lines.get(key, 1)}"
            try:
                requirement = Requirement.model_validate(row)
            except ValidationError as error:
                problems += _sentences(path, lines, key, row, error)
                continue
            if requirement.id in found:
                first = found[requirement.id][1]
                problems.append(f"{where}: {requirement.id}: id: given already at {first}")
            else:
                found[requirement.id] = (requirement, where)
    if problems:
        raise DeclarationError("\n".join(problems))
    return tuple(requirement for requirement, _ in found.values())


def _sentences(
    path: Path, lines: dict[Key, int], key: Key, row: Any, error: ValidationError
) -> list[str]:
    name = row.get("id") if isinstance(row, dict) else None
    shown = name if isinstance(name, str) and name else f"row {int(key[-1]) + 1}"
    sentences = []
    for problem in error.errors():
        field = ".".join(str(part) for part in problem["loc"]) or "(whole row)"
        words = {"extra_forbidden": "unknown key", "missing": "this key is missing"}.get(
            problem["type"], problem["msg"].removeprefix("Value error, ")
        )
        line = lines.get((*key, *problem["loc"]), lines.get(key, 1))
        sentences.append(f"{path}:{line}: {shown}: {field}: {words}")
    return sentences
