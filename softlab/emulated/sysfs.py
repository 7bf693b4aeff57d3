"""The tree as a file system: emulated entries; behind them the real sysfs, read-only but for net.

What is not emulated must not be touched from inside: the sysfs behind is the machine's own. Only an
interface's own files (its mtu, its queues) may be written, as they are in the host's namespace.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from softlab.emulated.fuse import Attributes, Handle
from softlab.emulated.tree import Directory, Entry, File, Found, Link, Real, Tree

#: Below these what exists never changes, only what is in the files, save for links and folders of
#: these names: the kernel may remember the names (and asks for the content all the same).
_FIXED: Final = (
    "sys/devices/system/node/",
    "sys/devices/pci",
    "sys/kernel/mm/",
    "sys/bus/pci/devices",
)
_FLEETING: Final = frozenset({"driver", "net", "uio"})
_KEEP_SECONDS: Final = 3600
_WRITABLE: Final = ("/sys/class/net/", "/sys/devices/virtual/net/")


class PlayedFiles:
    """Serves what `current` returns at the moment; a write goes to `store`, which may refuse."""

    def __init__(
        self, current: Callable[[], Tree], store: Callable[[tuple[str, ...], str], None]
    ) -> None:
        self._current = current
        self._store = store

    def attributes(self, path: str) -> Attributes:
        found = self._find(path)
        if isinstance(found, Real):
            status = os.lstat(found.path)
            return Attributes(status.st_mode, status.st_size)
        fixed = path.count("/") < 2 or (
            path.startswith(_FIXED) and _FLEETING.isdisjoint(path.split("/"))
        )
        size = 4096 if isinstance(found, File) else 0
        return Attributes(_mode(found), size, _KEEP_SECONDS if fixed else 0)

    def target(self, path: str) -> str:
        found = self._find(path)
        if isinstance(found, Real):
            return str(Path(found.path).readlink())
        if isinstance(found, Link):
            return found.target
        raise OSError(errno.EINVAL, path)

    def names(self, path: str) -> list[tuple[str, int]]:
        tree = self._current()
        found = tree.find(path)
        prefix = f"{path}/" if path else ""
        listing = {
            name: stat.S_IFMT(_mode(tree.entries[prefix + name])) for name in tree.names(path)
        }
        real = found.path if isinstance(found, Real) else None
        if isinstance(found, Directory):
            real = found.real
        if real is not None:
            for entry in os.scandir(real):
                if entry.name not in listing and tree.find(prefix + entry.name) is not None:
                    listing[entry.name] = _kind(entry)
        return list(listing.items())

    def open(self, path: str, flags: int) -> Handle:
        found = self._find(path)
        writing = flags & os.O_ACCMODE != os.O_RDONLY
        if isinstance(found, Real):
            if writing and not found.path.startswith(_WRITABLE):
                raise OSError(errno.EROFS, found.path)
            access = flags & (os.O_ACCMODE | os.O_NONBLOCK)
            return _RealFile(os.open(found.path, access | os.O_CLOEXEC))
        if not isinstance(found, File):
            raise OSError(errno.EINVAL, path)
        if writing and not found.store:
            raise OSError(errno.EACCES, path)  # as sysfs, for root too
        if found.write_only and flags & os.O_ACCMODE != os.O_WRONLY:
            raise OSError(errno.EACCES, path)
        return _PlayedFile(found, self._store)

    def _find(self, path: str) -> Found:
        found = self._current().find(path)
        if found is None:
            raise OSError(errno.ENOENT, path)
        return found


def _mode(entry: Entry) -> int:
    if isinstance(entry, File):
        return stat.S_IFREG | entry.mode
    if isinstance(entry, Link):
        return stat.S_IFLNK | 0o777
    return stat.S_IFDIR | 0o755


def _kind(entry: "os.DirEntry[str]") -> int:
    if entry.is_symlink():
        return stat.S_IFLNK
    return stat.S_IFDIR if entry.is_dir(follow_symlinks=False) else stat.S_IFREG


class _PlayedFile:
    """An open emulated file: reads see it as it was when it was opened, as with seq_file."""

    def __init__(self, file: File, store: Callable[[tuple[str, ...], str], None]) -> None:
        self._file = file
        self._store = store

    def read(self, offset: int, size: int) -> bytes:
        return self._file.data[offset : offset + size]

    def write(self, data: bytes) -> None:
        self._store(self._file.store, data.decode(errors="replace"))

    def close(self) -> None:
        pass


class _RealFile:
    """An open file of the sysfs behind."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def write(self, data: bytes) -> None:
        os.write(self._descriptor, data)

    def close(self) -> None:
        os.close(self._descriptor)
