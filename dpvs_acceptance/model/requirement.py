"""Requirements, one per row, from the files in `requirements/`.

Each file is a catalogue with the name of the file: `seed`, `upstream`, `edges`. A topology lists
the catalogues by which it is judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dpvs_acceptance.model.loading import DeclarationError, Key, load_yaml
from dpvs_acceptance.model.wording import limited, sentences_of

SEED = "seed"
"""The default catalogue of a topology."""
_FILLED_IN = ("catalogue", "held", "site", "elsewhere", "changed")

_KEYS = {"requirements", "held", "site", "changes"}


class Priority(StrEnum):
    """Weight of a requirement in the verdict, as in DPVS's release checklist."""

    P1 = "P1"
    """Core function or stability: required for READY."""
    P2 = "P2"
    """Important: used in production, or an early warning of a P1 failure."""
    P3 = "P3"
    """General function, or recommended setting."""
    P4 = "P4"
    """Unimportant."""


class Held(StrEnum):
    """Which rows of a catalogue count in the verdict."""

    WHOLE = "whole"
    """All rows: a row without a check is a gap, like a skipped one."""
    WHERE_CHECKED = "where checked"
    """Only rows that were checked; the others are shown as NOT TESTED."""


class Need(StrEnum):
    """What a check needs in addition to a load balancer, a client and a real server."""

    BONDING = "bonding"
    """Two NICs on one link, and a switch that aggregates them."""
    KNI = "kni"
    RTE_FLOW = "rte_flow"
    """A NIC with flow steering (fdir, rte_flow)."""
    SEVERAL_QUEUES = "several queues"
    """More than one worker, with RSS or packet redirect between them."""
    HARDWARE = "hardware"
    """Real NICs and cables, for meaningful measurements."""
    SYNPROXY = "synproxy"
    TUNNEL = "tunnel endpoint"
    """A peer whose kernel supports ipip, ip6ip6 or gre."""
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
        raise ValueError("must be one non-empty line of text")
    return text.strip()


def _one_line_zh(text: str) -> str:
    # YAML folding inserts a space, which Chinese does not have after punctuation.
    return re.sub(r"(?<=[，。：；、！？（）]) +", "", _one_line(text))


OneLine = Annotated[str, AfterValidator(_one_line)]
OneLineZh = Annotated[str, AfterValidator(_one_line_zh)]


class Requirement(BaseModel):
    """One row of a catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]*([.-][A-Z0-9]+)*$")
    """Never changed: reports, waivers and checks refer to it (`S29`, `FWD-01`)."""
    priority: Priority = Field(strict=False)
    statement: OneLine
    """What must hold, in one sentence."""
    statement_zh: OneLineZh = ""
    """Without it the Chinese report has the English text, and says so; `hint_zh` likewise."""
    source: OneLine
    """Section of the deployment guide, row of upstream's checklist, or RFC."""
    hint: OneLine
    """Where to look when it fails: commands, and the usual cause."""
    hint_zh: OneLineZh = ""
    needs: tuple[Annotated[Need, Field(strict=False)], ...] = Field(default=(), strict=False)
    topologies: tuple[str, ...] = Field(default=(), strict=False)
    """Of a part of another row: the topologies that prove it."""
    elsewhere: str = ""
    """Of a row in parts: which topologies prove them; set by the loader."""
    catalogue: str = SEED
    """Name of the file; set by the loader."""
    held: Held = Held.WHOLE
    """`held` of the file; set by the loader."""
    site: bool = False
    """`site: true` of the file: the user's own catalogue, not the project's; set by the loader."""
    changed: str = ""
    """What a site changed of the row, and why; set by `apply_changes`."""


def catalogues(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """The catalogues of these requirements, each once, in order."""
    return tuple(dict.fromkeys(requirement.catalogue for requirement in requirements))


def load_requirements(paths: Iterable[Path]) -> tuple[Requirement, ...]:
    """The requirements of all files, in the order of the files and of the rows in them.

    A file has the key `requirements` and may have `held` (default: `whole`), `site` and `changes`
    (`apply_changes`). Raises DeclarationError with a line per problem: file, line, requirement id,
    key. A duplicate id, also in another file, is refused.
    """
    found: dict[str, tuple[Requirement, str]] = {}
    problems: list[str] = []
    for path in paths:
        data, lines = load_yaml(path)
        rows = data.get("requirements") if isinstance(data, dict) else None
        if rows is None and isinstance(data, dict) and data.get("changes"):
            rows = []
        elif not rows:
            rows = None
        if not isinstance(rows, list) or not set(data) <= _KEYS:
            problems.append(
                f"{path}:1: expected the key 'requirements', a list of rows, and optionally 'held',"
                " 'site' and 'changes'"
            )
            continue
        allowed = [str(held) for held in Held]
        if (said := data.get("held", allowed[0])) not in allowed:
            line = lines.get(("held",), 1)
            problems.append(f"{path}:{line}: held: expected {' or '.join(allowed)}, found {said!r}")
            continue
        if (site := data.get("site", False)) not in (True, False):
            line = lines.get(("site",), 1)
            problems.append(f"{path}:{line}: site: expected true or false, found {site!r}")
            continue
        place = {"catalogue": path.stem, "held": Held(said), "site": site}
        for index, row in enumerate(rows):
            key: Key = ("requirements", index)
            where = f"{path}:{lines.get(key, 1)}"
            if isinstance(row, dict) and (own := [name for name in _FILLED_IN if name in row]):
                problems.append(f"{where}: {row.get('id')}: {own[0]}: unknown key")
                continue
            try:
                requirement = Requirement.model_validate(row).model_copy(update=place)
            except ValidationError as error:
                name = row.get("id") if isinstance(row, dict) else None
                shown = name if isinstance(name, str) and name else f"row {index + 1}"
                problems += sentences_of(path, lines, error, Requirement, key, shown)
                continue
            if requirement.id in found:
                first = found[requirement.id][1]
                problems.append(f"{where}: {requirement.id}: duplicate id, already at {first}")
            else:
                found[requirement.id] = (requirement, where)
    if problems:
        raise DeclarationError(limited(problems))
    return _with_parts([requirement for requirement, _ in found.values()])


def is_part_of(row: str, whole: str) -> bool:
    """Whether `row` is the id of a part of the row `whole`: `S36.K01` is one of `S36`."""
    return row.startswith(f"{whole}.")


def _with_parts(rows: list[Requirement]) -> tuple[Requirement, ...]:
    """Each row that has parts says where these are proven."""
    return tuple(
        row.model_copy(update={"elsewhere": _proven(parts)})
        if (parts := [one for one in rows if is_part_of(one.id, row.id)])
        else row
        for row in rows
    )


def _proven(parts: list[Requirement]) -> str:
    """One line: the topologies that prove parts, with the number of these."""
    counts = Counter(name for part in parts for name in part.topologies)
    without = sum(not part.topologies for part in parts)
    named = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    says = f"holds where its {len(parts)} parts do; topologies that prove them: {named or 'none'}"
    return f"{says}; without a topology: {without}" if without else says
