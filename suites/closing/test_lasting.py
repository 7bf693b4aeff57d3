"""Connections that lasted, and those that ended, after all other traffic."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.testbed import (
    Client,
    LoadBalancer,
    Service,
    Users,
    Vip,
    clients,
    services,
    vips,
)
from dpvs_acceptance.testbed.lasting import SLOWEST
from dpvs_acceptance.verdict.causes import NotTested
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic

# DPVS keeps a closed connection for 7 s at most (ip_vs_proto_tcp.c, tcp_timeouts), in steps of 1 s.
FORGOTTEN = 10.0  # seconds


@requirement("USR-04", core=True)
@requirement("USR-08", protocol="udp")
@for_each(service=services)
def test_connections_that_lasted_still_carry(users: Users, service: Service) -> None:
    """Steps: more requests on the connections that were opened before all other traffic, and have
    been idle for at least 5 s.

    Verify: each is answered within 300 ms (HTTP: 200), and so was each request in between; each
    packet is correct on both sides.
    """
    wrong = users.end_open(service)
    assert not wrong, f"{service}: " + "\n".join(wrong)


@requirement("USR-03", core=True)
@for_each(client=clients, vip=vips)
def test_an_echo_is_answered_after_a_pause(users: Users, client: Client, vip: Vip) -> None:
    """Steps: an echo request of an identifier that was not used for at least 5 s.

    Verify: one answer, from the port's MAC, with the same octets, within 300 ms.
    """
    echoes = users.past.next_echo(client, vip)
    assert echoes.exact, echoes.report
    (seconds,) = echoes.result.rtts
    assert seconds <= SLOWEST, f"{vip} answers {client} after {seconds:.3f} s, {SLOWEST} s expected"


@requirement("USR-12", core=True)
def test_closed_connections_leave_the_table(lb: LoadBalancer, users: Users) -> None:
    """Steps: read `ipvsadm -lnc` until it lists none of the connections that the checks before
    closed, for at most 10 s after their end.

    Verify: none is left.
    """
    if not users.past.ended:
        raise NotTested("no connection was ended for this check")
    until = max(users.past.ended.values()) + FORGOTTEN
    while True:
        listed = lb.read("ipvsadm -lnc").connections
        left = [one for one in listed if str(one.client) in users.past.ended]
        if not left or time.monotonic() > until:
            break
    count = len(users.past.ended)
    assert not left, f"{len(left)} of {count} closed connections are still listed: {left[0]}"
