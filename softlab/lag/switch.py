"""Which cable a frame for the DUT takes, and which frames of the DUT the switch accepts.

`plain`: cables of a switch that knows nothing of a bond (active-backup): it learns by which cable
an address is reached. `static`: a group of links by configuration (balance-rr). `lacp`: a group of
those links that speak LACP.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

from softlab.lacp import SLOW_PROTOCOLS, Aggregate

#: DPDK's modes of a bond, and the switch that each needs.
KINDS: Final = {0: "static", 1: "plain", 4: "lacp"}
#: The switch's own address, and those of its ports.
SYSTEM: Final = bytes.fromhex("0200000aa900")

Out = list[tuple[int, bytes]]


class Switch:
    """One end of a bond, with cables by number. Times are in seconds, of any one clock."""

    def __init__(self, mode: int, cables: Iterable[int]) -> None:
        """mode: of the DUT's bond, one of KINDS."""
        self.kind = KINDS[mode]
        self._up = dict.fromkeys(cables, True)
        self._silent: set[int] = set()
        self._learnt: dict[bytes, int] = {}
        ports = [(cable, SYSTEM[:5] + bytes([1 + cable])) for cable in self._up]
        self._lacp = Aggregate(SYSTEM, ports, short=True) if self.kind == "lacp" else None

    def set_up(self, cable: int, *, up: bool) -> None:
        """Whether a cable has carrier."""
        self._up[cable] = up
        if not up:
            self._learnt = {mac: at for mac, at in self._learnt.items() if at != cable}
        if self._lacp is not None:
            self._lacp.set_up(cable, up=up)

    def set_silent(self, cable: int, *, silent: bool) -> None:
        """A silent cable has carrier, and no frame passes it in either direction."""
        (self._silent.add if silent else self._silent.discard)(cable)

    def leaving(self, cable: int, frame: bytes, now: float) -> bool:
        """A frame of the DUT came by a cable; whether it goes on into the link."""
        if cable in self._silent:
            return False
        if self._lacp is not None:
            if frame[12:14] == SLOW_PROTOCOLS:
                self._lacp.received(cable, frame, now)
                return False
            return self._lacp.carries(cable, now)
        self._learnt[frame[6:12]] = cable
        return True

    def arriving(self, frame: bytes, now: float) -> tuple[int, ...]:
        """The cables by which a frame of the link goes to the DUT; none: it is lost."""
        up = [cable for cable, is_up in self._up.items() if is_up]
        if self.kind == "plain":
            known = self._learnt.get(frame[:6])
            chosen = up if known is None else [known]
        else:
            if self._lacp is not None:
                up = [cable for cable in up if self._lacp.carries(cable, now)]
            # Addresses and ports of IPv4; of IPv6 a part of them.
            spread = crc32(frame[:12] + frame[26:38])
            chosen = [up[spread % len(up)]] if up else []
        return tuple(cable for cable in chosen if cable not in self._silent)

    def due(self, now: float) -> Out:
        """What the switch sends by itself, with the cable of each."""
        if self._lacp is None:
            return []
        return [(at, frame) for at, frame in self._lacp.due(now) if at not in self._silent]
