"""ICMP echo: bursts and fragmented requests (IP4-06, IP4-08, IP6-06)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpvs_acceptance.testbed import Client, LoadBalancer, Vip, vips
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.match import ICMP, Match
from dpvs_acceptance.traffic.views import IpView
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.checks import for_each, requirement

MANY = 500
LARGE = 1600  # octets of payload: two fragments on Ethernet, one buffer in DPVS
STEP = 1480
FEW, IDENTIFIER = 10, 0x4108

pytestmark = pytest.mark.traffic


@requirement("IP4-06", family=4)
@requirement("IP6-06", family=6)
@for_each(vip=vips.one_per("family"))
def test_no_echo_of_a_burst_is_lost(client: Client, vip: Vip, captures: Path) -> None:
    """Steps: 500 echoes, 4 ms apart. Verify: each is answered once and unaltered.

    The round-trip times are kept as evidence; there is no bound, they depend on the machine.
    """
    echoes = client.ping(vip, count=MANY, gap_ms=4, deadline=10.0)
    ordered = sorted(echoes.result.rtts)
    quantiles = {q: ordered[int(q * (len(ordered) - 1))] for q in (0.0, 0.5, 0.99, 1.0) if ordered}
    (captures / "rtt.json").write_text(json.dumps({"vip": vip.address, "seconds": quantiles}))
    assert echoes.exact, f"{MANY} echoes: {echoes.report}"


@requirement("IP4-08")
@for_each(vip=vips.having(family=4).one)
def test_fragmented_echoes_are_reassembled(
    lb: LoadBalancer, client: Client, vip: Vip, captures: Path
) -> None:
    """Steps: 10 echo requests of 1,600 octets, each in two fragments, the last one first; the
    packets that the port received meanwhile.

    Verify: each is answered with all its octets. Where the port's driver reassembles them before
    DPVS (the port received fewer packets than fragments), nothing is shown. Where all are dropped
    while whole echoes are answered, this DPVS reassembles none.
    """
    station, mac = client.station, client.next_hop(vip)
    source = station.facts.address(4)
    ends = frames.Ends(station.mac, mac, source, vip.address, dont_fragment=False)
    payload = bytes(range(200)) * (LARGE // 200)
    sent = [part for number in range(FEW) for part in _in_fragments(ends, number, payload)]
    port = vip.link.port.name
    before = lb.read("dpip -s -v link show").link_stats(port).ipackets
    with station.capture([Match(host=vip.address)]) as capture:
        came = Match(outgoing=False, src=vip.address, protocol=ICMP)
        station.exchange(capture, sent, came, count=len(sent), deadline=2.0, gap_us=2000)
    capture.require_sound()
    write_pcap(captures / "fragments.pcap", capture.frames)
    received = lb.read("dpip -s -v link show").link_stats(port).ipackets - before
    if received < len(sent):
        raise NotSupported(
            f"the driver of {port} reassembles fragments itself: {len(sent)} were sent, "
            f"`dpip -s link show {port}` counts {received} packets"
        )
    views = [v for f in came.select(capture.frames) if isinstance(v := dissect(f), IpView)]
    answers: dict[int | None, bytes] = {}
    for view in sorted(views, key=lambda v: v.fragment_offset):
        answers[view.ip_id] = answers.get(view.ip_id, b"") + view.ip_payload
    if not answers:
        control = client.ping(vip, count=FEW)
        assert control.exact, control.report
        raise NotSupported(
            f"none of {FEW} fragmented echoes is answered, and each of {FEW} whole ones: fragments "
            "are dropped, not reassembled"
        )
    whole = [body for body in answers.values() if body[8:] == payload]
    assert len(whole) == FEW, f"{FEW} fragmented echoes, {len(whole)} whole answers"


def _in_fragments(ends: frames.Ends, number: int, payload: bytes) -> list[bytes]:
    """An echo request as two frames, the last of them first."""
    whole = frames.echo_request(ends, IDENTIFIER, number, payload)[34:]
    parts = []
    for at in range(0, len(whole), STEP):
        more = "MF" if at + STEP < len(whole) else 0
        head = frames.network(ends, IDENTIFIER + number, proto=ICMP, frag=at // 8, flags=more)
        parts.append(bytes(head / frames.scapy().Raw(whole[at : at + STEP])))
    return parts[::-1]
