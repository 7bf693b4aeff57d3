# ruff: noqa: UP006, UP035  (Python 3.6: no builtin generics, no "X | None")
"""A real server that behaves as a check of keepalived's checks tells it to.

Modes: `answers`, `hangs` (takes connections and datagrams and says nothing), `closed` (no
socket: the kernel refuses). Kinds: `http`, `https` (in the mode `plain`
without TLS), `udp` (answers what it gets), `dns`.
"""

import contextlib
import socket
import ssl
from typing import Any, Callable, Dict, Tuple

from . import tls

BACKLOG = 64
RESPONSE = 0x80
FORMAT = "HTTP/1.0 {} Status\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


class ControlledServer:
    """One server. watch, unwatch: register sockets with the agent's loop."""

    def __init__(
        self,
        address: str,
        port: int,
        kind: str,
        watch: Callable[[int, Callable[[], None]], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self.place = (address, port)
        self.kind = kind
        self.tls = tls.context() if kind == "https" else None
        self.watch, self.unwatch = watch, unwatch
        self.open: Dict[int, socket.socket] = {}
        self.own = -1  # descriptor of the listening socket, or of the one of datagrams
        self.answered = 0
        self.behave({"mode": "answers"})

    def behave(self, how: Dict[str, Any]) -> None:
        """how: mode; of http: status, body, and host, the only one that gets them (404 else)."""
        self.how = how
        if how["mode"] == "closed":
            for sock in list(self.open.values()):
                self.forget(sock)
        elif self.own not in self.open:
            self.begin()

    def begin(self) -> None:
        family = socket.AF_INET6 if ":" in self.place[0] else socket.AF_INET
        stream = self.kind in ("http", "https")
        sock = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self.place)
            if stream:
                sock.listen(BACKLOG)
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        self.own = sock.fileno()
        self.keep(sock, self.accept if stream else self.datagram)

    def keep(self, sock: socket.socket, does: Callable[[socket.socket], None]) -> None:
        self.open[sock.fileno()] = sock
        self.watch(sock.fileno(), lambda: does(sock))

    def accept(self, listening: socket.socket) -> None:
        try:
            connection = listening.accept()[0]
        except OSError:
            return  # already reset
        connection.setblocking(False)
        if self.tls is not None and self.how["mode"] != "plain":
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self.keep(connection, self.request)

    def request(self, connection: socket.socket) -> None:
        """Answers one request; then, or with the client's FIN, closes the connection."""
        data = b""
        with contextlib.suppress(OSError):
            try:
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                data = connection.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if data and self.how["mode"] == "hangs":
                return
            if data:
                connection.send(self.answer(data))
                self.answered += 1
                if isinstance(connection, ssl.SSLSocket):
                    with contextlib.suppress(ssl.SSLError):
                        connection.unwrap()  # tells the client that this is all
                connection.shutdown(socket.SHUT_WR)
                # What comes now is the client's end.
                self.unwatch(connection.fileno())
                self.watch(connection.fileno(), lambda: self.forget(connection))
                return
        self.forget(connection)

    def answer(self, request: bytes) -> bytes:
        host = self.how.get("host", "")
        lines = request.decode("latin-1").split("\r\n")
        asked = [line.split(":", 1)[1].strip() for line in lines if line.startswith("Host:")]
        there = not host or host in asked
        body = self.how.get("body", "ok") if there else "not here"
        status = self.how.get("status", 200) if there else 404
        return (FORMAT.format(status, len(body)) + body).encode("latin-1")

    def datagram(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            data, peer = sock.recvfrom(65536)
            if self.how["mode"] == "hangs":
                return
            if self.kind == "dns" and len(data) > 3:
                data = data[:2] + bytes([data[2] | RESPONSE, data[3] & 0xF0]) + data[4:]
            sock.sendto(data, peer)
            self.answered += 1

    def forget(self, sock: socket.socket) -> None:
        del self.open[sock.fileno()]
        self.unwatch(sock.fileno())
        sock.close()

    def close(self) -> Tuple[str, int]:
        for sock in list(self.open.values()):
            self.forget(sock)
        return self.place
