"""Secrets out of text that is kept or shown: keys, passwords, and what carries them.

It errs on the side of removing: a word behind `password=` is no evidence of anything. The text may
stand inside of JSON, with its quotes and line ends escaped; what comes out then still is JSON.
"""

from __future__ import annotations

import base64
import binascii
import re

REMOVED = "[removed]"

_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----).*?"
    r"(-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?=\\*\")|\Z)",
    re.DOTALL,
)
_VALUE = r"(?!\[removed\])[^\s\\\"',;&}]+"
_NAMES = r"(?:[\w-]*(?:password|passwd|passphrase|secret|api[_-]?key)|\w+_pwd|auth_pass)"
# Each behind the words without one of which it cannot match: most text has none of them.
_WORDS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    # name = value, name: value, "name": "value", in configuration, environments and options.
    (
        ("passw", "passphrase", "secret", "apikey", "api_key", "api-key", "_pwd", "auth_pass"),
        re.compile(rf"(?i)(\b{_NAMES}\\*[\"']?\s*[=:]\s*\\*[\"']?){_VALUE}"),
    ),
    # name value: a line of a configuration file, or an option.
    (
        ("auth_pass", "passw", "secret"),
        re.compile(
            r"(?im)((?:^|\\n|\"|[{;])(?:\\t|[ \t])*(?:auth_pass|password|passwd|secret)\b"
            rf"(?:\\t|[ \t=:])+\\*[\"']?){_VALUE}"
        ),
    ),
    (
        ("pass",),
        re.compile(
            r"(?i)((?:^|[\s\"'])(?:--pass(?:word|wd|phrase)?|sshpass +-p)[ =]+"
            rf"\\*[\"']?){_VALUE}"
        ),
    ),
    # keepalived's, wherever it stands, unless it is a word of a sentence.
    (
        ("auth_pass",),
        re.compile(r"(?i)(\bauth_pass[ \t]+)(?!\[removed\])\S+(?=\s*(?:$|[\\\"};#!\n]))"),
    ),
    (("authorization",), re.compile(rf"(?i)(\bauthorization: *(?:basic|bearer|digest) +){_VALUE}")),
    (("curl",), re.compile(rf"(\bcurl\b[^|;\n\"]{{0,500}}? (?:-u|--user)[ =]?[^\s:]+:){_VALUE}")),
    # A URL's user and password; the user alone may stay.
    (("://",), re.compile(r"(://[^\s/:@\"'\\]*:)(?!\[removed\])[^\s/@\"'\\]+(?=@)")),
)
_BLOB = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}={0,2}")


def redact(text: str) -> str:
    """`text` without private keys and passwords, also those that a word of base64 hides."""
    if "PRIVATE KEY" in text:
        text = _KEY.sub(rf"\1{REMOVED}\2", text)
    low = text.lower()
    for words, pattern in _WORDS:
        if any(word in low for word in words):
            text = pattern.sub(rf"\1{REMOVED}", text)
    return _BLOB.sub(_opened, text)


def _opened(blob: re.Match[str]) -> str:
    """An undo carries the file that it writes back as base64: its secrets go with it."""
    try:
        inside = base64.b64decode(blob[0], validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return blob[0]
    return blob[0] if redact(inside) == inside else REMOVED
