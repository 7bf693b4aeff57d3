"""A client of OpenSSH's control socket: commands on one connection without a process for each.

Source: OpenSSH's PROTOCOL.mux, version 4, supported by all releases since 5.4. Each message is
`uint32 length` followed by that many bytes; the three file descriptors of a session follow its
request as SCM_RIGHTS, one byte each. Reasons for not using `ssh -S`: it costs a process and about
10 ms per command, does not distinguish a lost connection from exit status 255, and opens another
connection if the master has ended.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path

PROTOCOL_VERSION = 4

_HELLO = 0x00000001
_C_NEW_SESSION = 0x10000002
_S_PERMISSION_DENIED = 0x80000002
_S_FAILURE = 0x80000003
_S_EXIT_MESSAGE = 0x80000004
_S_SESSION_OPENED = 0x80000006

_NO_ESCAPE_CHAR = 0xFFFFFFFF
# The master is a local process and answers at once; a longer delay is a failure.
_LOCAL_ANSWER = 5.0


class MuxError(Exception):
    """The master refused the session, or is not an OpenSSH master."""


class MuxSession:
    """One command on its own channel. The caller closes the given descriptors.

    `opened`: the peer has accepted the channel. `exit_status`: set when the command has ended.
    `closed`: the master has closed the channel; without an `exit_status` the connection is lost.
    """

    def __init__(self, control: Path, command: str, stdin: int, stdout: int, stderr: int) -> None:
        self.opened = False
        self.closed = False
        self.exit_status: int | None = None
        self._received = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(_LOCAL_ANSWER)
            self._socket.connect(str(control))
            self._send(struct.pack(">II", _HELLO, PROTOCOL_VERSION))
            self._greet()
            self._send(_new_session(command))
            for fd in (stdin, stdout, stderr):
                socket.send_fds(self._socket, [b"\0"], [fd])
        except (OSError, MuxError):
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def feed(self) -> None:
        """Read a message of the master; call it when the socket is readable.

        Raises MuxError if the master or the host refuses the session.
        """
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self._received += data
        while (message := self._take()) is not None:
            self._handle(message)

    def close(self) -> None:
        """Disconnect: the master closes the channel, with the command's input and output."""
        with contextlib.suppress(OSError):
            self._socket.close()
        self.closed = True

    def _send(self, payload: bytes) -> None:
        self._socket.sendall(struct.pack(">I", len(payload)) + payload)

    def _greet(self) -> None:
        while (message := self._take()) is None:
            data = self._socket.recv(65536)
            if not data:
                raise MuxError("the ssh master closed the connection before its greeting")
            self._received += data
        kind, version = struct.unpack_from(">II", message)
        if kind != _HELLO or version != PROTOCOL_VERSION:
            raise MuxError(
                f"the ssh master greets with message {kind:#x} version {version}; "
                f"version {PROTOCOL_VERSION} of OpenSSH's control protocol is expected"
            )

    def _take(self) -> bytes | None:
        if len(self._received) < 4:
            return None
        (length,) = struct.unpack_from(">I", self._received)
        if len(self._received) < 4 + length:
            return None
        message = self._received[4 : 4 + length]
        self._received = self._received[4 + length :]
        return message

    def _handle(self, message: bytes) -> None:
        (kind,) = struct.unpack_from(">I", message)
        if kind == _S_SESSION_OPENED:
            self.opened = True
        elif kind == _S_EXIT_MESSAGE:
            (self.exit_status,) = struct.unpack_from(">I", message, 8)
        elif kind in (_S_FAILURE, _S_PERMISSION_DENIED):
            (length,) = struct.unpack_from(">I", message, 8)
            raise MuxError(message[12 : 12 + length].decode("utf-8", "replace"))


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def _new_session(command: str) -> bytes:
    tty = x11 = agent = subsystem = 0
    return (
        struct.pack(">II", _C_NEW_SESSION, 0)
        + _string("")  # reserved
        + struct.pack(">IIIII", tty, x11, agent, subsystem, _NO_ESCAPE_CHAR)
        + _string("")  # terminal type
        + _string(command)
    )
