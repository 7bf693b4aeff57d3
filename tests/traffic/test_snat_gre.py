"""SNAT for what is behind a gre tunnel, against what a real DPVS v1.10.2 did."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.connection import Arm, SocketAddress
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.modes.arms import Arms, Server
from dpvs_acceptance.traffic.modes.gre import Gre
from dpvs_acceptance.traffic.modes.mode import Followed
from dpvs_acceptance.traffic.modes.snat import SourceNat
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.tunnelled import TunnelledStation
from dpvs_acceptance.traffic.views import IpView, TcpView, UdpView, View

from . import recorded

PEER = "198.18.253.2"
LAN, WAN = Arm("02:00:00:04:00:00"), Arm("02:00:00:82:00:00")
TUNNEL = Gre("192.168.229.166", "192.168.229.150")
SERVER = Server(SocketAddress("10.0.96.151", 0), "02:00:00:01:00:21", WAN)
MODE = SourceNat(
    Arms(SERVER.end, {"rs1": SERVER}, LAN, "02:00:00:01:00:11"), frozenset({"10.0.96.210"}), TUNNEL
)


def followed(kind: str, mode: SourceNat = MODE, here: list[View] | None = None) -> Followed:
    here = recorded.views(f"lab-snat-gre-{kind}", "client1") if here is None else here
    there = {"rs1": recorded.views(f"lab-snat-gre-{kind}", "rs1")}
    if kind == "icmp":
        return mode.echoes(here, there, PEER, "rs1")
    first = next(view for view in here if isinstance(view, TcpView | UdpView))
    follow = mode.tcp if kind == "tcp" else mode.udp
    return follow(here, there, SocketAddress(first.src, first.sport))


@pytest.mark.parametrize(("kind", "packets"), [("tcp", 9), ("udp", 6), ("icmp", 8)])
def test_every_packet_is_as_snat_makes_it_in_a_carrier(kind: str, packets: int) -> None:
    found = followed(kind)
    assert not found.findings, str(found)
    assert found.packets >= packets
    assert found.source.address == "10.0.96.210"


@pytest.mark.parametrize("kind", ["tcp", "udp", "icmp"])
def test_a_changed_bit_of_a_carrier_is_found(kind: str) -> None:
    """One in each octet of the outer header and of GRE's; but for the id, which is free."""
    here = recorded.views(f"lab-snat-gre-{kind}", "client1")
    at, answer = next((i, v) for i, v in enumerate(here) if isinstance(v, IpView) and v.dst == PEER)
    for octet in {*range(14, 38)} - {18, 19}:
        data = bytearray(answer.frame.data)
        data[octet] ^= 1 << octet % 8
        changed = list(here)
        changed[at] = dissect(replace(answer.frame, data=bytes(data)))
        assert followed(kind, here=changed).findings, octet


def test_another_tunnel_and_none_are_told() -> None:
    other = replace(MODE, gre=replace(TUNNEL, local="192.168.229.12"))
    told = str(followed("tcp", other))
    assert "outer.src: expected 192.168.229.12, seen 192.168.229.166" in told
    assert re.search(
        r"outer: expected None, seen Outer|outer: expected none, seen",
        str(followed("udp", replace(MODE, gre=None))),
    )


def test_a_station_behind_a_tunnel_says_and_hears_what_is_inside(
    left: Station, right: Station
) -> None:
    near = TunnelledStation(left, Gre("10.77.0.2", "10.77.0.1"))
    far = TunnelledStation(right, Gre("10.77.0.1", "10.77.0.2"))
    out = frames.Ends(left.mac, right.mac, PEER, "10.0.96.151")
    back = frames.Ends(right.mac, left.mac, "10.0.96.151", PEER)
    other, asked, said = (
        frames.udp(*ends, 1, 2, text, ip_id=7)
        for ends, text in (((out,), b"another"), ((out,), b"asked"), ((back,), b"said"))
    )
    with (
        right.capture([Match(protocol=47)]) as wire,
        near.capture() as here,
        far.capture() as there,
    ):
        near.send([other])
        waited = far.exchange(there, [], Match(payload=b"asked", outgoing=False), deadline=0.1)
        assert not waited.enough
        near.send([asked])
        assert there.wait_for(Match(payload=b"asked", outgoing=False)).enough
        answers = Match(payload=b"said", outgoing=False)
        assert far.exchange(there, [said], Match(payload=b"said")).enough
        assert here.wait_for(answers).enough
    assert [frame.data for frame in there.frames] == [other, asked, said]
    assert [frame.data for frame in here.select(answers)] == [said]
    (first, *_) = (dissect(frame) for frame in wire.frames)
    assert isinstance(first, UdpView)
    assert first.outer is not None
    assert (first.src, first.outer.src, first.outer.dst) == (PEER, "10.77.0.1", "10.77.0.2")
