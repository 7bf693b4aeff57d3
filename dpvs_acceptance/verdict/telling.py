"""Which of several failures names the cause best: it is reported first. Pure.

One defect of a device makes many checks fail. A wrong checksum is seen as such by the check that
compares packets, and as `curl: (28)` by the one that asks for a page, which may run earlier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from dpvs_acceptance.verdict.words import printable


class Telling(IntEnum):
    """What a line of a failure's message tells, the more telling the higher."""

    NOTHING = 0
    """That nothing can be concluded."""
    SILENCE = 1
    """That an answer did not come: the consequence of nearly any defect."""
    AMOUNT = 2
    """That too few or too many came, or not where they should."""
    STATE = 3
    """What was expected and what is there instead; also whatever is not recognized."""
    FIELD = 4
    """Which field of a packet is wrong."""
    DEATH = 5
    """That dpvs has ended: nothing after it can be judged."""


# The first pattern that a line matches says what it tells.
_PATTERNS = (
    (Telling.NOTHING, r"^(this check might be broken|inconclusive|known to fail)\b"),
    (Telling.DEATH, r"\bdpvs (is not running any more|has ended|died|was killed|does not run)\b"),
    (Telling.FIELD, r"\bchecksums?\b|\bnot as expected of \w"),
    (
        Telling.SILENCE,
        r"\bcurl: \(\d+\)|\bno (answer|reply|connection|echo)\b|\bnot (answered|done in)\b|"
        r"\bdoes not (answer|reach)\b|\bdid not (come|answer)\b|\btime[d ]*out\b|"
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
    """What one line of a message tells."""
    return next((kind for kind, pattern in _COMPILED if pattern.search(line)), Telling.STATE)


def telling_line(message: str) -> str:
    """The line of a message that tells most, harmless and without blanks around it.

    Lines that are indented only add to the one before them. Of lines that tell as much as each
    other it is the first; a line that is only not recognized does not stand before the first one.
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
    """What a whole message tells: that of its most telling line."""
    return telling(telling_line(message))


def most_telling(messages: Iterable[str]) -> int:
    """Index of the message that tells most, the first of those that are alike; -1 for none."""
    weights = [weight(message) for message in messages]
    return weights.index(max(weights)) if weights else -1
