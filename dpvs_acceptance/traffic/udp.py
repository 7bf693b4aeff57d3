"""Datagrams from a client through a real socket, and what the echo server said."""

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
    """payload from ``source``; seconds since its datagram was sent (sequential sending only)."""

    payload: bytes
    source: SocketAddress
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """replies: one per datagram when sent one after another (None: none came in time); all that
    came, in order, when sent in one burst. late: replies that came after their time was over."""

    local: SocketAddress
    replies: tuple[Reply | None, ...]
    late: tuple[Reply, ...] = ()

    @property
    def answered(self) -> int:
        return sum(reply is not None for reply in self.replies)


@dataclass(frozen=True, slots=True)
class EchoAnswer:
    """What the echo server of an RS saw: the socket's peer, and the UOA it was given, if any."""

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
    """Send datagrams on one socket of the client; its local port is in the result.

    source_ports: the first of them that is free; 0 is the kernel's choice.

    One after another, each given ``seconds`` (1) for its reply; or all at once (``burst``), with
    ``seconds`` for as many replies.
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
