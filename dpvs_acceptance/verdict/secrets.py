"""Final removal of secrets from evidence: keys and passwords never leave a bench.

The transcript is redacted when written; this covers all other files, mainly snapshots, where the
text of a file is inside JSON with escaped line ends.
"""

from __future__ import annotations

from pathlib import Path

from dpvs_acceptance.hosts.redaction import redact

_TEXT = frozenset({".json", ".jsonl", ".txt", ".conf", ".stdout", ".stderr", ".xml", ".undo"})


def scrub_folder(folder: Path) -> list[Path]:
    """Removes secrets from text files below `folder` in place; returns files that had one."""
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
