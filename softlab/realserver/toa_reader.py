"""Loads and unloads the TOA reader: what `insmod toa.ko` and `rmmod toa` do on a real server.

The four programs are pinned in the host's own bpffs and attached to its cgroup, which the host
sees as the root of its hierarchy: every program that it starts, nginx above all, is inside.
"""

import itertools
import re
import subprocess
from pathlib import Path
from typing import Final

CGROUP: Final = Path("/sys/fs/cgroup")
PINNED: Final = Path("/sys/fs/bpf/toa")
#: Program in the object and the hook it belongs to, as bpftool calls it. The reader of the option
#: comes last: until it is attached, the others have nothing to answer with.
_HOOKS: Final = (
    ("toa_getpeername4", "getpeername4"),
    ("toa_getpeername6", "getpeername6"),
    ("toa_getsockopt", "getsockopt"),
    ("toa_established", "sock_ops"),
)


class LoadError(Exception):
    """The kernel or bpftool refused; the text is what they said."""


def load(reader: Path) -> None:
    """Load and attach the reader's object file. Raises LoadError; nothing is left then."""
    if not (CGROUP / "cgroup.procs").exists():
        raise LoadError("this kernel has no cgroup v2, which the TOA reader is attached to")
    _bpftool("prog", "loadall", str(reader), str(PINNED))
    try:
        for program, hook in _HOOKS:
            _bpftool(
                *("cgroup", "attach", str(CGROUP), hook),
                *("pinned", str(PINNED / program), "multi"),
            )
    except LoadError:
        unload()
        raise


def unload() -> None:
    """Detach and unload the reader; what is not there is passed over."""
    for program, hook in reversed(_HOOKS):
        subprocess.run(
            [
                *("bpftool", "cgroup", "detach", str(CGROUP), hook),
                *("pinned", str(PINNED / program)),
            ],
            capture_output=True,
        )
    if PINNED.is_dir():
        for pin in PINNED.iterdir():
            pin.unlink()
        PINNED.rmdir()


def _bpftool(*arguments: str) -> None:
    try:
        done = subprocess.run(["bpftool", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise LoadError("bpftool is not installed") from None
    if done.returncode != 0:
        raise LoadError(_essence(done.stderr))


def _essence(said: str) -> str:
    """What was refused, out of bpftool's words: the verifier's log may be thousands of lines.

    The verifier's reason is the last line before its statistics ("processed N insns").
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wanted = [line for line in lines if line.startswith(("libbpf:", "Error:")) and "--" not in line]
    reasons = [
        before
        for before, line in itertools.pairwise(lines)
        if re.match(r"processed \d+ insns", line) and not before.startswith("libbpf:")
    ]
    return "; ".join([*wanted[:1], *reasons[:1], *wanted[1:3]]) or "; ".join(lines[:3])
