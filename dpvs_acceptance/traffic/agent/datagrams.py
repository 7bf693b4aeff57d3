# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""UDP through a real socket of the host, as an application would use it."""

import base64
import errno
import socket
import time
from typing import Any, Dict, List, Optional, Tuple


class Datagrams:
    """An unconnected socket, so the kernel does not filter replies from a wrong address."""

    def __init__(self, to: Tuple[str, int], source: Optional[str], source_ports: List[int]) -> None:
        """source_ports: the first free one is used; 0: the kernel's choice."""
        family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
        self.to = to
        self.replies: List[Dict[str, Any]] = []
        self.wanted = 0
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.sock.setblocking(False)
            self._bind(source or self._source(family, to), source_ports)
        except BaseException:
            self.sock.close()
            raise
        self.local = self.sock.getsockname()[:2]

    def _bind(self, source: str, ports: List[int]) -> None:
        for port in ports:
            try:
                self.sock.bind((source, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE or port == ports[-1]:
                    raise
            else:
                return

    @staticmethod
    def _source(family: int, to: Tuple[str, int]) -> str:
        """The source address that the kernel's routing chooses."""
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(to)
            return str(probe.getsockname()[0])

    def fileno(self) -> int:
        return self.sock.fileno()

    def expect_one_more(self) -> None:
        self.wanted = len(self.replies) + 1

    def complete(self) -> bool:
        return len(self.replies) >= self.wanted

    def send(self, payload: bytes) -> float:
        now = time.time()
        self.sock.sendto(payload, self.to)
        return now

    def readable(self) -> None:
        while True:
            try:
                payload, source = self.sock.recvfrom(65536)
            except BlockingIOError:
                return
            self.replies.append(
                {
                    "time": time.time(),
                    "source": list(source[:2]),
                    "payload": base64.b64encode(payload).decode("ascii"),
                }
            )

    def close(self) -> None:
        self.sock.close()
