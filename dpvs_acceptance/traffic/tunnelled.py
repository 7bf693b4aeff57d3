"""A station behind a gre tunnel: it encapsulates what it sends and decapsulates what it receives.

The host's kernel needs no tunnel device. Users of the station see frames as without the tunnel; the
host's own capture has the tunnel packets.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from . import frames
from .capture import Capture, Waited
from .frame import Frame
from .match import Match
from .modes.gre import HEADER, PROTOCOL, Gre
from .station import Station

_ETHERNET = 14
_OUTER = 20 + len(HEADER)


class TunnelledStation(Station):
    """``station`` behind the tunnel. The caller must own ``tunnel.remote`` meanwhile."""

    def __init__(self, station: Station, tunnel: Gre) -> None:
        self.host_name = station.host_name
        self.interface = station.interface
        self.facts = station.facts
        self._link = station._link
        self._tunnel = tunnel

    def close(self) -> None:
        """Does nothing: the agent belongs to the other station."""

    def post_send(self, frames: Sequence[bytes], *, gap_us: float = 0, repeat: int = 1) -> int:
        carriers = [self._carrier(frame) for frame in frames]
        return super().post_send(carriers, gap_us=gap_us, repeat=repeat)

    def capture(self, keep: Sequence[Match] | None = None, **how: Any) -> Capture:
        """A capture of the frames inside the tunnel; ``keep`` is ignored."""
        del keep
        arguments = {
            "interface": self.interface,
            "keep": [Match(protocol=PROTOCOL, host=self._tunnel.remote).to_wire()],
            "max_frames": 200_000,
            "max_bytes": 128 << 20,
            "promiscuous": False,
            "buffer_bytes": 32 << 20,
            **how,
        }
        return _Inside(self._link, f"{self.host_name} {self.interface}, gre", arguments)

    def _carrier(self, frame: bytes) -> bytes:
        mac_dst, mac_src = (":".join(f"{b:02x}" for b in frame[at : at + 6]) for at in (0, 6))
        ends = frames.Ends(mac_src, mac_dst, self._tunnel.remote, self._tunnel.local)
        outer = frames.network(ends, secrets.randbelow(1 << 16), proto=PROTOCOL)
        return bytes(outer / frames.scapy().Raw(HEADER + frame[_ETHERNET:]))


class _Inside(Capture):
    """The frames inside the tunnel packets of a capture."""

    @property
    def frames(self) -> list[Frame]:
        return [_taken_out(frame) for frame in super().frames]

    def _wait(self, match: Match, count: int, deadline: float, since: int) -> Waited:
        """Waits on the host for tunnel packets, and filters the inner frames here."""
        carriers = Match(outgoing=match.outgoing, protocol=PROTOCOL)
        end, wanted = time.monotonic() + deadline, count
        while True:
            left = max(0.0, end - time.monotonic())
            waited = super()._wait(carriers, wanted, left, since)
            found = match.select([_taken_out(frame) for frame in waited.frames])
            if len(found) >= count or not waited.enough:
                return Waited(len(found) >= count, tuple(found), waited.seconds)
            wanted = len(waited.frames) + count - len(found)


def _taken_out(frame: Frame) -> Frame:
    """The frame without the tunnel: outer IP and GRE header are removed."""
    data = frame.data[:_ETHERNET] + frame.data[_ETHERNET + _OUTER :]
    return replace(frame, data=data, length=frame.length - _OUTER)
