"""DPVS answers echoes: many in a row, and such as come in fragments (IP4-06, IP4-08, IP6-06)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.match import ICMP, Match
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.views import IpView
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.state import Look

MANY = 500
LARGE = 1600  # octets of payload: two fragments on Ethernet, one buffer in DPVS
STEP = 1480
FEW, IDENTIFIER = 10, 0x4108

pytestmark = pytest.mark.traffic


@pytest.mark.requirement("IP4-06")
def test_none_of_many_echoes_is_lost(
    scene: Scene, captures: Path, deployment: Deployment, one_vip4: str
) -> None:
    """Steps: 500 echoes, 4 ms apart. Verify: each is answered once and unaltered.

    What they took is kept as evidence; no bound is set here, as it depends on the machine.
    """
    _many(scene, captures, deployment.topology.vip_clients[0], one_vip4)


@pytest.mark.requirement("IP6-06")
def test_none_of_many_ipv6_echoes_is_lost(
    scene: Scene, captures: Path, deployment: Deployment, one_vip6: str
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _many(scene, captures, deployment.topology.vip_clients[0], one_vip6)


@pytest.mark.requirement("IP4-08")
def test_echoes_in_fragments_are_put_together(
    scene: Scene, look: Look, captures: Path, deployment: Deployment, one_vip4: str
) -> None:
    """Steps: 10 echo requests of 1,600 octets, each in two fragments, the last one first; how many
    packets the port received meanwhile.

    Verify: each is answered, with every octet of it. Where the port's driver put them together
    before DPVS could, nothing is shown: the port received fewer packets than there were fragments.
    Where all are dropped, and whole echoes are answered, this DPVS does not put any together.
    """
    client = deployment.topology.vip_clients[0]
    station, mac = scene.stations[client], scene.next_hop(client, one_vip4)
    ends = frames.Ends(station.mac, mac, station.facts.address(4), one_vip4, dont_fragment=False)
    payload = bytes(range(200)) * (LARGE // 200)
    sent = [part for number in range(FEW) for part in _in_fragments(ends, number, payload)]
    link = next(
        name for name, vips in deployment.topology.vips.items() if one_vip4 in map(str, vips)
    )
    port = deployment.port(link).name
    before = look("dpip -s -v link show").link_stats(port).ipackets
    with station.capture([Match(host=one_vip4)]) as capture:
        came = Match(outgoing=False, src=one_vip4, protocol=ICMP)
        station.exchange(capture, sent, came, count=len(sent), deadline=2.0, gap_us=2000)
    capture.require_sound()
    write_pcap(captures / "fragments.pcap", capture.frames)
    received = look("dpip -s -v link show").link_stats(port).ipackets - before
    if received < len(sent):
        raise NotSupported(
            f"the driver of {port} puts fragments together itself: {len(sent)} were sent, "
            f"`dpip -s link show {port}` counts {received} packets"
        )
    views = [v for f in came.select(capture.frames) if isinstance(v := dissect(f), IpView)]
    answers: dict[int | None, bytes] = {}
    for view in sorted(views, key=lambda v: v.fragment_offset):
        answers[view.ip_id] = answers.get(view.ip_id, b"") + view.ip_payload
    if not answers:
        control = ping(station, one_vip4, mac=mac, count=FEW)
        assert not control.problems, f"ping {one_vip4}: " + "\n".join(control.problems)
        raise NotSupported(
            f"of {FEW} echoes in fragments none is answered, of {FEW} whole ones each: fragments "
            "are dropped, not put together"
        )
    whole = [body for body in answers.values() if body[8:] == payload]
    assert len(whole) == FEW, f"{FEW} echoes in fragments, {len(whole)} whole answers"


def _in_fragments(ends: frames.Ends, number: int, payload: bytes) -> list[bytes]:
    """An echo request as two frames, the last of them first."""
    whole = frames.echo_request(ends, IDENTIFIER, number, payload)[34:]
    parts = []
    for at in range(0, len(whole), STEP):
        more = "MF" if at + STEP < len(whole) else 0
        head = frames.network(ends, IDENTIFIER + number, proto=ICMP, frag=at // 8, flags=more)
        parts.append(bytes(head / frames.scapy().Raw(whole[at : at + STEP])))
    return parts[::-1]


def _many(scene: Scene, captures: Path, client: str, vip: str) -> None:
    mac = scene.next_hop(client, vip)
    result = ping(scene.stations[client], vip, mac=mac, count=MANY, gap_ms=4, deadline=10.0)
    write_pcap(captures / f"{client}.pcap", result.frames)
    ordered = sorted(result.rtts)
    quantiles = {q: ordered[int(q * (len(ordered) - 1))] for q in (0.0, 0.5, 0.99, 1.0) if ordered}
    (captures / "rtt.json").write_text(json.dumps({"vip": vip, "seconds": quantiles}))
    assert not result.problems, f"{MANY} echoes to {vip}: " + "\n".join(result.problems)
