"""The expected and the observed values in the message of a failed check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dpvs_acceptance.traffic.verify import ARRIVED

_FIRST = re.compile(r"^(?P<what>.*?)(?:: )?(?<!as )expected (?P<expected>.+?),? seen (?P<seen>.+)$")
_AFTER = re.compile(
    r"^(?P<what>.*?): (?P<expected>.+?) expected, (?:seen )?(?P<seen>.+?)(?: seen)?$"
)
_WRONG = re.compile(r"^(?P<name>[a-z_.0-9]+): expected ")
_EXTRA = "packet: expected no extra packet, seen "
_TOLD = re.compile(r"\bthe RS saw (?P<seen>\S*\d)")
_FIELD = re.compile(r"^  (?P<name>expected|seen): +(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Sides:
    """One expected value and the observed one."""

    what: str
    expected: str
    seen: str


def sides(message: str) -> tuple[Sides, ...]:
    """What a message says was expected and seen; nothing where it does not say it in that form.

    Understood are `verdict.words.mismatch` and single lines `x: expected a, seen b` and
    `x: a expected, seen b`. The message itself is shown in any case.
    """
    lines = message.splitlines()
    fields: dict[str, list[str]] = {}
    open_field = ""
    for line in lines[1:]:
        if (found := _FIELD.match(line)) is not None:
            open_field = found["name"]
            fields.setdefault(open_field, []).append(found["text"])
        elif open_field and line.startswith(" " * 12):
            fields[open_field].append(line[12:])
        else:
            open_field = ""
    if {"expected", "seen"} <= set(fields):
        return (Sides(lines[0], "\n".join(fields["expected"]), "\n".join(fields["seen"])),)
    rows = []
    for line in lines[:40]:
        found = _FIRST.match(line.strip()[:500]) or _AFTER.match(line.strip()[:500])
        if found is not None:
            rows.append(Sides(found["what"].strip(" :,"), found["expected"], found["seen"]))
    return tuple(dict.fromkeys(rows))


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a message says was wrong with captured packets."""

    packets: Mapping[str, tuple[str, ...]]
    """Packets, as `traffic.views.describe` has them, to the names of their wrong fields."""
    told: frozenset[str] = frozenset()
    """Addresses that a real server saw as the client's and that were not."""


def wrong_packets(message: str) -> Wrong:
    """All of them that the message names; nothing where it does not say it in that form."""
    packets: dict[str, tuple[str, ...]] = {}
    told = set()
    arrived = ""
    for line in message.splitlines():
        text = line.strip()
        if text.startswith(ARRIVED):
            arrived = text.removeprefix(ARRIVED)
        elif text.startswith("for "):
            arrived = ""
        elif text.startswith(_EXTRA):
            packets[text.removeprefix(_EXTRA)] = ("not expected",)
        elif arrived and (field := _WRONG.match(text)) is not None:
            packets[arrived] = (*packets.get(arrived, ()), field["name"])
        elif (address := _TOLD.search(text)) is not None:
            told.add(address["seen"])
    return Wrong(packets, frozenset(told))


def without_values(message: str) -> str:
    """A message without the values that pytest adds below it: those are in the details."""
    first, *rest = message.split("\n")
    at = next((n for n, line in enumerate(rest) if line.startswith("assert ")), len(rest))
    return "\n".join([first, *rest[:at]])
