"""Client, DUT and real servers of a service, and frames that are forwarded unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from dpvs_acceptance.traffic.connection import Arm, SocketAddress
from dpvs_acceptance.traffic.views import Checksum, IpView, TcpView, UdpView, VlanTag

V = TypeVar("V", bound=IpView)


@dataclass(frozen=True, slots=True)
class Server:
    """A real server of a service: its address, port and MAC.

    link: its neighbour towards the DUT, the DUT's port or a router. hops: routers in between.
    """

    end: SocketAddress
    mac: str
    link: Arm
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Arms:
    """One service for one client, from topology and bench.

    servers: by name of their capture. wan: the client's neighbour towards the DUT (its port or a
    router). wan_peer_mac: the client's MAC. hops: routers between client and DUT, each of which
    decrements the TTL; DPVS does not (the generated dpvs.conf has no ``xmit_ttl``).
    """

    vip: SocketAddress
    servers: dict[str, Server]
    wan: Arm
    wan_peer_mac: str
    hops: int = 0


def to_server(view: V, arms: Arms, server: Server) -> V:
    """The frame at the real server: new MACs, TTL minus the routers, otherwise unchanged."""
    return _onto(view, server.link, server.mac, arms.hops + server.hops)


def to_client(view: V, arms: Arms, server: Server) -> V:
    """The frame at the client, through the DUT."""
    return _onto(view, arms.wan, arms.wan_peer_mac, arms.hops + server.hops)


def past_the_device(view: V, arms: Arms, server: Server) -> V:
    """A real server's reply that bypasses the DUT: the same frame, or as forwarded by a router."""
    if hops := arms.hops + server.hops:
        return _onto(view, arms.wan, arms.wan_peer_mac, hops)
    return replace(_on_the_wire(view), padding=b"")


def _onto(view: V, link: Arm, peer_mac: str, hops: int) -> V:
    vlans = () if link.vlan is None else (VlanTag(0x8100, 0, 0, link.vlan),)
    return replace(
        _on_the_wire(view),
        mac_src=link.dut_mac,
        mac_dst=peer_mac,
        vlans=vlans,
        padding=b"",
        ttl=view.ttl - hops,
    )


def _on_the_wire(view: V) -> V:
    """A checksum filled in by the sender's NIC is correct on arrival."""
    if isinstance(view, TcpView | UdpView) and view.checksum == "pending":
        correct: Checksum = "correct"
        return replace(view, checksum=correct)
    return view
