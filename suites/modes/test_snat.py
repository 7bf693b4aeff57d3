"""Hosts inside reach servers outside by an address of DPVS's (FWD-14, FWD-15)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Client, RealServer, inner_hosts, rules, servers
from dpvs_acceptance.testbed.snat import ECHO, HTTP, SnatRule
from dpvs_acceptance.traffic.connection import SocketAddress
from fixtures.checks import for_each, requirement

pytestmark = [
    requirement("every mode"),
    pytest.mark.traffic,
    for_each(client=inner_hosts, server=servers),
]

DATAGRAMS = 3
ECHOES = 5


@requirement("FWD-14")
@for_each(rule=rules.having(protocol="tcp"))
def test_a_host_inside_reaches_the_outside_by_tcp(
    client: Client, server: RealServer, rule: SnatRule
) -> None:
    """Steps: a request from an inner host to an outer server, captured at both.

    Verify: 200; outside it comes from an address of the rule's pool; every other field of every
    packet, in both directions, is as SNAT makes it.
    """
    outside = SocketAddress(str(server.address), HTTP)
    with client.watch() as watch:
        (answer,) = client.get(f"http://{outside}/")
        watch.settle(outside)
    assert answer.status == 200, f"http://{outside}/ from {client}: {answer}"
    assert answer.local, f"no connection to {outside}: {answer}"
    followed = rule.mode(client).tcp(watch.client_views, watch.server_views, answer.local)
    assert not followed.findings, str(followed)


@requirement("FWD-14")
@for_each(rule=rules.having(protocol="udp"))
def test_a_host_inside_reaches_the_outside_by_udp(
    client: Client, server: RealServer, rule: SnatRule
) -> None:
    """Steps: three datagrams of the host inside to a server outside. Verify: as for TCP."""
    outside = SocketAddress(str(server.address), ECHO)
    with client.watch() as watch:
        result = client.send_datagrams(outside, [client.source().tag for _ in range(DATAGRAMS)])
    assert result.answered == DATAGRAMS, f"{outside}: {result.answered} of {DATAGRAMS} answered"
    followed = rule.mode(client).udp(watch.client_views, watch.server_views, result.local)
    assert not followed.findings, str(followed)


@requirement("FWD-15")
@for_each(rule=rules.having(protocol="icmp"))
def test_a_host_inside_pings_the_outside(
    client: Client, server: RealServer, rule: SnatRule
) -> None:
    """Steps: five echo requests of the host inside to a server outside, captured at both.

    Verify: each is answered once; outside they come from the rule's address; identifier, sequence
    number, payload and all else are as the host sent them.
    """
    with client.watch() as watch:
        echoes = client.ping(str(server.address), count=ECHOES)
    assert echoes.exact, echoes.report
    inner = rule.address_of(client)
    followed = rule.mode(client).echoes(watch.client_views, watch.server_views, inner, server.name)
    assert not followed.findings, str(followed)
