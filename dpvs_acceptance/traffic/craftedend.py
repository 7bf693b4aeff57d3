"""One end of a connection whose every header is set by the check.

Its address belongs to its station, not to the host's kernel: so no kernel answers for it or resets
its connections, and each frame on the wire was intended.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from . import frames
from .connection import SocketAddress
from .match import Match
from .station import Station
from .tcpoptions import Options

WRAP = 1 << 32


class CraftedEnd:
    """One end: its own address, the peer's address, and its sequence numbers.

    mac: the next hop. peer: for an RS the LIP and its port, known after the SYN. keep: what is
    captured; every frame of its own address, if not given.
    """

    def __init__(
        self,
        station: Station,
        own: SocketAddress,
        peer: SocketAddress,
        mac: str,
        isn: int | None = None,
        *,
        keep: Sequence[Match] = (),
    ) -> None:
        self.station = station
        self.own = own
        self.peer = peer
        self.mac = mac
        self.seq = secrets.randbelow(WRAP) if isn is None else isn % WRAP
        self.ack = 0
        self.capture = station.capture(keep or [Match(host=own.address)])
        self._ip_id = secrets.randbelow(0x8000)

    @property
    def ends(self) -> frames.Ends:
        return frames.Ends(self.station.mac, self.mac, self.own.address, self.peer.address)

    def segment(
        self,
        flags: str,
        payload: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
        window: int = 64240,
        options: Options = (),
        sport: int | None = None,
        **fields: Any,
    ) -> bytes:
        """Builds a frame of this end. seq, ack, sport: override the current values.

        fields: more fields of Scapy's TCP (reserved, urgptr, chksum).
        """
        self._ip_id = (self._ip_id + 1) & 0xFFFF
        own_ack = self.ack if "A" in flags else 0
        return frames.tcp(
            self.ends,
            sport or self.own.port,
            self.peer.port,
            flags,
            seq=self.seq if seq is None else seq % WRAP,
            ack=own_ack if ack is None else ack % WRAP,
            window=window,
            options=options,
            payload=payload,
            ip_id=self._ip_id,
            **fields,
        )

    def datagram(self, payload: bytes, *, sport: int | None = None, **fields: Any) -> bytes:
        """A UDP datagram of this end. sport: overrides its own; fields: more fields of UDP."""
        self._ip_id = (self._ip_id + 1) & 0xFFFF
        source = sport or self.own.port
        return frames.udp(self.ends, source, self.peer.port, payload, ip_id=self._ip_id, **fields)

    def moved(self, by: int) -> None:
        """Advance the sequence number past what was sent."""
        self.seq = (self.seq + by) % WRAP
