"""DPVS as a router, and its IPv6 switched off (IP4-07, IP4-09, IP6-07 to IP6-09)."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.match import ICMP, ICMPV6, Match
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.views import IcmpView, UdpView
from dpvs_acceptance.verdict.causes import Inconclusive
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import Operator
from fixtures.routed import RoutedPath, routed_path

# Traceroute's own: nobody listens there.
PORT = 33434
SOURCE_PORT = 50434
SWITCH = {
    4: ("ipv4_defs/forwarding", "ipv4:forwarding = {}"),
    6: ("ipv6_defs/forwarding", "ipv6:forwarding = {}"),
}
EXCEEDED = {4: (11, 0), 6: (3, 0)}  # RFC 792, RFC 4443

pytestmark = pytest.mark.traffic


@pytest.mark.requirement("IP4-07")
def test_ipv4_packets_of_no_service_are_forwarded(
    operator: Operator, scene: Scene, captures: Path, deployment: Deployment, crossing4: str
) -> None:
    """Steps: a datagram from a client by way of DPVS to a real server's own address, with
    ipv4_defs/forwarding off, then on (dpvs.conf, SIGHUP).

    Verify: off, the real server does not see it, though DPVS answers echoes; on, it sees it with
    TTL less one, from the port's MAC, otherwise unaltered.
    """
    _forwarded(operator, scene, captures, deployment, routed_path(scene, 4, crossing4))


@pytest.mark.requirement("IP6-07")
def test_ipv6_packets_of_no_service_are_forwarded(
    operator: Operator, scene: Scene, captures: Path, deployment: Deployment, crossing6: str
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _forwarded(operator, scene, captures, deployment, routed_path(scene, 6, crossing6))


@pytest.mark.requirement("IP4-09")
def test_an_ipv4_traceroute_shows_dpvs_as_a_hop(
    operator: Operator, scene: Scene, captures: Path, deployment: Deployment, crossing4: str
) -> None:
    """Steps: forwarding on; a datagram to a real server with TTL 1, then with TTL 2.

    Verify: the first is answered by `time exceeded` from an address of DPVS, which quotes it; the
    second reaches the real server.
    """
    _traced(operator, scene, captures, deployment, routed_path(scene, 4, crossing4))


@pytest.mark.requirement("IP6-09")
def test_an_ipv6_traceroute_shows_dpvs_as_a_hop(
    operator: Operator, scene: Scene, captures: Path, deployment: Deployment, crossing6: str
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _traced(operator, scene, captures, deployment, routed_path(scene, 6, crossing6))


@pytest.mark.requirement("IP6-08")
def test_ipv6_is_switched_off_as_a_whole(
    operator: Operator, scene: Scene, deployment: Deployment, one_vip6: str
) -> None:
    """Steps: echoes to the IPv6 VIP; ipv6_defs/disable on (dpvs.conf, SIGHUP), again; off, again.

    Verify: answered, not answered while IPv4's are, answered again.
    """
    client = deployment.topology.vip_clients[0]
    others = [a.address for a in deployment.addresses if a.use == "vip" and a.address.version == 4]

    def answered(target: str) -> int:
        mac = scene.next_hop(client, target)
        return ping(scene.stations[client], target, mac=mac, count=3, deadline=1.5).received

    assert answered(one_vip6) == 3, f"{one_vip6} does not answer to begin with"
    operator.reconfigure("ipv6_defs/disable", "on", told="ipv6:disable")
    seen = answered(one_vip6)
    if others and answered(str(others[0])) != 3:
        raise Inconclusive(f"{others[0]} does not answer either: it is not IPv6 alone that is off")
    assert seen == 0, f"IPv6 is switched off, and {one_vip6} answered {seen} of 3 echoes"
    operator.reconfigure("ipv6_defs/disable", "off", told="ipv6:disable")
    assert answered(one_vip6) == 3, f"IPv6 is on again, and {one_vip6} does not answer"


def _reaches(
    scene: Scene, captures: Path, way: RoutedPath, ttl: int, deadline: float = 2.0
) -> list[UdpView]:
    """The datagram, as the real server sees it: once, twice, or not at all."""
    nonce = secrets.token_bytes(12)
    ends = frames.Ends(way.ends.mac_src, way.ends.mac_dst, way.ends.src, way.ends.dst, ttl=ttl)
    sent = frames.udp(ends, SOURCE_PORT, PORT, nonce)
    at_server = Match(outgoing=False, payload=nonce, mac_dst=scene.stations[way.server].mac)
    with scene.stations[way.server].capture([Match(payload=nonce)]) as capture:
        scene.stations[way.client].send([sent])
        capture.wait_for(at_server, 1, deadline)
    capture.require_sound()
    write_pcap(captures / f"{way.server}-ttl{ttl}.pcap", capture.frames)
    views = [dissect(frame) for frame in at_server.select(capture.frames)]
    return [view for view in views if isinstance(view, UdpView)]


def _switched_on(operator: Operator, version: int) -> None:
    keyword, told = SWITCH[version]
    operator.reconfigure(keyword, "on", told=told)


def _forwarded(
    operator: Operator, scene: Scene, captures: Path, deployment: Deployment, way: RoutedPath
) -> None:
    seen = _reaches(scene, captures, way, 64, deadline=0.5)
    _switched_on(operator, way.ends.version)
    came = _reaches(scene, captures, way, 64)
    assert len(came) == 1, f"forwarding is on, and {way.server} sees the datagram {len(came)} times"
    topology = deployment.topology
    port = deployment.port(topology.real_servers[way.server].link)
    fields = (came[0].mac_src, came[0].src, came[0].dst, came[0].ttl, came[0].checksum)
    wanted = (port.nic.mac, way.ends.src, way.ends.dst, 63, "correct")
    assert fields == wanted, mismatch(
        "forwarded datagram: MAC, source, destination, TTL, checksum", expected=wanted, seen=fields
    )
    assert not seen, f"forwarding was off, and {way.server} saw the datagram"


def _traced(
    operator: Operator, scene: Scene, captures: Path, deployment: Deployment, way: RoutedPath
) -> None:
    _switched_on(operator, way.ends.version)
    kind, code = EXCEEDED[way.ends.version]
    station = scene.stations[way.client]
    ends = frames.Ends(way.ends.mac_src, way.ends.mac_dst, way.ends.src, way.ends.dst, ttl=1)
    probe = frames.udp(ends, SOURCE_PORT, PORT, secrets.token_bytes(12))
    protocols = [Match(protocol=ICMP), Match(protocol=ICMPV6)]
    with station.capture(protocols) as capture:
        wanted = Match(outgoing=False, icmp_type=kind, contains=probe[-12:])
        station.exchange(capture, [probe], wanted, deadline=2.0)
    capture.require_sound()
    write_pcap(captures / f"{way.client}.pcap", capture.frames)
    views = [dissect(frame) for frame in wanted.select(capture.frames)]
    answers = [v for v in views if isinstance(v, IcmpView)]
    assert answers, f"a datagram of TTL 1 to {way.ends.dst} is not answered by `time exceeded`"
    ours = {str(owned.address) for owned in deployment.addresses}
    seen = (answers[0].code, answers[0].checksum)
    assert seen == (code, "correct"), f"time exceeded: code and checksum {seen}"
    assert answers[0].src in ours, f"time exceeded is from {answers[0].src}, no address of DPVS"
    came = _reaches(scene, captures, way, 2)
    assert [view.ttl for view in came] == [1], f"with TTL 2 {way.server} sees it with {came}"
