"""LACP (IEEE 802.1AX), as small as two ends of a lab need it: one group of links, one partner.

Of the standard's machines it has what can be seen on the wire: PDUs once a second or every 30 s as
the partner asks, information that expires after three of these periods, and a link that carries
frames only while both ends say that it is in sync. No marker protocol, no standby links.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

SLOW_PROTOCOLS = b"\x88\x09"
DESTINATION = bytes.fromhex("0180c2000002")
ACTIVE, SHORT, AGGREGATION, SYNC, COLLECTING, DISTRIBUTING, DEFAULTED, EXPIRED = (
    1 << bit for bit in range(8)
)
FAST, SLOW = 1.0, 30.0
"""Seconds between two PDUs, with a short and with a long timeout."""
_LOST = 3
_LEAST_GAP = 0.1
_SUBTYPE, _VERSION = 1, 1
_INFO = struct.Struct("!BBH6sHHHB3x")
_PDU = struct.Struct("!BB20s20sBBH12x2x50x")
_PRIORITY = 0x8000


@dataclass(frozen=True, slots=True)
class Info:
    """What a PDU says of one end. `port` is its number, from 1 on, `state` bits as above."""

    system: bytes
    key: int
    port: int
    state: int

    @property
    def link(self) -> tuple[bytes, int, int]:
        """Which end this is, whatever its state."""
        return self.system, self.key, self.port

    def packed(self, kind: int) -> bytes:
        numbers = (_PRIORITY, self.system, self.key, _PRIORITY, self.port, self.state)
        return _INFO.pack(kind, _INFO.size, *numbers)


NOBODY = Info(bytes(6), 0, 0, DEFAULTED)


def pdu(source: bytes, actor: Info, partner: Info) -> bytes:
    """A whole frame."""
    body = _PDU.pack(_SUBTYPE, _VERSION, actor.packed(1), partner.packed(2), 3, 16, 0)
    return DESTINATION + source + SLOW_PROTOCOLS + body


def read(frame: bytes) -> tuple[Info, Info] | None:
    """Actor and partner of a PDU; None for any other frame."""
    if len(frame) < 14 + 42 or frame[12:14] != SLOW_PROTOCOLS or frame[14] != _SUBTYPE:
        return None
    ends = []
    for at in (16, 36):
        _, _, _, system, key, _, port, state = _INFO.unpack_from(frame, at)
        ends.append(Info(system, key, port, state))
    return ends[0], ends[1]


class _Link:
    """One link of the group: what was heard by it, and when something was last sent."""

    def __init__(self, number: int, source: bytes) -> None:
        self.number = number
        self.source = source
        self.up = True
        self.partner = NOBODY
        self.sees_us = NOBODY
        self.heard = -1e9
        self.sent = -1e9
        self.told = -1


class Aggregate:
    """One end of a group of links, by number. `short`: the partner is asked for a PDU a second."""

    def __init__(
        self, system: bytes, links: Iterable[tuple[int, bytes]], *, key: int = 1, short: bool
    ) -> None:
        """links: number, from 0 on, and source MAC of each."""
        self._system = system
        self._key = key
        self._short = short
        self._links = {number: _Link(number, source) for number, source in links}

    def set_up(self, number: int, *, up: bool) -> None:
        """A link that is down has heard nothing."""
        link = self._links[number]
        if link.up and not up:
            link.partner, link.sees_us, link.heard = NOBODY, NOBODY, -1e9
        link.up = up

    def received(self, number: int, frame: bytes, now: float) -> None:
        """A frame of the slow protocols came by a link."""
        ends = read(frame)
        if ends is not None:
            link = self._links[number]
            link.partner, link.sees_us = ends
            link.heard = now

    def carries(self, number: int, now: float) -> bool:
        """Whether frames go by this link: both ends are in sync, and of one group."""
        link = self._links[number]
        return self._selected(link, now) and bool(link.partner.state & SYNC) and self._seen(link)

    def due(self, now: float) -> list[tuple[int, bytes]]:
        """The PDUs to send now, with the number of the link of each."""
        out = []
        for link in self._links.values():
            if not link.up or now - link.sent < _LEAST_GAP:
                continue
            state = self._state(link, now)
            fast = link.partner is NOBODY or bool(link.partner.state & SHORT)
            stale = link.told != state or (link.partner is not NOBODY and not self._seen(link))
            if stale or now - link.sent >= (FAST if fast else SLOW):
                own = Info(self._system, self._key, link.number + 1, state)
                out.append((link.number, pdu(link.source, own, link.partner)))
                link.sent, link.told = now, state
        return out

    def _seen(self, link: _Link) -> bool:
        return link.sees_us.link == (self._system, self._key, link.number + 1)

    def _known(self, link: _Link, now: float) -> bool:
        return link.up and now - link.heard < _LOST * (FAST if self._short else SLOW)

    def _selected(self, link: _Link, now: float) -> bool:
        """All links of the group have one partner: that of the first that is known."""
        known = [one for one in self._links.values() if self._known(one, now)]
        return link in known and link.partner.link[:2] == known[0].partner.link[:2]

    def _state(self, link: _Link, now: float) -> int:
        state = ACTIVE | AGGREGATION | (SHORT if self._short else 0)
        if not self._known(link, now):
            return state | (DEFAULTED if link.partner is NOBODY else EXPIRED)
        if self._selected(link, now):
            state |= SYNC
        if self.carries(link.number, now):
            state |= COLLECTING | DISTRIBUTING
        return state
