"""What is wrong with a declaration, in our words instead of pydantic's: one sentence per key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

Key = tuple[str | int, ...]
MOST = 20
"""Problems of one file that are listed; a number stands for the others."""

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_parsing": "a date such as 2026-12-31",
    "date_parsing": "a date such as 2026-12-31",
    "date_type": "a date such as 2026-12-31",
    "dict_type": "keys with values",
    "enum": "{expected}",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_attributes_type": "keys with values",
    "model_type": "keys with values",
    "none_required": "nothing",
    "string_too_long": "at most {max_length} characters",
    "string_type": "text",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries",
    "tuple_type": "a list",
}
_ADDRESSES = re.compile(r"(ip_v[46]|ip_any)_(address|network|interface)")


class KeyedError(ValueError):
    """A failed cross-check, with the key (relative to the model that checked)."""

    def __init__(self, key: Key, message: str) -> None:
        super().__init__(message)
        self.key = key


def sentences_of(
    path: Path,
    lines: Mapping[Key, int],
    error: ValidationError,
    model: type[BaseModel],
    at: Key = (),
    row: str = "",
) -> list[str]:
    """Each `file:line: key: what is wrong`, in the order of the file.

    `at`: where the model begins in the file; `row`: what is said instead of that place.
    """
    found: dict[Key, list[Any]] = {}
    for problem in error.errors():
        found.setdefault(_place(problem, lines, at), []).append(problem)
    sentences = []
    for key, problems in found.items():
        known: Key = (*at, *key)
        while known and known not in lines:
            known = known[:-1]
        shown = ".".join(map(str, key)) or (f"(whole {'row' if row else 'file'})")
        shown = f"{row}: {shown}" if row else ".".join(map(str, (*at, *key))) or shown
        words = _words(problems, key, model)
        sentences.append((lines.get(known, 1), f"{path}:{lines.get(known, 1)}: {shown}: {words}"))
    return [words for _, words in sorted(sentences, key=lambda one: one[0])]


def limited(problems: Iterable[str]) -> str:
    """The first problems of each file, each on its line, and how many there are besides."""
    by_file: dict[str, list[str]] = {}
    for problem in dict.fromkeys(problems):
        by_file.setdefault(problem.partition(":")[0], []).append(problem)
    lines: list[str] = []
    for file, found in by_file.items():
        lines += found[:MOST]
        if len(found) > MOST:
            lines.append(f"{file}: and {len(found) - MOST} more problems")
    return "\n".join(lines)


def _place(problem: Any, lines: Mapping[Key, int], at: Key) -> Key:
    """The key of a problem, without pydantic's names of the types that it tried."""
    location: Key = tuple(problem["loc"])
    # pydantic places an error of a cross-check at the model's root; the key comes with the error.
    if isinstance(context := problem.get("ctx", {}).get("error"), KeyedError):
        location += context.key
    place: Key = ()
    for index, part in enumerate(location):
        last = index == len(location) - 1 and problem["type"] in ("missing", "extra_forbidden")
        if last or (*at, *place, part) in lines or isinstance(context, KeyedError):
            place += (part,)
    return place


def _words(problems: Sequence[Any], key: Key, model: type[BaseModel]) -> str:
    """One sentence for all that pydantic says of one key, which it may have tried several ways."""
    kinds = {problem["type"] for problem in problems}
    first = problems[0]
    if first["type"] == "extra_forbidden":
        return _unknown(str(key[-1]), sorted(_keys_at(model, key[:-1])))
    if first["type"] == "missing":
        return "this key is missing"
    if any(_ADDRESSES.match(kind) for kind in kinds):
        return f"expected {_addresses(kinds)}, found {_found(first['input'])}"
    own = [one for one in problems if one["type"] in ("value_error", "assertion_error")]
    if own:
        return str(own[0].get("ctx", {}).get("error") or own[0]["msg"])
    if first["type"] == "string_pattern_mismatch":
        pattern = first["ctx"]["pattern"]
        return f"expected text of the form {pattern}, found {_found(first['input'])}"
    expected = dict.fromkeys(
        _EXPECTED[one["type"]].format(**one.get("ctx", {}))
        for one in problems
        if one["type"] in _EXPECTED
    )
    if not expected:
        return str(first["msg"])
    there = first.get("ctx", {}).get("actual_length")
    found = _found(first["input"]) if there is None else there
    return f"expected {' or '.join(expected)}, found {found}"


def _addresses(kinds: Iterable[str]) -> str:
    found = [one for kind in kinds if (one := _ADDRESSES.match(kind))]
    what = sorted({one[2] for one in found})[0]
    versions = sorted({one[1] for one in found})
    if versions == ["ip_v4"]:
        return f"an IPv4 {what}"
    return f"an IPv6 {what}" if versions == ["ip_v6"] else f"an IPv4 or IPv6 {what}"


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "keys with values" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) < 80 else text[:80] + "…"


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; there are {', '.join(known)}" if known else "unknown key"


def _keys_at(kind: Any, key: Key) -> set[str]:
    """The keys that a declaration may have at a place: of all models that may stand there."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not key:
            return set(kind.model_fields)
        field = kind.model_fields.get(str(key[0]))
        return set() if field is None else _keys_at(field.annotation, key[1:])
    found: set[str] = set()
    for one in get_args(kind):
        found |= _keys_at(one, key)
        if key:
            found |= _keys_at(one, key[1:])
    return found
