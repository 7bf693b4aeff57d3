"""The one face that every forwarding mode shows to a check, and what following a flow gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.pairing import Conversation
from dpvs_acceptance.traffic.verify import WrongPacket, in_words
from dpvs_acceptance.traffic.views import TcpView, UdpView, View

Views = dict[str, Sequence[View]]
"""Name of a capture (a real server's) to what it saw, dissected."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One flow, found at both sides and compared packet by packet, field by field.

    mode: its title. client and vip: the ends as the client's side has them; source and target:
    as the real server's side has them (equal where a mode rewrites nothing). rs_name: the
    capture in which it was found. packets: how many sent packets were held to an expectation.
    """

    mode: str
    client: SocketAddress
    vip: SocketAddress
    source: SocketAddress
    target: SocketAddress
    rs_name: str
    packets: int
    findings: tuple[WrongPacket, ...]

    def __str__(self) -> str:
        """For an assertion's message: what differs first, then where."""
        ends = f"{self.client} to {self.vip}, {self.source} to {self.target} at {self.rs_name}"
        if not self.findings:
            return f"{self.packets} packets of {ends} are as {self.mode} makes them"
        return f"{in_words(self.findings, self.mode)}\n  ({ends}, {self.packets} packets)"


def followed(
    mode: str,
    found: Conversation[TcpView] | Conversation[UdpView],
    findings: Iterable[WrongPacket],
    besides: int = 0,
) -> Followed:
    """What a conversation's comparison gave. besides: packets held that are not among its pairs."""
    return Followed(
        mode,
        found.client,
        found.vip,
        found.lip,
        found.rs,
        found.rs_name,
        besides + sum(pair.sent is not None for pair in found.pairs),
        tuple(findings),
    )


class ForwardingMode(Protocol):
    """What one service must do with the packets of one client.

    ``tcp`` and ``udp`` follow one flow of the client's end ``client``; they raise NotPaired where
    it is at no real server, and UnexpectedConnection where it is between ends that nobody declared.
    ignore: field to the reason why it is left out.
    """

    @property
    def title(self) -> str: ...

    def openings(self, rs_views: Views) -> dict[str, list[TcpView]]:
        """The SYNs of the service that came to each real server, by the name of its capture."""
        ...

    def tcp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed: ...

    def udp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed: ...
