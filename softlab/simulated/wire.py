"""How the tools talk to the daemon: a request and a reply over a unix stream socket.

A message is its length, four bytes in network order, and a marshalled dictionary. Both ends are
the same installation under the same interpreter, and the socket is root's alone; marshal is the
one encoding whose import costs a tool nothing.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

Value = dict[str, object]

_LIMIT = 64 << 20


class ClosedError(Exception):
    """The other end closed in the middle; the argument is how many bytes had come."""


def _take(link: socket.socket, size: int) -> bytes:
    raw = b""
    while len(raw) < size:
        part = link.recv(min(size - len(raw), 1 << 20))
        if not part:
            raise ClosedError(len(raw))
        raw += part
    return raw


def send(link: socket.socket, message: Value) -> None:
    """Send one message."""
    raw = marshal.dumps(message)
    link.sendall(len(raw).to_bytes(4, "big") + raw)


def receive(link: socket.socket) -> Value:
    """Receive one message; ClosedError when the other end is gone."""
    size = int.from_bytes(_take(link, 4), "big")
    if size > _LIMIT:
        raise ClosedError(4)
    message = marshal.loads(_take(link, size))  # noqa: S302 - see the module's own words
    if not isinstance(message, dict):
        raise ClosedError(size)
    return message
