"""Waivers: temporarily waived requirements, each with owner, reason, issue and expiry date.

A waiver does not change an outcome: the report shows FAIL and the waiver. An expired waiver makes
the run NOT READY, so that it is reviewed; an unused one is reported, to be removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dpvs_acceptance.model.loading import DeclarationError, load_yaml
from dpvs_acceptance.model.wording import limited, sentences_of


class WaiverState(StrEnum):
    """State of a waiver in one run."""

    USED = "used"
    UNUSED = "unused"
    EXPIRED = "expired"


class Waiver(BaseModel):
    """One row of a waiver file; `expires` is the last day on which it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirement: str = Field(pattern=r"^[A-Z][A-Z0-9]*([.-][A-Z0-9]+)*$")
    reason: str = Field(min_length=1, max_length=500)
    owner: str = Field(min_length=1, max_length=100)
    issue: str = Field(min_length=1, max_length=200)
    expires: date

    def expired(self, today: date) -> bool:
        return today > self.expires

    def __str__(self) -> str:
        return f"until {self.expires} by {self.owner} ({self.issue}): {self.reason}"


def load_waivers(path: Path, known: Collection[str]) -> tuple[Waiver, ...]:
    """The waivers of a file, `waivers:` with a list of rows; `known` are the requirements' ids.

    Raises DeclarationError with file, line, row and key of every problem: an unknown or duplicate
    requirement, or a row without owner, reason, issue or expiry date.
    """
    data, lines = load_yaml(path)
    if not isinstance(data, dict) or set(data) != {"waivers"} or not _is_list(data["waivers"]):
        raise DeclarationError(f"{path}:1: expected the one key 'waivers' with a list of rows")
    found: dict[str, Waiver] = {}
    problems: list[str] = []
    for index, row in enumerate(data["waivers"]):
        place = f"{path}:{lines.get(('waivers', index), 1)}: waiver {index + 1}"
        try:
            waiver = Waiver.model_validate(row)
        except ValidationError as error:
            at = ("waivers", index)
            problems += sentences_of(path, lines, error, Waiver, at, f"waiver {index + 1}")
            continue
        if waiver.requirement not in known:
            problems.append(f"{place}: unknown requirement {waiver.requirement}")
        if waiver.requirement in found:
            problems.append(f"{place}: {waiver.requirement} is waived twice")
        found[waiver.requirement] = waiver
    if problems:
        raise DeclarationError(limited(problems))
    return tuple(found.values())


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def waived_ids(waivers: Iterable[Waiver], today: date) -> frozenset[str]:
    """Requirements whose failure does not count on this day."""
    return frozenset(one.requirement for one in waivers if not one.expired(today))
