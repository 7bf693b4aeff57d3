"""Modes that do not change sequence numbers, options and payload.

DR, tunnel, NAT and SNAT: the real server sees the client's address, so a flow is found by its
addresses. Each mode only defines the frame at the other side, one function per direction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.pairing import Conversation, NotPaired, PacketPair, flow_frames, paired
from dpvs_acceptance.traffic.verify import compare
from dpvs_acceptance.traffic.views import TcpView, UdpView, View, describe

from .arms import Arms, Server
from .mode import Followed, Views, followed

V = TypeVar("V", TcpView, UdpView)


class ByItsEnds(ABC):
    """A mode whose flows are found by their addresses at both sides."""

    def tcp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        return self._follow(client_views, rs_views, client, TcpView, ignore)

    def udp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        return self._follow(client_views, rs_views, client, UdpView, ignore)

    @abstractmethod
    def _follow(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        kind: type[V],
        ignore: dict[str, str] | None,
    ) -> Followed: ...


def as_sent(view: TcpView | UdpView, at_rs: bool = False) -> tuple[object, ...]:
    """Identifies a packet at both sides."""
    del at_rs
    if isinstance(view, TcpView):
        return (view.seq, view.flags, view.payload)
    return (view.payload,)


@dataclass(frozen=True, slots=True)
class Unmoved(ByItsEnds):
    """A mode in which only addresses, ports or outer headers change."""

    arms: Arms

    @property
    @abstractmethod
    def title(self) -> str: ...

    @property
    def vip(self) -> SocketAddress:
        return self.arms.vip

    @abstractmethod
    def target(self, server: Server) -> SocketAddress:
        """Destination of a client's packets at this real server."""

    @abstractmethod
    def at_rs(self, sent: V, server: Server) -> Expected:
        """The frame at the real server for a frame that the client sent to the VIP."""

    @abstractmethod
    def at_client(self, sent: V, server: Server) -> Expected:
        """The frame at the client for a reply of the real server."""

    def openings(self, rs_views: Views) -> dict[str, list[TcpView]]:
        found: dict[str, list[TcpView]] = {name: [] for name in rs_views}
        for name, server in self.arms.servers.items():
            target = self.target(server)
            found[name] = [
                view
                for view in rs_views.get(name, ())
                if isinstance(view, TcpView)
                and view.handshake
                and (view.dst, view.dport) == (target.address, target.port)
                and view.mac_dst == server.mac
            ]
        return found

    def _follow(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        kind: type[V],
        ignore: dict[str, str] | None,
    ) -> Followed:
        ours = flow_frames(client_views, kind, client, self.vip)
        name = self._server_of(rs_views, client, kind, ours)
        server = self.arms.servers[name]
        target = self.target(server)
        theirs = flow_frames(rs_views[name], kind, client, target)
        pairs = paired(ours, theirs, client, client, as_sent)
        found = Conversation(client, self.vip, client, target, name, pairs)

        def expect(pair: PacketPair[V]) -> tuple[Expected, ...]:
            assert pair.sent is not None
            return ((self.at_rs if pair.towards_rs else self.at_client)(pair.sent, server),)

        return followed(self.title, found, compare(found, expect, ignore))

    def _server_of(
        self,
        rs_views: Mapping[str, Iterable[View]],
        client: SocketAddress,
        kind: type[V],
        ours: list[V],
    ) -> str:
        """The name of the real server that got the flow."""
        there = {
            name: [v for v in frames if v.mac_dst == server.mac]
            for name, server in self.arms.servers.items()
            if (frames := flow_frames(rs_views.get(name, ()), kind, client, self.target(server)))
        }
        reached = [name for name, frames in there.items() if frames] or list(there)
        if len(reached) > 1:
            raise NotPaired(
                f"flow of {client} to {self.vip}: expected at one real server, seen at "
                f"{' and '.join(reached)}"
            )
        if not reached:
            shown = "\n".join(f"  {describe(view)}" for view in ours[:6]) or "  nothing"
            wanted = ", ".join(
                f"{self.target(server)} at {name}" for name, server in self.arms.servers.items()
            )
            raise NotPaired(
                f"flow of {client} to {self.vip} did not arrive: {self.title} must send it to "
                f"{wanted}; at the client:\n{shown}"
            )
        return reached[0]
