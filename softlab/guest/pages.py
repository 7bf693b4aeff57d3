"""In the guest: hugepages that files of a hugetlbfs take, each from one node, as EAL does it.

A file per node stands for EAL's file per page. The pages are the file's: they outlive the process
that made it, unless it is removed.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PAGE: Final = 2 << 20
_NODES: Final = Path("/sys/devices/system/node")
_SYS_SET_MEMPOLICY: Final = 238  # x86_64, the only machine that the guest is made for
_MPOL_DEFAULT, _MPOL_BIND = 0, 2
_libc: Final = ctypes.CDLL(None, use_errno=True)


class NoPagesError(Exception):
    """A node has too few free pages; the text, in EAL's words, says which."""


def take(bytes_per_node: int, files: Sequence[str]) -> list[int]:
    """Check that every node has as much; then have the n-th file take it from node n.

    Returns the files, open. Without files nothing is taken. Raises NoPagesError and OSError.
    """
    pages = -(-bytes_per_node // _PAGE)
    nodes = sorted(int(path.name[4:]) for path in _NODES.glob("node[0-9]*"))
    for node in nodes:
        pool = _NODES / f"node{node}/hugepages/hugepages-2048kB"
        free = int((pool / "free_hugepages").read_text())
        if free < pages:
            raise NoPagesError(
                f"Not enough memory available on socket {node}! Requested: {pages * 2}MB, "
                f"available: {free * 2}MB"
            )
    return [_file(path, node, pages * _PAGE) for path, node in zip(files, nodes, strict=False)]


def _file(path: str, node: int, size: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _bind(node)
    try:
        os.posix_fallocate(file, 0, size)
    finally:
        _bind(None)
    return file


def _bind(node: int | None) -> None:
    """set_mempolicy(2): pages that this thread takes from now on are of this node; None: of any."""
    policy, mask = _MPOL_DEFAULT, None
    if node is not None:
        policy, mask = _MPOL_BIND, ctypes.byref(ctypes.c_ulong(1 << node))
    if _libc.syscall(ctypes.c_long(_SYS_SET_MEMPOLICY), policy, mask, 64 if mask else 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "set_mempolicy")
