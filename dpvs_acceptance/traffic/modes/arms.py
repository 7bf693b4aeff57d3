"""Where a service's packets come from and go to, and how they cross a link unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from dpvs_acceptance.traffic.connection import Arm, SocketAddress
from dpvs_acceptance.traffic.views import Checksum, IpView, TcpView, UdpView, VlanTag

V = TypeVar("V", bound=IpView)


@dataclass(frozen=True, slots=True)
class Server:
    """A real server of a service: address and port there, and its own MAC.

    link: its neighbour towards the DUT, which is the DUT's port or a router. hops: routers between.
    """

    end: SocketAddress
    mac: str
    link: Arm
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Arms:
    """What a topology and a bench say of one service for one client, before any packet.

    servers: by the name of their capture. wan: the client's neighbour on the way to the DUT (its
    port, or a router). wan_peer_mac: the client's own MAC. hops: routers between client and DUT;
    each takes one off the TTL, DPVS itself takes off none (``xmit_ttl`` is not in any dpvs.conf
    that is generated here).
    """

    vip: SocketAddress
    servers: dict[str, Server]
    wan: Arm
    wan_peer_mac: str
    hops: int = 0


def to_server(view: V, arms: Arms, server: Server) -> V:
    """At the real server: new MACs, the routers' share of the TTL, the rest as it was sent."""
    return _onto(view, server.link, server.mac, arms.hops + server.hops)


def to_client(view: V, arms: Arms, server: Server) -> V:
    """At the client, by way of the DUT."""
    return _onto(view, arms.wan, arms.wan_peer_mac, arms.hops + server.hops)


def past_the_device(view: V, arms: Arms, server: Server) -> V:
    """A real server's reply that goes to the client past the DUT: the very frame that it sent,
    or what a router between them makes of it."""
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
    """A checksum that the sender's NIC fills in is right when it arrives."""
    if isinstance(view, TcpView | UdpView) and view.checksum == "pending":
        correct: Checksum = "correct"
        return replace(view, checksum=correct)
    return view
