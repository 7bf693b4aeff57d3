"""Selects the most specific of several failures, which is reported first. Pure.

One defect may fail many checks. A wrong checksum is reported as such by a check that compares
packets, but as `curl: (28)` by an HTTP check, which may run earlier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from dpvs_acceptance.verdict.words import printable


class Telling(IntEnum):
    """Information in a line of a message; higher is more specific."""

    NOTHING = 0
    """Inconclusive."""
    SILENCE = 1
    """A missing answer, a consequence of nearly any defect."""
    AMOUNT = 2
    """Too few or too many packets, or at the wrong place."""
    STATE = 3
    """Expected and seen values; also unrecognised lines."""
    FIELD = 4
    """The wrong field of a packet."""
    DEATH = 5
    """dpvs has ended: nothing after it can be judged."""


# The first matching pattern counts.
_PATTERNS = (
    (Telling.NOTHING, r"^(inconclusive|known to fail)\b"),
    (Telling.DEATH, r"\bdpvs (is not running any more|has ended|died|was killed|does not run)\b"),
    (Telling.FIELD, r"\bchecksums?\b|\bnot as expected of \w"),
    (
        Telling.SILENCE,
        r"\bcurl: \(\d+\)|\bno (answer|reply|connection|echo)\b|\bnot (answered|done in)\b|"
        r"\bdoes not (answer|reach)\b|\bdid not (come|answer|arrive)\b|\btime[d ]*out\b|"
        r"\bnothing (came|to be seen)\b|\bwithin [\d.]+ s\b|\bnever arrived\b",
    ),
    (
        Telling.FIELD,
        r"\b[TU]OA\b|\bMACs?\b|\bTTL\b|\bMSS\b|\bsequence numbers?\b|\bIP options?\b|"
        r"\b(source|destination) (address|port)\b|\breal client\b|\boctets? \d+\b",
    ),
    (
        Telling.AMOUNT,
        r"\b\d+ of \d+\b|\blost\b|\bdoubled\b|\bmissing\b|\bspread\b|\bpackets?, .*\breceived\b",
    ),
)
_COMPILED = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _PATTERNS)


def telling(line: str) -> Telling:
    """The information in one line of a message."""
    return next((kind for kind, pattern in _COMPILED if pattern.search(line)), Telling.STATE)


def telling_line(message: str) -> str:
    """The most specific line of a message, escaped and stripped.

    Indented lines belong to the line before. Of equally specific lines the first one is used; an
    unrecognised line does not precede the first line.
    """
    lines = [line for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    first, *others = lines
    best = first
    for line in others:
        kind = telling(line)
        if not line[0].isspace() and kind is not Telling.STATE and kind > telling(best):
            best = line
    return printable(best.strip())


def weight(message: str) -> Telling:
    """The information in a message, from its most specific line."""
    return telling(telling_line(message))


def most_telling(messages: Iterable[str]) -> int:
    """Index of the most specific message, the first of equal ones; -1 for none."""
    weights = [weight(message) for message in messages]
    return weights.index(max(weights)) if weights else -1
