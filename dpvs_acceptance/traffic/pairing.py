"""Which frame at the RS is which frame of the client: one flow's two sides put together.

The RS's sequence numbers pass FullNAT unchanged, so a SYN-ACK names its connection at both
sides; UDP flows are found by their payload. Frames are then paired by what FullNAT must not
change (payload, flags, for IPv4 the id), never by what a check is about to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .connection import Connection, FullNat, SocketAddress
from .expected import WRAP, learn, learn_reply
from .views import TcpView, UdpView, View, describe

V = TypeVar("V", TcpView, UdpView)


class NotPaired(AssertionError):  # noqa: N818  (a finding: the RS never got the flow)
    """The flow is not to be found at any RS, or not recognisably."""


@dataclass(frozen=True, slots=True)
class PacketPair(Generic[V]):
    """The same packet at both sides; one side is None where it was not seen."""

    client: V | None
    rs: V | None
    towards_rs: bool

    @property
    def sent(self) -> V | None:
        return self.client if self.towards_rs else self.rs

    @property
    def seen(self) -> V | None:
        return self.rs if self.towards_rs else self.client


@dataclass(frozen=True, slots=True)
class Conversation(Generic[V]):
    """One flow, in order of sending per direction; ``rs_name`` is the capture it was found in."""

    client: SocketAddress
    vip: SocketAddress
    lip: SocketAddress
    rs: SocketAddress
    rs_name: str
    pairs: tuple[PacketPair[V], ...]

    @property
    def lost(self) -> tuple[PacketPair[V], ...]:
        """Packets that were sent and not seen at the other side."""
        return tuple(pair for pair in self.pairs if pair.seen is None)

    @property
    def added(self) -> tuple[PacketPair[V], ...]:
        """Packets that nobody sent: repeated or made by the device."""
        return tuple(pair for pair in self.pairs if pair.sent is None)


def flow_frames(
    views: Iterable[View], kind: type[V], one: SocketAddress, other: SocketAddress
) -> list[V]:
    """The frames between two endpoints, both directions, in the order captured."""
    ends = {(one.address, one.port, other.address, other.port)}
    ends.add((other.address, other.port, one.address, one.port))
    return [
        view
        for view in views
        if isinstance(view, kind) and (view.src, view.sport, view.dst, view.dport) in ends
    ]


def connections(views: Iterable[View], rs: SocketAddress) -> set[SocketAddress]:
    """Who opened a connection to an RS in a capture: the sources of its SYNs, each once."""
    return {
        SocketAddress(view.src, view.sport)
        for view in views
        if isinstance(view, TcpView)
        and view.handshake
        and (view.dst, view.dport) == (rs.address, rs.port)
    }


def find_tcp(
    client_views: Iterable[View],
    rs_views: dict[str, Sequence[View]],
    client: SocketAddress,
    service: FullNat,
) -> tuple[Conversation[TcpView], Connection]:
    """A client's connection to the VIP at both sides, and its connection learned from the SYN.

    rs_views: capture's name to its views. Raises NotPaired when no RS answered it, and
    UnexpectedConnection when what answered is no declared LIP and RS.
    """
    ours = flow_frames(client_views, TcpView, client, service.vip)
    answers = {view.seq for view in ours if view.has("SA") and view.src == service.vip.address}
    for name, views in rs_views.items():
        for view in views:
            if isinstance(view, TcpView) and view.has("SA") and view.seq in answers:
                rs = SocketAddress(view.src, view.sport)
                lip = SocketAddress(view.dst, view.dport)
                theirs = flow_frames(views, TcpView, lip, rs)
                return _tcp_conversation(ours, theirs, client, service, lip, rs, name)
    shown = "\n".join(f"  {describe(view)}" for view in ours[:6]) or "  nothing"
    raise NotPaired(
        f"connection of {client} to {service.vip}: no SYN-ACK at any of "
        f"{', '.join(rs_views) or 'no RS'} has a sequence number the client was answered with "
        f"({', '.join(map(str, sorted(answers))) or 'it was not answered'}); "
        f"at the client:\n{shown}"
    )


def _tcp_conversation(
    ours: list[TcpView],
    theirs: list[TcpView],
    client: SocketAddress,
    service: FullNat,
    lip: SocketAddress,
    rs: SocketAddress,
    name: str,
) -> tuple[Conversation[TcpView], Connection]:
    client_syn = next((view for view in ours if view.handshake), None)
    rs_syn = next((view for view in theirs if view.handshake), None)
    if client_syn is None or rs_syn is None:
        where = "the client" if client_syn is None else name
        raise NotPaired(f"connection of {client}: its SYN is not in the capture at {where}")
    connection = learn(service, client_syn, rs_syn)
    syn_ack = next(view for view in theirs if view.has("SA"))
    connection = learn_reply(connection, syn_ack)
    offset = connection.seq_offset or 0

    def key(view: TcpView, at_rs: bool) -> tuple[object, ...]:
        base = offset if at_rs else 0
        seq = (view.seq - base) % WRAP if view.sport in (client.port, lip.port) else view.seq
        return (seq, view.flags, view.payload)

    pairs = paired(ours, theirs, client, lip, key)
    return Conversation(client, service.vip, lip, rs, name, pairs), connection


def find_udp(
    client_views: Iterable[View],
    rs_views: dict[str, Sequence[View]],
    client: SocketAddress,
    service: FullNat,
) -> tuple[Conversation[UdpView], Connection]:
    """A client's datagrams to the VIP at both sides; found by a payload only this flow has."""
    ours = flow_frames(client_views, UdpView, client, service.vip)
    payloads = {view.payload for view in ours if view.src == client.address and view.payload}
    for name, views in rs_views.items():
        for view in views:
            if not isinstance(view, UdpView) or view.payload not in payloads:
                continue
            lip, rs = SocketAddress(view.src, view.sport), SocketAddress(view.dst, view.dport)
            if rs not in service.rs:
                continue
            connection = service.connection(client, lip, rs)
            theirs = flow_frames(views, UdpView, lip, rs)
            pairs = paired(ours, theirs, client, lip, lambda view, _: (view.payload,))
            return Conversation(client, service.vip, lip, rs, name, pairs), connection
    raise NotPaired(
        f"datagrams of {client} to {service.vip}: {len(ours)} at the client, none of their "
        f"payloads at {', '.join(rs_views) or 'any RS'}"
    )


def paired(
    ours: Sequence[V],
    theirs: Sequence[V],
    client: SocketAddress,
    lip: SocketAddress,
    key: Callable[[V, bool], tuple[object, ...]],
) -> tuple[PacketPair[V], ...]:
    """Each frame with its counterpart, the client's packets first, in order of sending.

    client: the client's end at the client; lip: what stands for it at the real server. key: what
    a packet is known by (view, and whether it is the real server's side).
    """
    pairs: list[PacketPair[V]] = []
    for towards_rs in (True, False):
        near = [
            v for v in ours if (v.src == client.address and v.sport == client.port) is towards_rs
        ]
        far = [v for v in theirs if (v.src == lip.address and v.sport == lip.port) is towards_rs]
        sent, seen = (near, far) if towards_rs else (far, near)
        for one, other in _aligned(sent, seen, key, sent_at_rs=not towards_rs):
            pairs.append(
                PacketPair(one, other, True) if towards_rs else PacketPair(other, one, False)
            )
    return tuple(pairs)


def _aligned(
    sent: Sequence[V],
    seen: Sequence[V],
    key: Callable[[V, bool], tuple[object, ...]],
    *,
    sent_at_rs: bool,
) -> list[tuple[V | None, V | None]]:
    """Each sent frame with its counterpart: by key first, then by payload and flags in order.

    The second round pairs a frame whose sequence number was rewritten wrongly with what it
    became, so that the difference is named instead of a loss and a stray.
    """
    left = list(seen)
    partner: dict[int, V] = {}
    rounds: tuple[Callable[[V, V], bool], ...] = (
        lambda a, b: key(a, sent_at_rs) == key(b, not sent_at_rs),
        lambda a, b: a.payload == b.payload and _flags(a) == _flags(b),
        lambda a, b: bool(a.payload) and a.payload == b.payload,
    )
    for same in rounds:
        for index, one in enumerate(sent):
            if index in partner:
                continue
            place = next((at for at, other in enumerate(left) if same(one, other)), None)
            if place is not None:
                partner[index] = left.pop(place)
    out: list[tuple[V | None, V | None]] = [
        (one, partner.get(index)) for index, one in enumerate(sent)
    ]
    return out + [(None, other) for other in left]


def _flags(view: View) -> str:
    return view.flags if isinstance(view, TcpView) else ""
