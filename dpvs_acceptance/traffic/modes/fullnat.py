"""FullNAT, FNAT44, FNAT66 and NAT64 (``ip_vs_xmit.c`` dp_vs_xmit_fnat and the handlers it calls).

The expected packets are defined in ``traffic/expected.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dpvs_acceptance.traffic.connection import FullNat, SocketAddress
from dpvs_acceptance.traffic.pairing import find_tcp, find_udp
from dpvs_acceptance.traffic.verify import check_tcp, check_udp
from dpvs_acceptance.traffic.views import TcpView, View

from .mode import Followed, Views, followed


@dataclass(frozen=True, slots=True)
class FullNatMode:
    """Addresses, ports and sequence numbers are rewritten, TOA or UOA is inserted."""

    facts: FullNat

    @property
    def title(self) -> str:
        client, rs = self.facts.vip.version, next(iter(self.facts.rs)).version
        return "FullNAT" if client == rs else "NAT64"

    @property
    def vip(self) -> SocketAddress:
        return self.facts.vip

    def openings(self, rs_views: Views) -> dict[str, list[TcpView]]:
        return openings(self.facts, rs_views)

    def tcp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        conversation, connection = find_tcp(client_views, rs_views, client, self.facts)
        return followed(self.title, conversation, check_tcp(conversation, connection, ignore))

    def udp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        conversation, connection = find_udp(client_views, rs_views, client, self.facts)
        return followed(self.title, conversation, check_udp(conversation, connection, ignore))


def openings(facts: FullNat, rs_views: Views) -> dict[str, list[TcpView]]:
    """SYNs from the service's LIPs to its real servers, by capture."""
    return {
        name: [
            view
            for view in views
            if isinstance(view, TcpView)
            and view.handshake
            and view.src in facts.lips
            and facts.rs.get(SocketAddress(view.dst, view.dport)) == view.mac_dst
        ]
        for name, views in rs_views.items()
    }
