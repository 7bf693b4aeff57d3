"""Texts that cost a pattern the most: its own parts, each repeated, and no right end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

Attack = Callable[[int], Any]
_CANDIDATES = "a1A-_. =:\"'\\,;/@[]()<>|#\t\n~\u00e9"
_MANY = 8  # repetitions from here on are pumped


def attacks(pattern: re.Pattern[Any]) -> Iterator[Attack]:
    """For each repetition of the pattern: what comes before it, what it repeats, and a bad end."""
    text = pattern.pattern
    binary = isinstance(text, bytes)
    flags = pattern.flags & ~re.UNICODE if binary else pattern.flags
    tree = parser.parse(text.decode("latin-1") if binary else text, flags)
    seen = set()
    for before, unit in _repeats(list(tree), ""):
        for prefix, repeated in ((before, unit), ("", before + unit)):
            for end in ("\x00", ""):
                if repeated and (prefix, repeated, end) not in seen:
                    seen.add((prefix, repeated, end))
                    yield _attack(prefix, repeated, end, binary)
    whole = _sample(list(tree))
    if whole:
        yield _attack("", whole, "\x00", binary)
        yield _attack("", whole[:-1] or whole, "", binary)


def _attack(prefix: str, unit: str, end: str, binary: bool) -> Attack:
    def make(size: int) -> Any:
        text = prefix + unit * max(1, (size - len(prefix)) // len(unit)) + end
        return text.encode("latin-1", "replace") if binary else text

    return make


def _repeats(nodes: list[Any], before: str) -> Iterator[tuple[str, str]]:
    for code, value in nodes:
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            least, most, inner = value
            one = _sample(list(inner))
            if most is op.MAXREPEAT or most >= _MANY:
                yield before, one
                if (other := _sample(list(inner), last=True)) != one:
                    yield before, other
            yield from _repeats(list(inner), before)
            before += one * max(least, 1)
        elif code is op.SUBPATTERN:
            yield from _repeats(list(value[-1]), before)
            before += _sample(list(value[-1]))
        elif code is op.BRANCH:
            for branch in value[1]:
                yield from _repeats(list(branch), before)
            before += _sample(list(value[1][0]))
        elif code in (op.ASSERT, op.ASSERT_NOT):
            yield from _repeats(list(value[1]), before)
        else:
            before += _sample([(code, value)])


def _sample(nodes: list[Any], last: bool = False) -> str:
    """Some text that these nodes match, assertions left out."""
    made = ""
    for code, value in nodes:
        if code is op.LITERAL:
            made += chr(value)
        elif code in (op.NOT_LITERAL, op.ANY):
            made += next(c for c in _CANDIDATES if code is op.ANY or ord(c) != value)
        elif code is op.IN:
            made += _of_class(value, last)
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            made += _sample(list(value[2]), last) * max(value[0], 1)
        elif code is op.SUBPATTERN:
            made += _sample(list(value[-1]), last)
        elif code is op.BRANCH:
            made += _sample(list(value[1][-1 if last else 0]), last)
        elif code is op.ATOMIC_GROUP:
            made += _sample(list(value), last)
    return made


def _of_class(members: list[Any], last: bool) -> str:
    negated = members and members[0][0] is op.NEGATE
    source = "".join(_CANDIDATES[::-1] if last else _CANDIDATES)
    for candidate in source:
        if any(_in(candidate, one) for one in members) != bool(negated):
            return candidate
    code, value = members[-1]
    return chr(value if code is op.LITERAL else value[0] if code is op.RANGE else 97)


def _in(character: str, member: tuple[Any, Any]) -> bool:
    code, value = member
    if code is op.LITERAL:
        return ord(character) == value
    if code is op.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if code is op.CATEGORY:
        name = str(value)
        positive = {"DIGIT": str.isdigit, "SPACE": str.isspace, "WORD": _is_word}
        for kind, test in positive.items():
            if kind in name:
                return bool(test(character)) != ("NOT" in name)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
