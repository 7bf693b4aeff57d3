"""Source ports and payload tags by which a check recognises its own packets."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

# Below Linux's default ephemeral range (from 32768), so no other socket of the host uses one.
CRAFTED = range(20000, 32000)
SOCKETS = range(10000, 20000)
MANY = range(33000, 60000)  # of flows by the thousand, where other sockets of the host may be
ROOM = 3

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Flow:
    """port: source port at the client. tag: printable bytes for payloads, unique per flow."""

    name: str
    port: int
    tag: bytes

    @property
    def text(self) -> str:
        return self.tag.decode()


class Flows:
    """Source ports for one client host and run. A port is reused only after all others.

    The first port is random, because an earlier run may have left connections in DPVS and the RS
    (TIME_WAIT). The kernel's choice is not suitable: it restarts at a random port every ten seconds
    (Linux since 5.18), and if DPVS still has the last connection of a port, it counts no new
    connection and does not use the scheduler.
    """

    def __init__(self, run: str | None = None, ports: range = CRAFTED) -> None:
        self._run = run or secrets.token_hex(4)
        self._ports = _from_anywhere(ports)
        self._port_ranges = _from_anywhere(
            [range(first, first + ROOM) for first in SOCKETS[: 1 - ROOM : ROOM]]
        )
        self._many = _from_anywhere(MANY)
        self._numbers = itertools.count(1)

    def next(self, name: str = "flow") -> Flow:
        """A new flow; ``name`` is for messages, such as the name of the check."""
        tag = f"<dpvs-acceptance {self._run} {next(self._numbers)}>"
        return Flow(name, next(self._ports), tag.encode())

    def port_range(self) -> range:
        """Candidate ports for one socket of the host, since some may be in use."""
        return next(self._port_ranges)

    def many(self, count: int) -> list[tuple[int, ...]]:
        """Ports for so many sockets; two to choose from for each, next to each other."""
        return [(next(self._many), next(self._many)) for _ in range(count)]


def _from_anywhere(these: Sequence[_T]) -> Iterator[_T]:
    start = secrets.randbelow(len(these))
    return itertools.cycle([*these[start:], *these[:start]])
