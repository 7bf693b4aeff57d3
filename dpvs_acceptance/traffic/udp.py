"""Datagrams from a client's socket, and the answers of the echo server."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from . import timeouts
from .connection import SocketAddress
from .station import Station


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply from ``source``. seconds: since its datagram was sent (not for bursts)."""

    payload: bytes
    source: SocketAddress
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """replies: one per datagram if sent one after another (None: none in time); for a burst, all
    in order of arrival. late: replies after the timeout."""

    local: SocketAddress
    replies: tuple[Reply | None, ...]
    late: tuple[Reply, ...] = ()

    @property
    def answered(self) -> int:
        return sum(reply is not None for reply in self.replies)


@dataclass(frozen=True, slots=True)
class EchoAnswer:
    """What an RS's echo server saw: the peer of its socket, and the address from UOA, if any."""

    peer: SocketAddress
    uoa: SocketAddress | None


def exchange(
    station: Station,
    target: SocketAddress,
    payloads: Sequence[bytes],
    *,
    source: str | None = None,
    source_ports: Sequence[int] = (0,),
    seconds: float | None = None,
    burst: bool = False,
) -> Exchanged:
    """Send datagrams from one socket of the client; the result has its local port.

    source_ports: the first free one is used; 0: the kernel's choice.

    One after another, with ``seconds`` (default 1) for each reply; or all at once (``burst``), with
    ``seconds`` for all replies.
    """
    seconds = timeouts.seconds(1.0, seconds)
    arguments = {
        "to": [target.address, target.port],
        "source": source,
        "source_ports": [*source_ports],
        "payloads": [base64.b64encode(payload).decode() for payload in payloads],
        "seconds": seconds,
        "burst": burst,
    }
    answer = station.ask("udp", arguments, seconds * len(payloads))
    local = SocketAddress(*answer["local"])
    raw = answer["replies"]
    if burst:
        return Exchanged(local, tuple(_reply(one, None) for one in raw))
    places = answer["answered"]
    replies = tuple(
        None if place is None else _reply(raw[place], sent)
        for place, sent in zip(places, answer["sent"], strict=True)
    )
    late = tuple(_reply(one, None) for at, one in enumerate(raw) if at not in places)
    return Exchanged(local, replies, late)


def _reply(raw: dict[str, object], sent: object) -> Reply:
    source = raw["source"]
    time = raw["time"]
    assert isinstance(source, list)
    assert isinstance(time, float)
    seconds = time - sent if isinstance(sent, float) else None
    return Reply(base64.b64decode(str(raw["payload"])), SocketAddress(*source), seconds)


def echo_answer(payload: bytes) -> EchoAnswer:
    """The echo server's JSON, ``{"peer": [ip, port], "uoa": [ip, port] or null}``."""
    try:
        said = json.loads(payload)
        peer, uoa = said["peer"], said["uoa"]
        return EchoAnswer(SocketAddress(*peer), None if uoa is None else SocketAddress(*uoa))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise AssertionError(
            f'expected the echo server\'s {{"peer": [..], "uoa": ..}}, seen {payload[:200]!r}'
        ) from error
