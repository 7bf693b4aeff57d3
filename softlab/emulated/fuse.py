"""The kernel's FUSE protocol, as little of it as a tree of small files needs.

Why FUSE and not plain files with a watcher: a write to nr_hugepages or to bind has to be over, with
its errno, when write(2) returns, as on real hardware. With files and inotify `echo 28672 > f; cat
f` would be a race, and a refused bind could not be reported. Stdlib only, so /dev/fuse is spoken
directly (include/uapi/linux/fuse.h, protocol 7.31); one process, one request at a time.
"""

import errno
import os
import stat
import struct
import time
from dataclasses import dataclass
from typing import Final, Protocol

_IN: Final = struct.Struct("<IIQQIIII")
_OUT: Final = struct.Struct("<IiQ")
_ATTR: Final = struct.Struct("<6Q10I")
_ENTRY: Final = struct.Struct("<4Q2I")
_DIRENT: Final = struct.Struct("<QQII")
_VERSION: Final = (7, 31)
_MAX_WRITE: Final = 65536
#: A request is a header, a write's own header and its data; the kernel refuses smaller buffers.
BUFFER: Final = _MAX_WRITE + 4096
_DIRECT_IO: Final = 1
_SET_SIZE: Final = 1 << 3
_FORGET, _BATCH_FORGET, _INTERRUPT, _DESTROY, _INIT = 2, 42, 36, 38, 26


@dataclass(frozen=True, slots=True)
class Attributes:
    """What stat(2) shows; `keep` in seconds is for how long the kernel may remember it."""

    mode: int
    size: int
    keep: int = 0


class Handle(Protocol):
    """An open file or directory."""

    def read(self, offset: int, size: int) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Filesystem(Protocol):
    """What is served. Paths are relative without a leading slash; all raise OSError."""

    def attributes(self, path: str) -> Attributes: ...

    def target(self, path: str) -> str: ...

    def names(self, path: str) -> list[tuple[str, int]]:
        """Names in a directory, each with its file type (stat.S_IFREG, ...)."""

    def open(self, path: str, flags: int) -> Handle: ...


class Session:
    """One mount: answers the requests that arrive on its /dev/fuse."""

    def __init__(self, device: int, filesystem: Filesystem) -> None:
        self.device = device
        self._fs = filesystem
        self._paths: dict[int, str] = {1: ""}
        self._ids: dict[str, int] = {"": 1}
        self._lookups: dict[int, int] = {1: 1}
        self._next_id = 2
        self._handles: dict[int, Handle] = {}
        self._listings: dict[int, list[tuple[str, int]]] = {}
        self._next_handle = 1
        self._since = int(time.time())
        self._actions = {
            1: self._lookup,
            3: self._getattr,
            4: self._setattr,
            5: self._readlink,
            14: self._open,
            15: self._read,
            16: self._write,
            17: self._statfs,
            18: self._release,
            20: self._nothing,
            _INIT: self._init,
            27: self._opendir,
            28: self._readdir,
            29: self._releasedir,
            30: self._nothing,
        }

    def serve(self) -> bool:
        """Answer one request; False when the file system is mounted nowhere any more."""
        try:
            request = os.read(self.device, BUFFER)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            if error.errno in (errno.EAGAIN, errno.EINTR, errno.ENOENT):  # ENOENT: interrupted
                return True
            raise
        _, opcode, unique, node, *_ = _IN.unpack_from(request)
        body = request[_IN.size :]
        if opcode == _FORGET:
            self._forget(node, *struct.unpack_from("<Q", body))
        elif opcode == _BATCH_FORGET:
            (count,) = struct.unpack_from("<I", body)
            for index in range(count):
                self._forget(*struct.unpack_from("<QQ", body, 8 + 16 * index))
        elif opcode not in (_INTERRUPT, _DESTROY):
            self._answer(opcode, unique, node, body)
        return True

    def _answer(self, opcode: int, unique: int, node: int, body: bytes) -> None:
        action = self._actions.get(opcode)
        try:
            if action is None:
                # A file system that cannot do it at all says ENOSYS, and the kernel stops asking;
                # what would make or remove a file is refused as sysfs refuses it.
                number = errno.EPERM if opcode in (6, 8, 9, 10, 11, 12, 13, 35, 45) else 38
                raise OSError(number, os.strerror(number))
            path = "" if opcode == _INIT else self._paths[node]
            result, number = action(path, body), 0
        except OSError as error:
            result, number = b"", error.errno or errno.EIO
        except KeyError:
            result, number = b"", errno.ESTALE
        try:
            os.write(self.device, _OUT.pack(_OUT.size + len(result), -number, unique) + result)
        except OSError as error:
            if error.errno != errno.ENOENT:  # who asked was killed meanwhile
                raise

    def _init(self, _path: str, body: bytes) -> bytes:
        major, minor, readahead, _flags = struct.unpack_from("<4I", body)
        if major != _VERSION[0] or minor < 23:
            raise OSError(errno.EPROTO, f"FUSE {major}.{minor}")
        reply = struct.pack("<4IHHII", *_VERSION, readahead, 0, 16, 12, _MAX_WRITE, 1)
        return reply.ljust(64, b"\0")

    def _identity(self, path: str) -> int:
        node = self._ids.get(path)
        if node is None:
            node = self._next_id
            self._next_id += 1
            self._ids[path], self._paths[node] = node, path
        return node

    def _lookup(self, parent: str, body: bytes) -> bytes:
        name = os.fsdecode(body[: body.index(b"\0")])
        path = f"{parent}/{name}" if parent else name
        attributes = self._fs.attributes(path)
        node = self._identity(path)
        self._lookups[node] = self._lookups.get(node, 0) + 1
        entry = _ENTRY.pack(node, 0, attributes.keep, attributes.keep, 0, 0)
        return entry + self._attr(node, attributes)

    def _forget(self, node: int, count: int) -> None:
        left = self._lookups.get(node, 0) - count
        if node == 1:
            return
        if left > 0:
            self._lookups[node] = left
        else:
            self._lookups.pop(node, None)
            self._ids.pop(self._paths.pop(node, ""), None)

    def _attr(self, node: int, attributes: Attributes) -> bytes:
        links = 2 if stat.S_ISDIR(attributes.mode) else 1
        times = (self._since,) * 3
        return _ATTR.pack(
            *(node, attributes.size, 0, *times, 0, 0, 0),
            *(attributes.mode, links, 0, 0, 0, 4096, 0),
        )

    def _getattr(self, path: str, _body: bytes) -> bytes:
        attributes = self._fs.attributes(path)
        return struct.pack("<QII", attributes.keep, 0, 0) + self._attr(self._ids[path], attributes)

    def _setattr(self, path: str, body: bytes) -> bytes:
        (valid,) = struct.unpack_from("<I", body)
        if not valid & _SET_SIZE:
            raise OSError(errno.EPERM, "modes, owners and times are fixed")
        return self._getattr(path, body)  # a shell's `>` truncates first, which means nothing here

    def _readlink(self, path: str, _body: bytes) -> bytes:
        return os.fsencode(self._fs.target(path))

    def _opened(self) -> int:
        self._next_handle += 1
        return self._next_handle

    def _open(self, path: str, body: bytes) -> bytes:
        flags, _ = struct.unpack_from("<II", body)
        handle = self._opened()
        self._handles[handle] = self._fs.open(path, flags)
        return struct.pack("<QII", handle, _DIRECT_IO, 0)

    def _read(self, _path: str, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return self._handles[handle].read(offset, size)

    def _write(self, _path: str, body: bytes) -> bytes:
        handle, _offset, size = struct.unpack_from("<QQI", body)
        self._handles[handle].write(body[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _release(self, _path: str, body: bytes) -> bytes:
        (handle,) = struct.unpack_from("<Q", body)
        self._handles.pop(handle).close()
        return b""

    def _opendir(self, path: str, _body: bytes) -> bytes:
        handle = self._opened()
        dots = [(".", stat.S_IFDIR), ("..", stat.S_IFDIR)]
        self._listings[handle] = dots + self._fs.names(path)
        return struct.pack("<QII", handle, 0, 0)

    def _readdir(self, path: str, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        out = bytearray()
        listing = self._listings[handle]
        for index in range(offset, len(listing)):
            name, kind = listing[index]
            encoded = os.fsencode(name)
            # Only its being there is of interest to readers: any number but 0 is an inode's.
            inode = self._ids.get(f"{path}/{name}" if path else name, 0xFFFFFFFF)
            row = _DIRENT.pack(inode, index + 1, len(encoded), kind >> 12) + encoded
            row += b"\0" * (-len(row) % 8)
            if len(out) + len(row) > size:
                break
            out += row
        return bytes(out)

    def _releasedir(self, _path: str, body: bytes) -> bytes:
        (handle,) = struct.unpack_from("<Q", body)
        del self._listings[handle]
        return b""

    @staticmethod
    def _statfs(_path: str, _body: bytes) -> bytes:
        return struct.pack("<5Q4I", 0, 0, 0, 0, 0, 4096, 255, 4096, 0).ljust(80, b"\0")

    @staticmethod
    def _nothing(_path: str, _body: bytes) -> bytes:
        return b""
