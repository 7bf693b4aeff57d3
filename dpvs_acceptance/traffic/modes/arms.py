"""Where a service's packets come from and go to, and how they cross a link unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from dpvs_acceptance.traffic.mapping import Endpoint, Link
from dpvs_acceptance.traffic.views import Checksum, IpView, TcpView, UdpView, Vlan

V = TypeVar("V", bound=IpView)


@dataclass(frozen=True, slots=True)
class Server:
    """A real server of a service: address and port there, and its MAC on the link."""

    end: Endpoint
    mac: str


@dataclass(frozen=True, slots=True)
class Arms:
    """What a topology and a bench say of one service for one client, before any packet.

    servers: by the name of their capture. wan: the client's neighbour on the way to the VIP (the
    DUT's port, or the client's router) and its link; lan: the DUT's port towards the real servers.
    wan_peer_mac: the client's own MAC. hops: routers between client and DUT; each takes one off
    the TTL, DPVS itself takes off none (unless ``xmit_ttl`` is in dpvs.conf: add one then, except
    for DR, which never does).
    """

    vip: Endpoint
    servers: dict[str, Server]
    wan: Link
    lan: Link
    wan_peer_mac: str
    hops: int = 0


def to_server(view: V, arms: Arms, server: Server) -> V:
    """Onto the link of the real servers: new MACs, the rest as it was sent."""
    return _onto(view, arms.lan, server.mac, arms.hops)


def to_client(view: V, arms: Arms) -> V:
    """Onto the client's link, by way of the DUT."""
    return _onto(view, arms.wan, arms.wan_peer_mac, arms.hops)


def past_the_device(view: V, arms: Arms) -> V:
    """A real server's reply that goes to the client past the DUT: the very frame that it sent,
    or what a router between them makes of it."""
    if arms.hops:
        return _onto(view, arms.wan, arms.wan_peer_mac, arms.hops)
    return replace(_on_the_wire(view), padding=b"")


def _onto(view: V, link: Link, peer_mac: str, hops: int) -> V:
    vlans = () if link.vlan is None else (Vlan(0x8100, 0, 0, link.vlan),)
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
