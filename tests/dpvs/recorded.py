"""Recordings of real DPVS: `$ command`, what it printed (stdout and stderr), `[exit N]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True, slots=True)
class Recording:
    """command: empty where the file has none. output: as printed, with its last line's end."""

    name: str
    command: str
    output: str
    exit_status: int | None


def recording(name: str) -> Recording:
    """By path below recordings/, e.g. v1.10.2/ipvsadm-ln.txt."""
    text = (RECORDINGS / name).read_text(encoding="utf-8")
    command, exit_status = "", None
    if text.startswith("$ "):
        command, _, text = text[2:].partition("\n")
    ended = re.search(r"\[exit (\d+)\]\n\Z", text)
    if ended:
        exit_status = int(ended[1])
        text = text[: ended.start()]
    return Recording(name, command, text, exit_status)


def all_names() -> list[str]:
    """Every file, in order."""
    return sorted(
        str(path.relative_to(RECORDINGS)) for path in RECORDINGS.rglob("*") if path.is_file()
    )
