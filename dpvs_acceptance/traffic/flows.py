"""A flow's nonce: the port and payload by which its packets are known as a check's own."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass

# Below Linux's default ephemeral range (32768 on), so that no socket of the host picks one.
FIRST, LAST = 20000, 32000


@dataclass(frozen=True, slots=True)
class Flow:
    """port: source port at the client. tag: printable bytes to put in payloads, unique to it."""

    name: str
    port: int
    tag: bytes

    @property
    def text(self) -> str:
        return self.tag.decode()


class Flows:
    """Hands out flows for one client host and run. No port twice.

    Where it starts is chosen at random, since a run just before may have left connections of its
    ports in the device and the RS (TIME_WAIT).
    """

    def __init__(self, run: str | None = None, first: int = FIRST, last: int = LAST) -> None:
        self._run = run or secrets.token_hex(4)
        count = last - first + 1
        start = secrets.randbelow(count)
        self._ports = iter([first + (start + step) % count for step in range(count)])
        self._numbers = itertools.count(1)

    def next(self, name: str = "flow") -> Flow:
        """A fresh flow; ``name`` is for people (a check's name)."""
        port = next(self._ports, None)
        if port is None:
            raise ValueError("all source ports of this run are used up")
        tag = f"<dpvs-acceptance {self._run} {next(self._numbers)}>"
        return Flow(name, port, tag.encode())
