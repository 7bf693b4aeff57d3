"""Hugepages for a DPVS build: each lab adds its own to the machine's pool, and takes them back.

The pool is the machine's, one number for all labs, so it is changed under a lock, by a difference.
A note named after the supervisor says how many pages are its own; the next lab to start gives back
those of supervisors that are gone.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from softlab import kernel

#: Pages of 2 MiB: what the article calls the least that DPVS starts with, 1 GB; and 256 MB more, as
#: each local address takes 42 MB for its source ports, and the most that a topology has are seven.
PAGES: Final = 640
_NODE: Final = Path("/sys/devices/system/node/node0/hugepages/hugepages-2048kB")
_POOL: Final = _NODE / "nr_hugepages"
_NOTES: Final = Path("/run/dpvs-softlab")
_NAME: Final = re.compile(r"hugepages-(\d+)-(\d+)")


def reserve() -> None:
    """Add this lab's pages to the pool. OSError where the machine has no room for them."""
    with _locked():
        before = _count()
        _note().write_text(str(PAGES))
        _POOL.write_text(str(before + PAGES))
        got = _count() - before
        if got < PAGES:
            _note().write_text(str(got))
            _release()
            raise OSError(
                f"this machine has room for {got} more hugepages of 2 MiB, a DPVS build needs "
                f"{PAGES}: free some memory"
            )


def sweep() -> None:
    """Give back the pages of labs whose supervisor is gone."""
    if _NOTES.is_dir():
        with _locked():
            _sweep()


def show_own() -> None:
    """Have the host whose mount namespace this is see its own pages as the pool of node 0.

    The pool is shared with whatever else runs on the machine, and another lab that starts would
    look like a change of this host. How many are free stays the machine's own word.
    """
    own = Path("/run/softlab/nr_hugepages")
    own.write_text(f"{PAGES}\n")
    kernel.bind(own, _POOL)


def release() -> None:
    """Give this lab's pages back."""
    with _locked():
        _release()


def _release() -> None:
    _give_back(_note())


def _sweep() -> None:
    for note in _NOTES.glob("hugepages-*"):
        match = _NAME.fullmatch(note.name)
        if match and kernel.start_time(int(match[1])) != int(match[2]):
            _give_back(note)


def _give_back(note: Path) -> None:
    if note.exists():
        _POOL.write_text(str(max(0, _count() - int(note.read_text() or 0))))
        note.unlink()


def _count() -> int:
    return int(_POOL.read_text())


def _note() -> Path:
    pid = os.getpid()
    return _NOTES / f"hugepages-{pid}-{kernel.start_time(pid)}"


@contextmanager
def _locked() -> Iterator[None]:
    _NOTES.mkdir(exist_ok=True)
    with (_NOTES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
