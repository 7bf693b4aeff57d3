"""Changes of the suite's rows by a site: `changes` in one of its `requirements/*.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dpvs_acceptance.model.loading import DeclarationError, load_yaml
from dpvs_acceptance.model.requirement import Held, OneLine, Priority, Requirement
from dpvs_acceptance.model.wording import limited, sentences_of


class RowChange(BaseModel):
    """Another priority of one row, or another `held` of a catalogue, with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirement: str = ""
    catalogue: str = ""
    priority: Priority | None = None
    held: Held | None = None
    reason: OneLine = Field(description="the report shows it")

    @model_validator(mode="after")
    def _changes_one_thing(self) -> RowChange:
        of_row = bool(self.requirement and self.priority and not self.catalogue and not self.held)
        of_all = bool(self.catalogue and self.held and not self.requirement and not self.priority)
        if not of_row and not of_all:
            raise ValueError("expected `requirement` and `priority`, or `catalogue` and `held`")
        return self


def apply_changes(
    requirements: Iterable[Requirement], paths: Iterable[Path]
) -> tuple[Requirement, ...]:
    """The rows with the changes of these files; the last change of a row counts.

    Raises DeclarationError with file, line and key for a change of an unknown row or catalogue.
    """
    rows = {row.id: row for row in requirements}
    problems: list[str] = []
    for path in paths:
        data, lines = load_yaml(path)
        listed = data.get("changes", ()) if isinstance(data, dict) else ()
        if not isinstance(listed, list | tuple):
            problems.append(f"{path}:{lines.get(('changes',), 1)}: changes: expected a list")
            continue
        for index, plain in enumerate(listed):
            key = ("changes", index)
            try:
                change = RowChange.model_validate(plain)
            except ValidationError as error:
                problems += sentences_of(path, lines, error, RowChange, key)
                continue
            changed = _changed(rows, change, path.name)
            if not changed:
                name = change.requirement or change.catalogue
                what = "requirement" if change.requirement else "catalogue"
                problems.append(f"{path}:{lines.get(key, 1)}: changes.{index}: no {what} {name}")
            rows |= changed
    if problems:
        raise DeclarationError(limited(problems))
    return tuple(rows.values())


def _changed(
    rows: Mapping[str, Requirement], change: RowChange, where: str
) -> dict[str, Requirement]:
    found: dict[str, Requirement] = {}
    for row in rows.values():
        if change.requirement == row.id and change.priority is not None:
            words = f"{row.id} is {change.priority} instead of {row.priority}"
            update: dict[str, Any] = {"priority": change.priority}
        elif change.catalogue == row.catalogue and change.held is not None:
            words = f"{row.catalogue} is held {change.held} instead of {row.held}"
            update = {"held": change.held}
        else:
            continue
        update["changed"] = f"{words} ({where}): {change.reason}"
        found[row.id] = row.model_copy(update=update)
    return found


def change_lines(requirements: Iterable[Requirement], judged_by: Iterable[str]) -> tuple[str, ...]:
    """What a site changed in the catalogues that judge a run, a line for each change."""
    names = set(judged_by)
    lines = (row.changed for row in requirements if row.changed and row.catalogue in names)
    return tuple(dict.fromkeys(lines))
