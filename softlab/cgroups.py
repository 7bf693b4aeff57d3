"""The cgroups of a lab's real servers: what the TOA reader is attached to.

A cgroup is the one thing of a lab that does not go with its last process, so its name holds the
supervisor's PID and start time: the next lab to start removes those of supervisors that are gone.
"""

import os
import re
import time
from pathlib import Path
from typing import Final

from softlab import kernel

_NAME: Final = re.compile(r"softlab-(\d+)-(\d+)")


def mount(at: Path) -> bool:
    """Mount the unified hierarchy at `at`, for this mount namespace alone. False if there is none.

    A mount of our own instead of the machine's: that may be missing (cgroup v1 only), read-only
    (a container), or anywhere.
    """
    at.mkdir()
    try:
        kernel.mount("cgroup2", at, "cgroup2")
    except OSError:
        return False
    return True


def sweep(hierarchy: Path) -> None:
    """Remove the cgroups of labs whose supervisor is gone."""
    for path in hierarchy.glob("softlab-*"):
        match = _NAME.fullmatch(path.name)
        if match and kernel.start_time(int(match[1])) != int(match[2]):
            remove(path)


def create(hierarchy: Path, hosts: list[str]) -> Path:
    """Make a cgroup for each host under one of this process's own; returns the latter."""
    pid = os.getpid()
    lab = hierarchy / f"softlab-{pid}-{kernel.start_time(pid)}"
    for host in hosts:
        (lab / host).mkdir(parents=True)
    return lab


def join(group: Path) -> None:
    """Move this process, and so its future children, into a cgroup."""
    (group / "cgroup.procs").write_text("0")


def remove(lab: Path, seconds: float = 1.0) -> bool:
    """Remove a lab's cgroups. They stay busy for a moment after their last process was reaped."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            for path in sorted(lab.glob("**/"), reverse=True):
                path.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)  # between two looks at a state, up to the deadline
        else:
            return True
