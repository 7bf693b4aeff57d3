"""Generated faults: each is one deed done to one selection, drawn by a seed.

The data is `generator.yaml`. Of packets: what is done × to which of them. Of state: which file,
listing, tool or table × missing, stale, another value, overridden later. Pure; `model.py` is what
comes out of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dpvs_acceptance.model.loading import load_model
from faults.model import GENERATED, TRAFFIC, Fault
from softlab.wire.rule import Leg, from_json

GENERATED_SHARE = 0.95
"""Of a sample, how many the requirement meant has to kill."""
DATA = Path(__file__).with_name("generator.yaml")
PREFIX = "g-"
"""Of the name of every generated fault."""

_FAMILIES: tuple[Literal[4, 6], ...] = (4, 6)
# What any fault of state may turn along with the requirement meant.
_STATE = ("S10", "S12", "S16", "S17", "S18", "S19", "S20", "S22", "S23", "S25", "S26", "S27", "S28")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(_Model):
    """What travels: its legs, which selections it allows, the requirements for each family."""

    legs: tuple[Leg, ...]
    of: tuple[str, ...]
    means: Mapping[Literal[4, 6], tuple[str, ...]]


class Deed(_Model):
    """What is done: keys of a rule, and the kinds, legs and family that it can be done to.

    means: requirements that are about it, in addition to those of the kind.
    """

    rule: Mapping[str, Any]
    kinds: tuple[str, ...]
    legs: tuple[Leg, ...] = ()
    family: Literal[0, 4, 6] = 0
    means: tuple[str, ...] = ()


class Selection(_Model):
    """Which packets: keys of a rule. `of`: what a kind must allow for it."""

    rule: Mapping[str, Any]
    of: str = ""
    legs: tuple[Leg, ...] = ()


class Harmless(_Model):
    """What is no fault by its nature, and why: of these deeds, on these legs, to these selections.
    An empty one matches all."""

    deeds: tuple[str, ...]
    legs: tuple[Leg, ...] = ()
    selections: tuple[str, ...] = ()
    because: str

    def covers(self, deed: str, leg: Leg, selection: str) -> bool:
        """Whether this is about a fault of packets."""
        asked = ((self.deeds, deed), (self.legs, leg), (self.selections, selection))
        return all(not those or one in those for those, one in asked)


class Listing(_Model):
    """What a tool says to arguments of the pattern `asked`; filters stand for what is wrong."""

    tool: str
    asked: str
    red: str
    missing: str = ""
    other: str = ""
    stale: bool = False


class HostFile(_Model):
    """A file, and sh text for each deed, with $F for the file."""

    host: Literal["dut", "rs1", "rs2"]
    file: str
    red: str
    missing: str = ""
    stale: str = ""
    other: str = ""
    overridden: str = ""


class Later(_Model):
    """What is taken away after the state was read."""

    red: str
    inject: str
    repair: str


class Generator(_Model):
    """The whole of `generator.yaml`."""

    seed: int
    one_of_state: int = Field(ge=2)
    kinds: Mapping[str, Kind]
    deeds: Mapping[str, Deed]
    selections: Mapping[str, Selection]
    harmless: tuple[Harmless, ...]
    listings: Mapping[str, Listing]
    files: Mapping[str, HostFile]
    later: Mapping[str, Later]
    tools: Mapping[str, str]

    def packets(self) -> Iterator[Fault]:
        """Every fault of packets: deed × kind × family × leg × selection, but what is harmless."""
        for deed_name, deed in self.deeds.items():
            for kind_name in deed.kinds:
                kind = self.kinds[kind_name]
                for family in _FAMILIES:
                    if family not in kind.means or deed.family not in (0, family):
                        continue
                    for leg in kind.legs:
                        if not deed.legs or leg in deed.legs:
                            yield from self._selected(deed_name, kind_name, family, leg)

    def _selected(
        self, deed_name: str, kind_name: str, family: Literal[4, 6], leg: Leg
    ) -> Iterator[Fault]:
        deed, kind = self.deeds[deed_name], self.kinds[kind_name]
        means = (*kind.means[family], *deed.means)
        for name, selection in self.selections.items():
            if (selection.of and selection.of not in kind.of) or (
                selection.legs and leg not in selection.legs
            ):
                continue
            if any(one.covers(deed_name, leg, name) for one in self.harmless):
                continue
            rule = from_json({**deed.rule, **selection.rule})
            way = leg.replace("-", " to ")
            yield _fault(
                (deed_name, f"{kind_name}-{leg}-ipv{family}", name),
                f"{kind_name} of IPv{family}, {way}, {name.replace('-', ' ')}: "
                f"{deed_name.replace('-', ' ')}",
                means,
                wire=(replace(rule, kind=kind_name, family=family, leg=leg),),
            )

    def states(self) -> Iterator[Fault]:
        """Every fault of state: target × missing, stale, another value, overridden later."""
        for name, listing in self.listings.items():
            filters = {"missing": listing.missing, "other": listing.other}
            for deed, text in filters.items():
                if text:
                    yield _listing(name, deed, listing, f'"$real" "$@" | {text}')
            if listing.stale:
                kept = '/run/faults/kept.$(echo "$*" | tr -c "a-z0-9\\n" _)'
                text = f'[ -e {kept} ] || "$real" "$@" >{kept}; cat {kept}'
                yield _listing(name, "stale", listing, text)
        for name, file in self.files.items():
            for deed in ("missing", "stale", "other", "overridden"):
                if text := getattr(file, deed):
                    yield _file(name, deed, file, text)
        for name, one in self.later.items():
            yield _fault(
                ("overridden", "later", name),
                f"The {name.replace('-', ' ')} is gone after the state was read",
                (one.red,),
                after="snapshot",
                inject={"dut": one.inject},
                repair={"dut": one.repair},
            )
        for tool, red in self.tools.items():
            yield from _tool(tool, red)


def load_generator() -> Generator:
    """The data. Raises DeclarationError."""
    return load_model(DATA, Generator)


def sample(number: int, seed: int) -> tuple[Fault, ...]:
    """So many faults, the same for the same seed: one in `one_of_state` of state, and of packets
    as many of each deed as of the others."""
    generator = load_generator()
    drawn = random.Random(seed)  # noqa: S311 - a sample that can be drawn again, no secret
    states = list(generator.states())
    of_state = min(len(states), number // generator.one_of_state)
    left: dict[str, list[Fault]] = {}
    for fault in generator.packets():
        left.setdefault(fault.source, []).append(fault)
    for group in left.values():
        drawn.shuffle(group)
    groups = list(left.values())
    drawn.shuffle(groups)
    turns = (group[turn] for turn in count() for group in groups if turn < len(group))
    packets = islice(turns, min(number - of_state, sum(map(len, groups))))
    return (*packets, *drawn.sample(states, of_state))


def by_name(name: str) -> Fault | None:
    """The generated fault of this name."""
    generator = load_generator()
    every = (*generator.packets(), *generator.states())
    return next((fault for fault in every if fault.name == name), None)


def _fault(parts: tuple[str, str, str], words: str, red: tuple[str, ...], **fields: Any) -> Fault:
    """parts: the deed, what it is done to, and which of that. red: the requirements meant."""
    other = tuple(one for one in (*TRAFFIC, *_STATE) if one not in red)
    return Fault(
        name=PREFIX + "-".join(parts),
        breaks=f"{words[0].upper()}{words[1:]}.",
        source=f"{GENERATED}{parts[0]}",
        red=red,
        may=other,
        **fields,
    )


def _listing(name: str, deed: str, listing: Listing, text: str) -> Fault:
    quoted = f'case "$*" in {listing.asked}) {text};; *) exec "$real" "$@";; esac'
    return _fault(
        (deed, "listing", name),
        f"What {listing.tool} lists of {name.replace('-', ' ')} is {_DEEDS[deed]}",
        (listing.red,),
        inject={"dut": f"on_tool {listing.tool} '{quoted}'"},
        repair={"dut": f"off_tool {listing.tool}"},
    )


def _file(name: str, deed: str, file: HostFile, text: str) -> Fault:
    kept = f"/tmp/generated.{name}"  # noqa: S108 - on a host of the lab
    return _fault(
        (deed, "file", name),
        f"In {name.replace('-', ' ')} of {file.host} what is needed is {_DEEDS[deed]}",
        (file.red,),
        inject={file.host: f"F=$(readlink -f {file.file}); cp -p $F {kept} && {{ {text}; }}"},
        repair={file.host: f"cat {kept} >$(readlink -f {file.file})"},
    )


def _tool(tool: str, red: str) -> Iterator[Fault]:
    copy = "/run/faults/bin"
    yield _fault(
        ("missing", "tool", tool),
        f"The tool {tool} is not installed",
        (red,),
        inject={
            "dut": f"rm -rf {copy}; mkdir -p /run/faults; cp -a $BIN {copy} && rm {copy}/{tool} && "
            f"mount --bind {copy} $BIN"
        },
        repair={"dut": f"umount $BIN; rm -rf {copy}"},
    )
    yield _fault(
        ("overridden", "tool", tool),
        f"Another {tool} is found first in PATH",
        (red,),
        inject={
            "dut": f"cp -p /usr/local/sbin/{tool} /run/{tool}.kept 2>/dev/null; "
            f"rm -f /usr/local/sbin/{tool}; cp /bin/true /usr/local/sbin/{tool}"
        },
        repair={
            "dut": f"rm -f /usr/local/sbin/{tool}; "
            f"[ ! -e /run/{tool}.kept ] || mv /run/{tool}.kept /usr/local/sbin/{tool}"
        },
    )


_DEEDS = {
    "missing": "missing",
    "stale": "what it was before",
    "other": "another value",
    "overridden": "overridden later",
}
