"""The recordings of each forwarding mode as the mode's own object and both sides' views."""

from __future__ import annotations

from dataclasses import dataclass

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.modes.arms import Arms, Server
from dpvs_acceptance.traffic.modes.direct import DirectRouting
from dpvs_acceptance.traffic.modes.fullnat import FullNatMode
from dpvs_acceptance.traffic.modes.mode import ForwardingMode, Views
from dpvs_acceptance.traffic.modes.nat import Nat
from dpvs_acceptance.traffic.modes.snat import SourceNat
from dpvs_acceptance.traffic.modes.synpackets import Settings
from dpvs_acceptance.traffic.modes.synproxy import SynProxy
from dpvs_acceptance.traffic.modes.tunnel import TunnelMode
from dpvs_acceptance.traffic.views import TcpView, UdpView, View

from . import recorded

CLIENT = "10.0.0.48"
VIPS = {"dr": "10.0.0.110", "nat": "10.0.0.111", "tunnel": "10.0.0.112"}
NAMES = ("dr", "nat", "tunnel", "snat", "synproxy", *recorded.MODES)


@dataclass(frozen=True)
class Recording:
    mode: ForwardingMode
    client_views: list[View]
    rs_views: Views
    clients: tuple[SocketAddress, ...]

    @property
    def udp(self) -> bool:
        return any(isinstance(view, UdpView) for view in self.client_views)


def arms(name: str) -> Arms:
    vip = SocketAddress(VIPS[name], 80)
    servers = {
        rs: Server(SocketAddress(recorded.RS4[rs], 80), mac, recorded.LAN)
        for rs, mac in recorded.RS_MACS.items()
    }
    return Arms(vip, servers, recorded.WAN, recorded.CLIENT_MAC)


def mode(name: str) -> ForwardingMode:
    if name == "dr":
        return DirectRouting(arms(name))
    if name == "nat":
        return Nat(arms(name))
    if name == "tunnel":
        return TunnelMode(arms(name), {4: "0.0.0.0"})
    if name == "synproxy":
        web = recorded.service("fnat-tcp")
        facts = type(web)(
            SocketAddress("10.0.0.100", 8080),
            web.lips,
            web.rs,
            web.wan,
            web.lan,
            web.wan_peer_mac,
            web.behaviour,
        )
        return SynProxy(facts, Settings(close_window=True))
    if name == "snat":
        outside = Server(SocketAddress(CLIENT, 8090), recorded.CLIENT_MAC, recorded.WAN)
        inside = Arms(outside.end, {"outside": outside}, recorded.LAN, recorded.RS_MACS["rs1"])
        return SourceNat(inside, frozenset({"10.0.0.120"}))
    return FullNatMode(recorded.service(name))


def recording(name: str) -> Recording:
    if name == "snat":
        here: list[View] = recorded.views("snat", "rs1")
        there: Views = {"outside": recorded.views("snat", "client")}
    else:
        here = recorded.views(name, "client")
        if name == "dr":
            both = [*here, *recorded.views(name, "client-lan")]
            here = sorted(both, key=lambda view: view.frame.time_ns)
        there = {rs: recorded.views(name, rs) for rs in recorded.RS_MACS}
    return Recording(mode(name), here, there, _clients(name, here))


def _clients(name: str, here: list[View]) -> tuple[SocketAddress, ...]:
    """The ends that opened a flow at the client's side, in order of appearance."""
    found: dict[SocketAddress, None] = {}
    mine = "192.168.100.2" if name == "snat" else None
    for view in here:
        if not isinstance(view, TcpView | UdpView):
            continue
        opening = view.handshake if isinstance(view, TcpView) else view.dport == 8053
        if opening and mine in (None, view.src):
            found[SocketAddress(view.src, view.sport)] = None
    return tuple(found)
