"""SNAT: an inner host reaches an external server with an address of the DUT.

``ip_vs_xmit.c`` __dp_vs_out_xmit_snat4/6 (requests) and __dp_vs_xmit_snat4/6 (replies), with the
same handlers as NAT. DPVS chooses address and port per connection; they are learned from the first
packet at the external server. In ICMP only addresses change: ``ip_vs_proto_icmp.c`` has no handler
that rewrites an identifier.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from dpvs_acceptance.traffic.connection import SocketAddress, UnexpectedConnection, canonical
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.pairing import Conversation, NotPaired, PacketPair, flow_frames, paired
from dpvs_acceptance.traffic.verify import WrongPacket, compare
from dpvs_acceptance.traffic.views import IcmpView, TcpView, UdpView, View, describe

from .arms import Arms, Server, to_client, to_server
from .gre import NEW_ID, Gre
from .mode import Followed, Views, followed
from .nat import ip_sum, summed
from .unmoved import ByItsEnds, as_sent

V = TypeVar("V", TcpView, UdpView)
W = TypeVar("W", TcpView, UdpView, IcmpView)


@dataclass(frozen=True, slots=True)
class SourceNat(ByItsEnds):
    """One inner host (the client) and the external servers.

    addresses: source addresses that the DUT may use. ``arms.vip`` is not used. gre: the tunnel in
    front of the inner host, if any; its frames are then views with this ``outer``.
    """

    arms: Arms
    addresses: frozenset[str]
    gre: Gre | None = None

    @property
    def title(self) -> str:
        return "SNAT"

    def openings(self, rs_views: Views) -> dict[str, list[TcpView]]:
        return {
            name: [
                view
                for view in views
                if isinstance(view, TcpView) and view.handshake and view.src in self.addresses
            ]
            for name, views in rs_views.items()
        }

    def _follow(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        kind: type[V],
        ignore: dict[str, str] | None,
    ) -> Followed:
        views = list(client_views)
        name, first = self._opened(views, client, kind)
        outside = SocketAddress(first.dst, first.dport)
        arrived = next(
            (v for v in rs_views[name] if isinstance(v, kind) and _same_packet(v, first)),
            None,
        )
        if arrived is None:
            raise NotPaired(
                f"a packet of {client} to {outside} did not arrive at {name}: {describe(first)}"
            )
        virtual = SocketAddress(arrived.src, arrived.sport)
        self._require_declared(client, virtual.address)
        server = self.arms.servers[name]
        ours = flow_frames(views, kind, client, outside)
        theirs = flow_frames(rs_views[name], kind, virtual, outside)
        pairs = paired(ours, theirs, client, virtual, as_sent)
        found = Conversation(client, outside, virtual, outside, name, pairs)

        def expect(pair: PacketPair[V]) -> tuple[Expected, ...]:
            assert pair.sent is not None
            if pair.towards_rs:
                return (self.outside(pair.sent, virtual, server),)
            return (self.inside(pair.sent, client, server),)

        return followed(self.title, found, compare(found, expect, ignore))

    def outside(self, sent: V, virtual: SocketAddress, server: Server) -> Expected:
        """The frame at the external server for a frame of the inner host."""
        moved = self._to_server(sent, server)
        return Expected(summed(replace(moved, src=virtual.address, sport=virtual.port)))

    def inside(self, sent: V, inner: SocketAddress, server: Server) -> Expected:
        """The frame at the inner host for a reply of the external server."""
        moved = self._to_host(sent, server)
        return Expected(summed(replace(moved, dst=inner.address, dport=inner.port)), self._free)

    def _to_server(self, sent: W, server: Server) -> W:
        """Without the outer headers, if it came through the tunnel."""
        return replace(to_server(sent, self.arms, server), outer=None)

    def _to_host(self, sent: W, server: Server) -> W:
        moved = to_client(sent, self.arms, server)
        return moved if self.gre is None else replace(moved, outer=self.gre.carrier(moved))

    @property
    def _free(self) -> dict[str, str]:
        return {} if self.gre is None else NEW_ID

    def _opened(self, views: list[View], inner: SocketAddress, kind: type[V]) -> tuple[str, V]:
        """The first packet of the inner host, and the name of its server."""
        by_address = {server.end.address: name for name, server in self.arms.servers.items()}
        for view in views:
            if (
                isinstance(view, kind)
                and (view.src, view.sport) == (inner.address, inner.port)
                and view.dst in by_address
            ):
                return by_address[view.dst], view
        raise NotPaired(f"{inner} sent nothing to any of {', '.join(by_address)}")

    def _require_declared(self, inner: SocketAddress | str, seen: str) -> None:
        declared = {canonical(one) for one in self.addresses}
        if seen not in declared:
            raise UnexpectedConnection(
                f"packets of {inner}: external source address expected one of "
                f"{', '.join(sorted(declared))}, seen {seen}"
            )

    def echoes(
        self, client_views: Iterable[View], rs_views: Views, inner: str, name: str
    ) -> Followed:
        """ICMP echoes of the inner host to the server ``name``, and the replies."""
        server = self.arms.servers[name]
        outside = server.end.address
        ours = [
            v
            for v in client_views
            if isinstance(v, IcmpView) and {v.src, v.dst} == {inner, outside}
        ]
        theirs = [
            v for v in rs_views[name] if isinstance(v, IcmpView) and outside in (v.src, v.dst)
        ]
        asked = [view for view in ours if view.is_request and view.src == inner]
        if not asked:
            raise NotPaired(f"{inner} sent no echo request to {outside}")
        known = {(view.identifier, view.sequence) for view in asked}
        theirs = [view for view in theirs if (view.identifier, view.sequence) in known]
        requests = {_echo(view): view for view in theirs if view.is_request}
        if not requests:
            raise NotPaired(f"none of {len(asked)} echo requests of {inner} arrived at {name}")
        virtual = next(iter(requests.values())).src
        self._require_declared(inner, virtual)
        replies = {_echo(view): view for view in ours if view.is_reply}
        findings = []
        sent = 0
        for view in (*asked, *(view for view in theirs if view.is_reply)):
            sent += 1
            if view.is_request:
                moved = replace(self._to_server(view, server), src=virtual)
                seen = requests.get(_echo(view))
            else:
                moved = replace(self._to_host(view, server), dst=inner)
                seen = replies.get(_echo(view))
            free = {} if view.is_request else self._free
            wanted = Expected(replace(moved, ip_checksum=ip_sum(view)), free)
            if wrong := differences(wanted, seen):
                findings.append(WrongPacket(f"for {describe(view)}", tuple(wrong)))
        ends = SocketAddress(inner, 0), SocketAddress(outside, 0), SocketAddress(virtual, 0)
        return Followed(self.title, ends[0], ends[1], ends[2], ends[1], name, sent, tuple(findings))


def _echo(view: IcmpView) -> tuple[int, int]:
    return view.identifier, view.sequence


def _same_packet(view: V, sent: V) -> bool:
    return (view.dst, view.dport) == (sent.dst, sent.dport) and as_sent(view) == as_sent(sent)
