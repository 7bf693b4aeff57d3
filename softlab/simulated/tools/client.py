"""One message to the daemon and its reply, with the words every tool prints when it fails."""

from __future__ import annotations

import socket
import sys

from softlab.simulated import errors, wire
from softlab.simulated.versions import Version, of_host

_IPC_VARIABLE = "DPVS_IPC_FILE"
_UNREACHABLE = -100
_HEADER_BYTES = 88


class Refused(Exception):  # noqa: N818 - the outcome of a message, not a fault
    """The daemon refused, or is not there; ``code`` is negative. What failed is printed."""

    def __init__(self, code: int, system: str = "") -> None:
        super().__init__(errors.words(code))
        self.code = code
        self.system = system


class Device:
    """The running device as a tool sees it."""

    def __init__(self, version: Version | None = None) -> None:
        self.version = version or of_host()
        from os import environ

        override = environ.get(_IPC_VARIABLE) if self.version.options else None
        self._path = override or self.version.ipc_file

    def get(self, op: str, **fields: object) -> wire.Value:
        """Read something."""
        return self._exchange("dpvs_getsockopt", op, fields)

    def set(self, op: str, **fields: object) -> wire.Value:
        """Change something."""
        return self._exchange("dpvs_setsockopt", op, fields)

    def _exchange(self, function: str, op: str, fields: wire.Value) -> wire.Value:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            try:
                link.connect(self._path)
            except OSError as error:
                text = str(error.strerror)
                complain(f"[{function}] scoket msg connection error: {text}")
                raise Refused(_UNREACHABLE, text) from None
            try:
                wire.send(link, {"op": op, **fields})
                reply = wire.receive(link)
            except (wire.ClosedError, OSError):
                text = f"socket msg header recv error -- 0/{_HEADER_BYTES} recieved"
                complain(f"[sockopt_msg_recv] {text}")
                raise Refused(_UNREACHABLE) from None
        code = reply.get("err", 0)
        if isinstance(code, int) and code:
            number = self.version.message_numbers.get(op, 0)
            text = f"errcode set in socket msg#{number} header: {errors.words(code)}({code})"
            complain(f"[sockopt_msg_recv] {text}")
            raise Refused(code)
        return reply


def complain(text: str) -> None:
    """A line on stderr, after what was printed before it."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def rows(reply: wire.Value, name: str) -> list[wire.Value]:
    """A list of dictionaries in a reply."""
    found = reply.get(name)
    return found if isinstance(found, list) else []


def number(row: wire.Value, name: str) -> int:
    """A number in a reply."""
    value = row.get(name, 0)
    return value if isinstance(value, int) else 0


def raw(row: wire.Value, name: str) -> bytes:
    """Bytes in a reply."""
    value = row.get(name, b"")
    return value if isinstance(value, bytes) else b""


def text(row: wire.Value, name: str) -> str:
    """A string in a reply."""
    return str(row.get(name, ""))
