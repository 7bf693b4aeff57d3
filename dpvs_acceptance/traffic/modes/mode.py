"""The interface of all forwarding modes, and the result of comparing a flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.pairing import Conversation
from dpvs_acceptance.traffic.verify import WrongPacket, in_words
from dpvs_acceptance.traffic.views import TcpView, UdpView, View

Views = dict[str, Sequence[View]]
"""Name of a capture at a real server to its views."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One flow, found at both sides and compared packet by packet, field by field.

    mode: its title. client and vip: the addresses at the client's side; source and target: at the
    real server's side (equal if the mode rewrites nothing). rs_name: the capture with the flow.
    packets: number of packets compared.
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
        """For the message of an assertion: first the differing fields, then the packets."""
        ends = f"{self.client} to {self.vip}, {self.source} to {self.target} at {self.rs_name}"
        if not self.findings:
            return f"{self.packets} packets of {ends} are as expected of {self.mode}"
        return f"{in_words(self.findings, self.mode)}\n  ({ends}, {self.packets} packets)"


def followed(
    mode: str,
    found: Conversation[TcpView] | Conversation[UdpView],
    findings: Iterable[WrongPacket],
    besides: int = 0,
) -> Followed:
    """The result for a conversation. besides: compared packets that are not among its pairs."""
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
    """The expected packets of one service for one client.

    ``tcp`` and ``udp`` compare one flow of the client's address ``client``. They raise NotPaired if
    no real server has it, and UnexpectedConnection if its addresses are not declared. ignore: field
    to the reason why it is ignored.
    """

    @property
    def title(self) -> str: ...

    def openings(self, rs_views: Views) -> dict[str, list[TcpView]]:
        """The SYNs of the service at each real server, by name of the capture."""
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
