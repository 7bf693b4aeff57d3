"""Removes secrets from stored or displayed text: keys, passwords, and base64 that contains them.

It errs on the side of removing: a word behind `password=` is no evidence of anything. The text may
stand inside of JSON, with its quotes and line ends escaped; what comes out then still is JSON.

Each form is a pattern for what stands in front of a secret (`secret_forms`); where the secret ends
is found from there. Every step looks at a bounded piece of text: the whole takes time in proportion
to its length, whatever a device prints.
"""

from __future__ import annotations

import base64
import binascii
import re
import string
from collections.abc import Callable

from .secret_forms import FORMS, KNOWN, Form, SecretEnd

REMOVED = "[removed]"

_OPENING = re.compile(r"\\{0,8}[\"'`]")
_BARE = re.compile(r"(?:[^\s\"'`\\,;&}<]|\\(?=[^\\nrtu\"'/\s]))+")
_LINE = re.compile(r"(?:[^\"'`\\\r\n<]|(?<==)\\{0,8}\"[^\"\\\n]{0,300}\\{0,8}\")+")
_AT = re.compile(r"[^\s/@\"'\\]+")
_TAG = re.compile(r"[^<\r\n\\\"]+")
_LONGEST = 4096  # characters of a secret in quotes
_BLOB = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}={0,2}")
_KEY = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_KEY_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_OF_KEYS = string.ascii_letters + string.digits + "+/=\\\r\n"
_LONGEST_KEY = 20_000


def redact(text: str) -> str:
    """`text` without private keys and passwords, also inside base64."""
    if "PRIVATE KEY" in text:
        text = _without_keys(text)
    low = text.lower()
    for form in FORMS:
        if any(word in low for word in form.words):
            text = _without(form, text)
    for words, pattern in KNOWN:
        if any(word in text for word in words):
            text = pattern.sub(REMOVED, text)
    return _BLOB.sub(_opened, text)


def _without(form: Form, text: str) -> str:
    """The text with what follows each match of the form removed."""
    kept: list[str] = []
    last = 0
    for found in form.pattern.finditer(text):
        if found.end() < last:
            continue
        begin, end = _ENDS[form.ends](text, found.end())
        if end == begin or text.startswith(REMOVED, begin):
            continue
        kept += [text[last:begin], REMOVED]
        last = end
    return "".join([*kept, text[last:]])


def _word(text: str, at: int) -> tuple[int, int]:
    """A word, or what stands in quotes, which may be escaped once or more."""
    opening = _OPENING.match(text, at)
    if opening is not None:
        at = opening.end()
        close = _closing(text, at, opening[0])
        if close >= 0:
            return at, close
    bare = _BARE.match(text, at)
    return at, at if bare is None else bare.end()


def _closing(text: str, at: int, quote: str) -> int:
    """Where the quote comes again, in the same line; -1 where it does not, or where what is between
    has quotes of the other kind and more than one word: that is no secret but text around it."""
    end = min(len(text), at + _LONGEST)
    line = text.find("\n", at, end)
    end = end if line < 0 else line
    search = at
    while (close := text.find(quote, search, end)) >= 0:
        if text[close - 1] != "\\":
            inside = text[at:close]
            mixed = any(mark in inside for mark in "\"'") and re.search(r"[\s,:]", inside)
            return -1 if mixed else close
        search = close + 1
    return -1


def _until(pattern: re.Pattern[str]) -> Callable[[str, int], tuple[int, int]]:
    def ends(text: str, at: int) -> tuple[int, int]:
        opening = _OPENING.match(text, at)
        at = at if opening is None else opening.end()
        found = pattern.match(text, at)
        return at, at if found is None else found.end()

    return ends


_ENDS: dict[SecretEnd, Callable[[str, int], tuple[int, int]]] = {
    SecretEnd.WORD: _word,
    SecretEnd.LINE: _until(_LINE),
    SecretEnd.TAG: _until(_TAG),
    SecretEnd.AT: _until(_AT),
}


def _without_keys(text: str) -> str:
    """Private keys from their first line to their last, to a quote, or to the end of the text; and
    what stands in front of a last line whose first was cut off."""
    kept: list[str] = []
    last = 0
    for found in _KEY.finditer(text):
        if found.end() < last:
            continue
        end = _KEY_END.search(text, found.end())
        stop = len(text) if end is None else end.start()
        quote = text.find('"', found.end(), stop)
        if quote >= 0:
            stop = len(text[:quote].rstrip("\\")) if text[quote - 1] == "\\" else quote
        kept += [text[last : found.end()], REMOVED]
        last = stop
    text = "".join([*kept, text[last:]])
    kept, last = [], 0
    for end in _KEY_END.finditer(text):
        before = text[max(last, end.start() - _LONGEST_KEY) : end.start()]
        begin = end.start() - len(before) + len(before.rstrip(_OF_KEYS))
        if not before.endswith(REMOVED) and text[begin : end.start()].strip("\\rn\n"):
            kept += [text[last:begin], REMOVED]
            last = end.start()
    return "".join([*kept, text[last:]])


def _opened(blob: re.Match[str]) -> str:
    """A file that is written back by a command stands in it as base64, its secrets too."""
    try:
        inside = base64.b64decode(blob[0], validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return blob[0]
    return blob[0] if redact(inside) == inside else REMOVED
