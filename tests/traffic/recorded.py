"""The recordings of a real DPVS v1.10.2, and the facts of the bench they were made on."""

from __future__ import annotations

import functools
from pathlib import Path

from dpvs_acceptance.traffic.connection import Arm, Behaviour, FullNat, SocketAddress
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import read_pcap
from dpvs_acceptance.traffic.views import IpView, TcpView, UdpView, View

PCAPS = Path(__file__).parent / "pcap"
CLIENT_MAC = "02:00:00:00:01:48"
WAN = Arm("02:00:00:00:01:01")
LAN = Arm("02:00:00:00:02:01")
RS_MACS = {"rs1": "02:00:00:00:02:12", "rs2": "02:00:00:00:02:13"}
RS4 = {"rs1": "192.168.100.2", "rs2": "192.168.100.3"}
RS6 = {"rs1": "fd00:100::2", "rs2": "fd00:100::3"}
MODES = ("fnat-tcp", "fnat-tcp6", "nat64", "fnat-udp-uoa-opp")


def service(mode: str, version: str = "1.10.2") -> FullNat:
    vip = {
        "fnat-tcp": SocketAddress("10.0.0.100", 80),
        "fnat-tcp6": SocketAddress("2001:db8:1::100", 80),
        "nat64": SocketAddress("2001:db8:1::64", 80),
        "fnat-udp-uoa-opp": SocketAddress("10.0.0.100", 8053),
    }[mode]
    addresses = RS6 if mode == "fnat-tcp6" else RS4
    lip = "fd00:100::200" if mode == "fnat-tcp6" else "192.168.100.200"
    rs = {SocketAddress(addresses[name], vip.port): mac for name, mac in RS_MACS.items()}
    behaviour = Behaviour.of_version(version)
    return FullNat(vip, frozenset({lip}), rs, WAN, LAN, CLIENT_MAC, behaviour)


def views(mode: str, where: str) -> list[View]:
    return [dissect(frame) for frame in read_pcap(PCAPS / f"{mode}-{where}.pcap")]


def sides(mode: str) -> tuple[list[View], dict[str, list[View]]]:
    return views(mode, "client"), {name: views(mode, name) for name in RS_MACS}


def clients(mode: str) -> list[SocketAddress]:
    """Every client endpoint that spoke to the VIP, in order of appearance."""
    found: list[SocketAddress] = []
    vip = service(mode).vip
    for view in views(mode, "client"):
        if isinstance(view, TcpView | UdpView) and (view.dst, view.dport) == (
            vip.address,
            vip.port,
        ):
            end = SocketAddress(view.src, view.sport)
            if end not in found:
                found.append(end)
    return found


@functools.cache
def all_ip_frames() -> list[IpView]:
    return [
        view
        for path in sorted(PCAPS.glob("*.pcap"))
        for view in (dissect(frame) for frame in read_pcap(path))
        if isinstance(view, IpView)
    ]
