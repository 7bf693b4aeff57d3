"""A crafted connection with the frames of a stored run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dpvs_acceptance.replay.stored_host import NotReplayed
from dpvs_acceptance.replay.stored_station import StoredStation
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from dpvs_acceptance.traffic.views import TcpView


def opened(station: Station, address: str) -> list[TcpView]:
    """The SYNs of a host from a crafted address in the current check."""
    frames = station.all_frames() if isinstance(station, StoredStation) else []
    views = (dissect(frame) for frame in frames if frame.outgoing)
    return [v for v in views if isinstance(v, TcpView) and v.handshake and v.src == address]


class StoredTcp(CraftedTcp):
    """As `CraftedTcp`, but with the stored frames instead of sending and waiting."""

    def __init__(
        self,
        station: Station,
        source: SocketAddress,
        target: SocketAddress,
        mac: str,
        **options: Any,
    ) -> None:
        syns = [v for v in opened(station, source.address) if v.sport == source.port]
        if not syns:
            raise NotReplayed(f"the capture has no connection of {source}")
        super().__init__(station, source, target, mac, **{**options, "isn": syns[0].seq})
        self._came = self._arrivals()

    def _arrivals(self) -> Iterator[TcpView]:
        for frame in self._arrived.select(self.capture.frames):
            view = dissect(frame)
            if isinstance(view, TcpView):
                yield view

    def _exchange(self, out: list[bytes], what: str, give_up: float) -> list[TcpView]:
        del out, give_up
        view = next(self._came, None)
        if view is None:
            raise self._not_seen(what)
        return [self._take(view.frame)]

    def _put(self, frames: list[bytes]) -> None:
        """Does nothing: the stored run has sent it."""
