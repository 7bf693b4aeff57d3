"""Every packet of many flows against what the forwarding mode makes of it, and what is left over.

Following one flow looks at frames of its own only, so that a thousand flows take a thousand times
as long as one, and not a million times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dpvs_acceptance.traffic.connection import SocketAddress, UnexpectedConnection
from dpvs_acceptance.traffic.modes.mode import ForwardingMode
from dpvs_acceptance.traffic.pairing import NotPaired
from dpvs_acceptance.traffic.views import TcpView, UdpView, View, describe

_End = tuple[str, int]
_Place = tuple[str, str, int]
_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class Amount:
    """IP packets and their octets."""

    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class OnWire:
    """packets: how many were compared. wrong: flows that are not as they must be, in words.

    by_server: connections or UDP flows that each real server got. to_vip, from_vip: as the clients
    captured it. unexplained: frames of the
    VIP's and the real servers' port that came to either side and belong to none of the flows.
    """

    packets: int
    wrong: tuple[str, ...]
    by_server: Mapping[str, int]
    to_vip: Amount
    from_vip: Amount
    unexplained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientSide:
    """What one client captured, the ends of its flows, and what must become of their packets."""

    name: str
    mode: ForwardingMode
    views: Sequence[View]
    ends: Sequence[SocketAddress]


def follow(
    clients: Sequence[ClientSide],
    vip: SocketAddress,
    rs_views: Mapping[str, Sequence[View]],
    *,
    server_port: int,
    protocol: str = "tcp",
    lasting: Collection[int] = (),
) -> OnWire:
    """Each flow to the VIP, found at both sides and compared packet by packet.

    lasting: numbers of flows that began earlier and go on meanwhile; they are left alone.
    Views are of captures that were armed before the first flow and stopped after the last.
    """
    kind: type[TcpView | UdpView] = TcpView if protocol == "tcp" else UdpView
    theirs = _without(_at_servers(rs_views, kind, server_port), lasting)
    peers = _peers_by_mark(theirs)
    packets, wrong, by_server = 0, [], dict.fromkeys(rs_views, 0)
    seen = [view for views in theirs.values() for view in views]
    explained: set[int] = set()
    at_clients: list[TcpView | UdpView] = []
    for client in clients:
        ours = _without(_at_client(client.views, kind, vip), lasting)
        at_clients += [view for views in ours.values() for view in views]
        seen += [view for views in ours.values() for view in views]
        for end in client.ends:
            mine = ours.get((end.address, end.port), [])
            marked = {place for view in mine for place in peers.get(_mark(view), ())}
            places = peers.get((end.address, end.port), marked)
            flow_views: dict[str, Sequence[View]] = {
                name: [v for place in places if place[0] == name for v in theirs[place]]
                for name in rs_views
            }
            explained.update(map(id, mine))
            explained.update(id(view) for views in flow_views.values() for view in views)
            try:
                follow_one = client.mode.tcp if protocol == "tcp" else client.mode.udp
                found = follow_one(mine, flow_views, end)
            except (NotPaired, UnexpectedConnection) as error:
                wrong.append(f"{client.name}: {error}")
                continue
            packets += found.packets
            by_server[found.rs_name] += 1
            if found.findings:
                wrong.append(f"{client.name}: {found}")
    came = (view for view in seen if not view.frame.outgoing)
    left = tuple(describe(view) for view in came if id(view) not in explained)
    there = _amount(view for view in at_clients if view.frame.outgoing)
    back = _amount(view for view in at_clients if not view.frame.outgoing)
    return OnWire(packets, tuple(wrong), by_server, there, back, left)


def _amount(views: Iterable[TcpView | UdpView]) -> Amount:
    lengths = [view.ip_length for view in views]
    return Amount(len(lengths), sum(lengths))


def _at_client(
    views: Iterable[View], kind: type[TcpView | UdpView], vip: SocketAddress
) -> dict[_End, list[TcpView | UdpView]]:
    """The VIP's frames by the client's end."""
    found: dict[_End, list[TcpView | UdpView]] = defaultdict(list)
    for view in views:
        if isinstance(view, kind):
            if (view.dst, view.dport) == (vip.address, vip.port):
                found[view.src, view.sport].append(view)
            elif (view.src, view.sport) == (vip.address, vip.port):
                found[view.dst, view.dport].append(view)
    return found


def _at_servers(
    rs_views: Mapping[str, Sequence[View]], kind: type[TcpView | UdpView], port: int
) -> dict[_Place, list[TcpView | UdpView]]:
    """Frames of the real servers' port by capture and the peer's end."""
    found: dict[_Place, list[TcpView | UdpView]] = defaultdict(list)
    for name, views in rs_views.items():
        for view in views:
            if isinstance(view, kind):
                if view.frame.outgoing and view.sport == port:
                    found[name, view.dst, view.dport].append(view)
                elif not view.frame.outgoing and view.dport == port:
                    found[name, view.src, view.sport].append(view)
    return found


def _without(
    flows: Mapping[_K, list[TcpView | UdpView]], lasting: Collection[int]
) -> dict[_K, list[TcpView | UdpView]]:
    """The flows but those whose requests name one of these numbers."""
    names = tuple(f" /{number}/".encode() for number in lasting)

    def goes_on(view: TcpView | UdpView) -> bool:
        return any(name in view.payload[:32] for name in names)

    return {end: views for end, views in flows.items() if not any(map(goes_on, views))}


def _mark(view: TcpView | UdpView) -> object:
    """What a flow is known by at both sides: a SYN-ACK's sequence number, a datagram's octets.

    UOA names the client's end, which is better: short datagrams of two flows may be the same.
    """
    if isinstance(view, UdpView):
        return (view.uoa.address, view.uoa.port) if view.uoa else view.payload
    return view.seq if view.has("SA") else None


def _peers_by_mark(
    theirs: Mapping[_Place, Sequence[TcpView | UdpView]],
) -> Mapping[object, set[_Place]]:
    found: dict[object, set[_Place]] = defaultdict(set)
    for place, views in theirs.items():
        for view in views:
            found[_mark(view)].add(place)
    found.pop(None, None)  # of packets that show no flow by themselves
    return found
