"""A flow's nonce: the port and payload by which its packets are known as a check's own."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

# Below Linux's default ephemeral range (32768 on), so that no socket of the host picks one.
CRAFTED = range(20000, 32000)
SOCKETS = range(10000, 20000)
ROOM = 3

_T = TypeVar("_T")


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
    """Hands out flows for one client host and run: no port again before all others had their turn.

    Where it starts is chosen at random, since a run just before may have left connections of its
    ports in the device and the RS (TIME_WAIT). A kernel's own choice is none for these checks: it
    starts anew at a random port every ten seconds (Linux since 5.18), and a device that has the
    port's last connection still counts no new one and asks no scheduler.
    """

    def __init__(self, run: str | None = None, ports: range = CRAFTED) -> None:
        self._run = run or secrets.token_hex(4)
        self._ports = _from_anywhere(ports)
        self._port_ranges = _from_anywhere(
            [range(first, first + ROOM) for first in SOCKETS[: 1 - ROOM : ROOM]]
        )
        self._numbers = itertools.count(1)

    def next(self, name: str = "flow") -> Flow:
        """A fresh flow; ``name`` is for people (a check's name)."""
        tag = f"<dpvs-acceptance {self._run} {next(self._numbers)}>"
        return Flow(name, next(self._ports), tag.encode())

    def port_range(self) -> range:
        """Ports for one socket of the host: to choose from, since others may hold some of them."""
        return next(self._port_ranges)


def _from_anywhere(these: Sequence[_T]) -> Iterator[_T]:
    start = secrets.randbelow(len(these))
    return itertools.cycle([*these[start:], *these[:start]])
