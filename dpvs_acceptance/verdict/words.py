"""Text for people: what a device said made harmless, and mismatches told alike everywhere."""

from __future__ import annotations

import unicodedata

# Direction overrides and isolates reorder a line, zero-width characters hide in it.
_INVISIBLE = frozenset("\u00ad\u061c\u180e\ufeff") | frozenset(
    chr(c) for c in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070))
)


def printable(text: str, limit: int = 0) -> str:
    """`text` with every character that could act on a terminal or a page shown as an escape.

    Kept are newline, tab and whatever has a glyph or is a space. Control characters, surrogates
    (bytes that were no UTF-8), direction overrides and unassigned characters become `\\x1b`,
    `\\udc80`, `\\u202e`. A carriage return before a newline is dropped. With a `limit` above 0 a
    longer text ends with how many characters were cut.
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
    """The first line of `text` that is not empty, harmless and without blanks around it."""
    for line in text.splitlines():
        if line.strip():
            return printable(line.strip())
    return ""


def mismatch(what: str, *, expected: object, seen: object, where: str = "", look: str = "") -> str:
    """The message of a failed assertion: first the cause in one line, then the two sides.

    `where` is the place it was seen (host, command, capture and frame); `look` what to look at
    next, where the requirement's own hint is too general. Use as
    `assert seen == expected, mismatch(...)`.
    """
    lines = [what, *_field("expected", expected), *_field("seen", seen)]
    lines += _field("where", where) if where else []
    lines += _field("look at", look) if look else []
    return "\n".join(lines)


def _field(name: str, value: object) -> list[str]:
    head, *rest = str(value).splitlines() or ["(nothing)"]
    return [f"  {name + ':':<10}{head}", *(f"{'':<12}{line}" for line in rest)]
