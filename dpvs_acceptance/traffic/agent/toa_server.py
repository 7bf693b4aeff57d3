# ruff: noqa: UP006, UP035  (Python 3.6: no builtin generics, no "X | None")
"""A small HTTP server that reports the client's address from TOA to an IPv4 socket (NAT64).

getpeername(2) of an IPv4 socket cannot return an IPv6 address, so a stock server sees only the LIP.
DPVS's kmod/toa/toa.h has a getsockopt(2) for it, with `struct toa_nat64_peer`.
"""

import socket
from typing import Callable, Dict

LOOKUP = 4096  # TOA_SO_GET_LOOKUP, of IPPROTO_IP
SIZE = 20  # IPv6 address, port in network order, two octets of padding
BACKLOG = 16


def answer(sock: socket.socket) -> str:
    """The client's address, worded as by the real servers' nginx; or the kernel's error."""
    try:
        peer = sock.getsockopt(socket.IPPROTO_IP, LOOKUP, SIZE)
    except OSError as error:
        return f"getsockopt(IPPROTO_IP, {LOOKUP}): {error}"
    address = socket.inet_ntop(socket.AF_INET6, peer[:16])
    return "Your IP and port is {}:{}".format(address, int.from_bytes(peer[16:18], "big"))


class ToaServer:
    """Listens on an IPv4 address. watch, unwatch: register sockets with the agent's loop."""

    def __init__(
        self,
        address: str,
        port: int,
        watch: Callable[[int, Callable[[], None]], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self.watch, self.unwatch = watch, unwatch
        self.open: Dict[int, socket.socket] = {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind((address, port))
            self.sock.listen(BACKLOG)
            self.sock.setblocking(False)
        except BaseException:
            self.sock.close()
            raise
        watch(self.sock.fileno(), self.accept)

    def accept(self) -> None:
        try:
            connection = self.sock.accept()[0]
        except OSError:
            return  # already reset
        connection.setblocking(False)
        self.open[connection.fileno()] = connection
        self.watch(connection.fileno(), lambda: self.readable(connection))

    def readable(self, connection: socket.socket) -> None:
        """Answers one request; then, or with the client's FIN, closes the connection."""
        try:
            if connection.recv(65536):
                body = answer(connection)
                head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.send((head + body).encode("ascii"))
                connection.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        self.forget(connection)

    def forget(self, connection: socket.socket) -> None:
        del self.open[connection.fileno()]
        self.unwatch(connection.fileno())
        connection.close()

    def close(self) -> None:
        for connection in list(self.open.values()):
            self.forget(connection)
        self.unwatch(self.sock.fileno())
        self.sock.close()
