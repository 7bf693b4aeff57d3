"""Module files: what is written in them about themselves (modinfo's fields)."""

import os
import re
from pathlib import Path

_FIELD = re.compile(
    rb"(?:license|author|description|version|srcversion|depends|name|vermagic|parm|parmtype|alias"
    rb"|intree|retpoline)=[^\0]*"
)


def read(path: Path) -> list[str]:
    """The fields of a module's file, in its order: such as vermagic=..., one per parameter.

    Empty for a file that is not a module. Raises OSError.
    """
    data = path.read_bytes()
    if not data.startswith(b"\x7fELF"):
        return []
    # Where the section .modinfo is has no need to be known: its strings look like nothing else.
    strings = data.split(b"\0")
    return [one.decode(errors="replace") for one in strings if _FIELD.fullmatch(one)]


def find(name: str) -> Path | None:
    """The file of a module below /lib/modules of the running kernel."""
    wanted = name.replace("-", "_")
    for path in Path("/lib/modules", os.uname().release).rglob("*.ko"):
        if path.stem.replace("-", "_") == wanted:
            return path
    return None
