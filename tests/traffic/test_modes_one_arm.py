"""The modes on one arm, over IPv6 and NAT64, against what a real DPVS v1.10.2 did."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.traffic.connection import Arm, FullNat, SocketAddress
from dpvs_acceptance.traffic.modes.arms import Arms, Server
from dpvs_acceptance.traffic.modes.direct import DirectRouting
from dpvs_acceptance.traffic.modes.mode import Followed, ForwardingMode
from dpvs_acceptance.traffic.modes.nat import Nat
from dpvs_acceptance.traffic.modes.synproxy import SynProxy
from dpvs_acceptance.traffic.modes.tunnel import TunnelMode
from dpvs_acceptance.traffic.views import TcpView

from . import recorded

TOPOLOGY = load_topology(Path(__file__).parents[2] / "topologies" / "checklist.yaml")
DUT = Arm("02:00:00:82:00:00")
CLIENT = "02:00:00:01:00:11"
MACS = {"rs1": "02:00:00:01:00:21", "rs2": "02:00:00:01:00:22"}
SERVICES = ("dr6", "tunnel", "tunnel6", "nat6", "fnat", "fnat6", "fnat64")


def mode(name: str) -> ForwardingMode:
    service = TOPOLOGY.service(name)
    vip = SocketAddress(str(service.vip), service.port)
    ends = {
        target.name: SocketAddress(
            str(TOPOLOGY.real_servers[target.name].of(service.server_family)), target.port
        )
        for target in service.real_servers
    }
    if service.synproxy:
        lips = frozenset(map(str, service.local_addresses))
        rs = {end: MACS[rs_name] for rs_name, end in ends.items()}
        return SynProxy(FullNat(vip, lips, rs, DUT, DUT, CLIENT))
    arms = Arms(vip, {n: Server(end, MACS[n], DUT) for n, end in ends.items()}, DUT, CLIENT)
    if service.forwarding == "tunnel":
        own = TOPOLOGY.links["wan"].own
        assert own
        return TunnelMode(arms, {version: str(own.of(version)) for version in (4, 6)})
    return {"dr": DirectRouting, "nat": Nat}[service.forwarding](arms)


def follow(name: str, how: ForwardingMode | None = None) -> Followed:
    here = recorded.views(f"lab-{name}", "client1")
    there = {rs: recorded.views(f"lab-{name}", rs) for rs in MACS}
    syn = next(view for view in here if isinstance(view, TcpView) and view.handshake)
    return (how or mode(name)).tcp(here, there, SocketAddress(syn.src, syn.sport))


@pytest.mark.parametrize("name", SERVICES)
def test_every_frame_is_as_its_mode_makes_it(name: str) -> None:
    followed = follow(name)
    assert not followed.findings, str(followed)
    assert followed.packets >= 10
    assert followed.rs_name in MACS


@pytest.mark.parametrize(
    ("recording", "other", "said"),
    [
        ("tunnel6", DirectRouting, "outer"),
        ("dr6", TunnelMode, "outer"),
    ],
)
def test_a_mode_is_not_taken_for_another(recording: str, other: type, said: str) -> None:
    right = mode(recording)
    assert isinstance(right, DirectRouting | TunnelMode)
    sources = ({4: "10.0.96.12", 6: "2001:db8:96::12"},) if other is TunnelMode else ()
    followed = follow(recording, other(right.arms, *sources))
    assert followed.findings
    assert said in str(followed)


def test_the_source_of_an_ipv6_tunnel_is_the_devices_own_address() -> None:
    right = mode("tunnel6")
    assert isinstance(right, TunnelMode)
    text = str(follow("tunnel6", TunnelMode(right.arms, {4: "10.0.96.12", 6: "2001:db8:96::13"})))
    assert text.startswith("not as expected of tunnel: outer.src: expected 2001:db8:96::13, seen ")
