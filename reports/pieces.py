"""Pieces of which the pages are made, the same in each of them: badges, links, sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from dpvs_acceptance.verdict.outcomes import Outcome
from reports.language import Say

SHAPES = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.FLAKY: "flaky",
    Outcome.BLOCKED: "blocked",
    Outcome.NOT_SUPPORTED: "skipped",
    Outcome.NOT_TESTED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.PARTIAL: "skipped",
}

Prose = tuple[tuple[bool, str], ...]
"""Pieces of a sentence, each with whether it is a command or a name to be shown as such."""


@dataclass(frozen=True, slots=True)
class Hyperlink:
    text: str
    href: str
    """Relative to the page; empty where the path must not be linked to."""


@dataclass(frozen=True, slots=True)
class Badge:
    text: str
    shape: str
    """Name of the style; the text alone says it too."""
    key: str = ""
    """What a filter calls it."""


def badge_of(outcome: Outcome, say: Say) -> Badge:
    return Badge(say(outcome), SHAPES[outcome], outcome.lower().replace(" ", "-"))


def link(path: str) -> Hyperlink:
    """A link to a file of the run, or bare text for anything that could lead out of it."""
    pure = PurePosixPath(path)
    inside = bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path
    return Hyperlink(path, quote(path, safe="/") if inside else "")


def prose(text: str) -> Prose:
    """`text` cut at its backticks; whole where they do not come in pairs."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return ((False, text),)
    return tuple((index % 2 == 1, piece) for index, piece in enumerate(pieces) if piece)
