"""Hosts behind a gre tunnel reach servers outside by an address of DPVS's (V172-24)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import rules
from dpvs_acceptance.testbed.snat import ECHO, HTTP, SnatRule
from dpvs_acceptance.testbed.tunnels import PEER
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from fixtures.checks import for_each, requirement

GET = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"
COUNT = 3

pytestmark = [requirement("V172-24"), pytest.mark.traffic]


@for_each(rule=rules.having(protocol="tcp"))
def test_a_host_behind_a_gre_tunnel_reaches_the_outside_by_tcp(rule: SnatRule) -> None:
    """Steps: a gre device towards an inner host, and a rule for sources behind it; from there,
    through the tunnel, a request to a server outside, captured at both.

    Verify: 200; at the server it comes from the rule's address, without GRE; the answers reach the
    host in GRE; every other field of every packet, in both directions, is as SNAT makes it.
    """
    with rule.behind_gre() as behind:
        outside, source = SocketAddress(behind.outside, HTTP), behind.source()
        with behind.client.watch() as watch:
            with CraftedTcp(behind.station, source, outside, behind.mac) as connection:
                connection.connect()
                answer = connection.request(GET)
                connection.close()
            sent = sum(frame.outgoing for frame in connection.capture.frames)
            arriving = Match(outgoing=False, dport=HTTP)
            watch.captures[behind.server].wait_for(arriving, sent, 1.0)
    assert b" 200 " in answer[:15], f"{outside} says {answer[:60]!r}"
    followed = behind.mode.tcp(watch.client_views, watch.server_views, source)
    assert not followed.findings, str(followed)


@for_each(rule=rules.having(protocol="udp"))
def test_a_host_behind_a_gre_tunnel_reaches_the_outside_by_udp(rule: SnatRule) -> None:
    """Steps: the same with three datagrams. Verify: each is answered; the rest as for TCP."""
    with rule.behind_gre() as behind:
        source, station = behind.source(), behind.station
        ends = frames.Ends(station.mac, behind.mac, source.address, behind.outside)
        sent = [frames.udp(ends, source.port, ECHO, b"%d" % n, ip_id=n) for n in range(COUNT)]
        answers = Match(outgoing=False, src=behind.outside, sport=ECHO, dport=source.port)
        with behind.client.watch() as watch, station.capture() as inside:
            came = station.exchange(inside, sent, answers, count=COUNT)
    assert came.enough, f"{behind.outside}: {len(came.frames)} of {COUNT} datagrams answered"
    followed = behind.mode.udp(watch.client_views, watch.server_views, source)
    assert not followed.findings, str(followed)


@for_each(rule=rules.having(protocol="icmp"))
def test_a_host_behind_a_gre_tunnel_pings_the_outside(rule: SnatRule) -> None:
    """Steps: the same with three echo requests. Verify: each is answered once; the rest as for TCP,
    identifier, sequence number and payload as the host sent them."""
    with rule.behind_gre() as behind, behind.client.watch() as watch:
        station, outside = behind.station, behind.outside
        result = ping(station, outside, mac=behind.mac, source=PEER, count=COUNT)
    assert not result.problems, f"ping {outside}: " + "\n".join(result.problems)
    followed = behind.mode.echoes(watch.client_views, watch.server_views, PEER, behind.server)
    assert not followed.findings, str(followed)
