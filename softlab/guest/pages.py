"""In the guest: hugepages that files of a hugetlbfs take, as those of DPDK's EAL do.

A file per node stands for EAL's file per page. Its pages are reserved and not filled: the kernel
would clear each, which takes many seconds without KVM. They are the file's, as EAL's are: they
outlive the process that made it, unless it is removed.
"""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PAGE: Final = 2 << 20
_NODES: Final = Path("/sys/devices/system/node")


class NoPagesError(Exception):
    """A node has too few free pages; the text, in EAL's words, says which."""


def take(bytes_per_node: int, files: Sequence[str]) -> list[int]:
    """Check that every node has as much; then have each file take it.

    Returns the files, open. Without files nothing is taken. Raises NoPagesError and OSError.
    """
    pages = -(-bytes_per_node // _PAGE)
    for node in sorted(_NODES.glob("node[0-9]*"), key=lambda path: int(path.name[4:])):
        free = int((node / "hugepages/hugepages-2048kB/free_hugepages").read_text())
        if free < pages:
            raise NoPagesError(
                f"Not enough memory available on socket {node.name[4:]}! Requested: {pages * 2}MB, "
                f"available: {free * 2}MB"
            )
    return [_file(path, pages * _PAGE) for path in files]


def _file(path: str, size: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.ftruncate(file, size)
    # A shared mapping reserves its pages for the file; they stay when it ends (hugetlbfs_reserv).
    mmap.mmap(file, size).close()
    return file
