"""The files that EAL maps its hugepages by, and its folder of the running process.

EAL takes the hugetlbfs of --huge-dir, or else the first one in /proc/mounts. Its files stay when
the process ends, and their pages with them; the next start with the same prefix removes them
(lib/eal/linux/eal_hugepage_info.c, clear_hugedir).
"""

from __future__ import annotations

from pathlib import Path

RUNTIME = Path("/var/run/dpdk")


def folder(wanted: str | None, mounts: str | None = None) -> Path | None:
    """Where the files go, or None without such a mount. `mounts`: the text of /proc/mounts."""
    text = Path("/proc/mounts").read_text(encoding="utf-8") if mounts is None else mounts
    points = [
        words[1] for line in text.splitlines() if len(words := line.split()) > 2
        and words[2] == "hugetlbfs"
    ]  # fmt: skip
    if wanted is not None:
        return Path(wanted) if wanted.rstrip("/") in points else None
    return Path(points[0]) if points else None


def make(place: Path, prefix: str, nodes: int) -> list[str]:
    """One file for the pages of each node; an earlier process's are removed."""
    for old in place.glob(f"{prefix}map_*"):
        old.unlink()
    paths = [place / f"{prefix}map_{number}" for number in range(nodes)]
    for path in paths:
        path.touch()
    return [str(path) for path in paths]


def runtime(prefix: str) -> None:
    """EAL's folder of this process, which stays too."""
    own = RUNTIME / prefix
    own.mkdir(parents=True, exist_ok=True)
    (own / "config").touch()
