"""Text for messages: escaping of device output, and a uniform format of mismatches."""

from __future__ import annotations

import unicodedata

# Direction overrides and isolates reorder a line; zero-width characters are invisible.
_INVISIBLE = frozenset("\u00ad\u061c\u180e\ufeff") | frozenset(
    chr(c) for c in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070))
)


def printable(text: str, limit: int = 0) -> str:
    """`text` with all characters escaped that could affect a terminal or page.

    Newline, tab, spaces and visible characters are kept. Control characters, surrogates (bytes
    that are not UTF-8), direction overrides and unassigned characters become `\\x1b`, `\\udc80`,
    `\\u202e`. A carriage return before a newline is dropped. With a `limit` above 0, a longer text
    is truncated and ends with the number of dropped characters.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        shown = text
    else:
        shown = "".join(_shown(c) for c in text.replace("\r\n", "\n"))
    if limit and len(shown) > limit:
        shown = f"{shown[:limit]} […{len(shown) - limit} more characters]"
    return shown


def _shown(character: str) -> str:
    if character in "\n\t" or (character.isprintable() and character not in _INVISIBLE):
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def first_line(text: str) -> str:
    """The first non-empty line of `text`, escaped and stripped."""
    for line in text.splitlines():
        if line.strip():
            return printable(line.strip())
    return ""


def mismatch(what: str, *, expected: object, seen: object, where: str = "", look: str = "") -> str:
    """The message of a failed assertion: first the cause in one line, then the two sides.

    `where`: place of the observation (host, command, capture and frame); `look`: what to check
    next, if the requirement's hint is too general. Use as
    `assert seen == expected, mismatch(...)`.
    """
    lines = [what, *_field("expected", expected), *_field("seen", seen)]
    lines += _field("where", where) if where else []
    lines += _field("look at", look) if look else []
    return "\n".join(lines)


def _field(name: str, value: object) -> list[str]:
    head, *rest = str(value).splitlines() or ["(nothing)"]
    return [f"  {name + ':':<10}{head}", *(f"{'':<12}{line}" for line in rest)]
