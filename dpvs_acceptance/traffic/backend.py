"""A server of a real server's host that behaves as a check tells it to (agent/backend.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from dpvs_acceptance.traffic.station import Station

Kind = Literal["http", "https", "udp", "dns"]
Mode = Literal["answers", "hangs", "closed", "plain"]


class Backend:
    """One such server; at first it answers: HTTP with status 200 and the body `ok`."""

    def __init__(self, station: Station, number: int) -> None:
        self._station = station
        self._number = number

    def behave(self, mode: Mode, *, status: int = 200, body: str = "ok", host: str = "") -> None:
        """hangs: takes connections, says nothing. closed: the kernel refuses. plain:
        https without TLS. host: the only
        virtual host that there is; others are answered 404."""
        how = {"mode": mode, "status": status, "body": body, "host": host}
        self._station.ask("behave", {"backend": self._number, "how": how})


@contextmanager
def backend(station: Station, address: str, port: int, kind: Kind) -> Iterator[Backend]:
    """In the context, the server listens there."""
    asked = {"address": address, "port": port, "kind": kind}
    number = station.ask("backend", asked)["backend"]
    try:
        yield Backend(station, number)
    finally:
        station.ask("close_backend", {"backend": number})
