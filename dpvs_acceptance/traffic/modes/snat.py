"""SNAT: hosts inside reach the outside by an address of the DUT's.

``ip_vs_xmit.c`` __dp_vs_out_xmit_snat4/6 (out) and __dp_vs_xmit_snat4/6 (the answers in), with the
same handlers as NAT. The virtual end (address and port) is chosen per connection; of ICMP nothing
but addresses changes: ``ip_vs_proto_icmp.c`` has no handler that would rewrite an identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.mapping import Endpoint, UnexpectedMapping, canonical
from dpvs_acceptance.traffic.pairing import Conversation, NotPaired, Pair, flow_frames, paired
from dpvs_acceptance.traffic.verify import compare
from dpvs_acceptance.traffic.views import IcmpView, TcpView, UdpView, View, describe

from .arms import Arms, Server, to_client, to_server
from .mode import Followed, Views
from .nat import inwards, ip_sum, outwards

V = TypeVar("V", TcpView, UdpView)
Sent = TypeVar("Sent", TcpView, UdpView, IcmpView)


@dataclass(frozen=True, slots=True)
class SourceNat:
    """The hosts inside are ``arms.servers``, the one outside is where the other capture is.

    addresses: those that the DUT may give to what comes from inside. ``arms.vip`` has no port.
    """

    arms: Arms
    addresses: frozenset[str]

    @property
    def title(self) -> str:
        return "SNAT"

    @property
    def vip(self) -> Endpoint:
        return self.arms.vip

    def tcp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: Endpoint,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        """Follow the connection that came from inside to the outside host's end ``client``."""
        return self._follow(
            client_views,
            rs_views,
            client,
            TcpView,
            lambda v, _: (v.seq, v.flags, v.payload),
            ignore,
        )

    def udp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: Endpoint,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        return self._follow(
            client_views, rs_views, client, UdpView, lambda v, _: (v.payload,), ignore
        )

    def _follow(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        outside: Endpoint,
        kind: type[V],
        key: Callable[[V, bool], tuple[object, ...]],
        ignore: dict[str, str] | None,
    ) -> Followed:
        name, first = self._opened(rs_views, outside, kind)
        inner = Endpoint(first.src, first.sport)
        views = list(client_views)
        arrived = next(
            (v for v in views if isinstance(v, kind) and _same_packet(v, first, outside)), None
        )
        if arrived is None:
            raise NotPaired(f"what {inner} sent to {outside} is not there: {describe(first)}")
        virtual = Endpoint(arrived.src, arrived.sport)
        self._require_declared(inner, virtual)
        server = replace(self.arms.servers[name], end=inner)
        ours = flow_frames(views, kind, outside, virtual)
        theirs = flow_frames(rs_views[name], kind, outside, inner)
        pairs = paired(ours, theirs, outside, outside, key)
        found = Conversation(outside, virtual, outside, inner, name, pairs)

        def expect(pair: Pair[V]) -> tuple[Expected, ...]:
            assert pair.sent is not None
            if pair.towards_rs:
                return (Expected(inwards(pair.sent, self.arms, server)),)
            return (Expected(outwards(pair.sent, self.arms, virtual)),)

        findings = tuple(compare(found, expect, ignore))
        count = sum(pair.sent is not None for pair in pairs)
        return Followed(self.title, outside, virtual, outside, inner, name, count, findings)

    def _opened(self, rs_views: Views, outside: Endpoint, kind: type[V]) -> tuple[str, V]:
        """The first packet from inside to the end outside, and whose it is."""
        for name in self.arms.servers:
            for view in rs_views.get(name, ()):
                if isinstance(view, kind) and (view.dst, view.dport) == (
                    outside.address,
                    outside.port,
                ):
                    return name, view
        raise NotPaired(f"none of {', '.join(self.arms.servers)} sent anything to {outside}")

    def _require_declared(self, inner: Endpoint, virtual: Endpoint) -> None:
        declared = {canonical(one) for one in self.addresses}
        if virtual.address not in declared:
            raise UnexpectedMapping(
                f"connection of {inner}: source address outside expected one of "
                f"{', '.join(sorted(declared))}, seen {virtual.address}"
            )

    # -- ICMP echoes, which have no ports

    def icmp_outside(self, sent: IcmpView, virtual: str) -> Expected:
        """The frame outside for an echo request of a host inside."""
        moved = replace(to_client(sent, self.arms), src=virtual, ip_checksum=ip_sum(sent))
        return Expected(moved)

    def icmp_inside(self, sent: IcmpView, server: Server) -> Expected:
        """The frame at the host inside for the answer from outside."""
        moved = to_server(sent, self.arms, server)
        return Expected(replace(moved, dst=server.end.address, ip_checksum=ip_sum(sent)))


def _same_packet(view: TcpView | UdpView, sent: TcpView | UdpView, outside: Endpoint) -> bool:
    if (view.dst, view.dport) != (outside.address, outside.port):
        return False
    if isinstance(view, TcpView) and isinstance(sent, TcpView):
        return view.seq == sent.seq
    return view.payload == sent.payload
