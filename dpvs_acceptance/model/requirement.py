"""What must hold: one requirement per row, from the files in `requirements/`.

Each file is a catalogue, named after the file: `seed`, `upstream`, `edges`. A topology says by
which ones it is judged; a catalogue says how it is held.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dpvs_acceptance.model.loading import DeclarationError, Key, load_yaml

SEED = "seed"
"""The catalogue by which a topology is judged that names none."""
_FILLED_IN = ("catalogue", "held")


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


class Held(StrEnum):
    """How a catalogue is held against a device."""

    WHOLE = "whole"
    """A row that nothing looked at is a gap, as a skipped one is."""
    WHERE_CHECKED = "where checked"
    """Rows that nothing looked at are shown, and decide nothing."""


class Need(StrEnum):
    """What a row's check needs beside a load balancer, a client and a real server."""

    BONDING = "bonding"
    """Two NICs on one link, and a switch that makes one link of them."""
    KNI = "kni"
    RTE_FLOW = "rte_flow"
    """A NIC that steers flows by rule (fdir, rte_flow)."""
    SEVERAL_QUEUES = "several queues"
    """More than one worker, with RSS or packet redirect between them."""
    HARDWARE = "hardware"
    """Figures that mean something only on NICs and wires."""
    SYNPROXY = "synproxy"
    TUNNEL = "tunnel endpoint"
    """A peer whose kernel takes ipip, ip6ip6 or gre."""
    KEEPALIVED = "keepalived"
    """DPVS's own keepalived, able to reach the real servers."""
    SECOND_DPVS = "second DPVS"
    TOA_READER = "toa reader"
    UOA_READER = "uoa reader"
    SEVERAL_KERNELS = "several kernels"
    """Real servers with kernels of several versions."""
    OLD_READER = "old reader"
    """A toa.ko or uoa.ko of an earlier DPVS."""


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
    needs: tuple[Annotated[Need, Field(strict=False)], ...] = Field(default=(), strict=False)
    catalogue: str = SEED
    """Of which file it is a row; not for people to write."""
    held: Held = Held.WHOLE
    """How that file says it is held."""


def catalogues(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """The catalogues of these requirements, each once, in their order."""
    return tuple(dict.fromkeys(requirement.catalogue for requirement in requirements))


def load_requirements(paths: Iterable[Path]) -> tuple[Requirement, ...]:
    """The requirements of all files, in the order of the files and of the rows in them.

    A file has the key `requirements` and may have `held` (default: `whole`). Raises
    DeclarationError with a line per problem: file, line, requirement id, key. An id that is given
    twice, also in two files, is refused.
    """
    found: dict[str, tuple[Requirement, str]] = {}
    problems: list[str] = []
    for path in paths:
        data, lines = load_yaml(path)
        rows = data.get("requirements") if isinstance(data, dict) else None
        if not isinstance(rows, list) or not rows or not set(data) <= {"requirements", "held"}:
            problems.append(
                f"{path}:1: expected the key 'requirements' with a list of rows, and perhaps 'held'"
            )
            continue
        known = [str(held) for held in Held]
        if (said := data.get("held", known[0])) not in known:
            line = lines.get(("held",), 1)
            problems.append(f"{path}:{line}: held: expected {' or '.join(known)}, found {said!r}")
            continue
        place = {"catalogue": path.stem, "held": Held(said)}
        for index, row in enumerate(rows):
            key: Key = ("requirements", index)
            where = f"{path}:{lines.get(key, 1)}"
            if isinstance(row, dict) and (own := [name for name in _FILLED_IN if name in row]):
                problems.append(f"{where}: {row.get('id')}: {own[0]}: unknown key")
                continue
            try:
                requirement = Requirement.model_validate(row).model_copy(update=place)
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
