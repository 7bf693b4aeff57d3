"""The last look for secrets before evidence is sealed: keys and passwords never leave a bench.

The transcript is redacted as it is written; this covers whatever else was kept, snapshots above
all, where a file's text stands inside JSON with its line ends escaped.
"""

from __future__ import annotations

from pathlib import Path

from dpvs_acceptance.hosts.redaction import redact

_TEXT = frozenset({".json", ".jsonl", ".txt", ".conf", ".stdout", ".stderr", ".xml", ".undo"})


def scrub_folder(folder: Path) -> list[Path]:
    """Scrubs the text files below `folder` in place; gives those that had a secret."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _TEXT or path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        clean = redact(text)
        if clean != text:
            path.write_bytes(clean.encode("utf-8", "surrogateescape"))
            found.append(path)
    return found
