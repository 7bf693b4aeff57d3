"""The last look for secrets before evidence is sealed: keys and passwords never leave a bench.

The transcript is redacted as it is written; this covers whatever else was kept, snapshots above
all, where a file's text stands inside JSON with its line ends escaped.
"""

from __future__ import annotations

import re
from pathlib import Path

REMOVED = "[removed]"
_TEXT = frozenset({".json", ".jsonl", ".txt", ".conf", ".stdout", ".stderr", ".xml"})
_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|(?=\")|\Z)",
    re.DOTALL,
)
# At the beginning of a line, be it of the file or of a text within JSON.
_PASSWORD = re.compile(
    r"(?im)((?:^|\\n|\")(?:\\t|[ \t])*(?:auth_pass|password|passwd|secret)\b(?:\\t|[ \t=:])+)"
    r"(?!\[removed\])[^\s\\\"]+"
)


def scrub(text: str) -> str:
    """The text without private keys and without the passwords of configuration lines."""
    if "PRIVATE KEY-----" in text:
        text = _KEY.sub(rf"\1{REMOVED}\2", text)
    return _PASSWORD.sub(rf"\1{REMOVED}", text)


def scrub_folder(folder: Path) -> list[Path]:
    """Scrubs the text files below `folder` in place; gives those that had a secret."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _TEXT or path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        clean = scrub(text)
        if clean != text:
            path.write_bytes(clean.encode("utf-8", "surrogateescape"))
            found.append(path)
    return found
