"""What the load balancer counts of users' traffic (deployment guide, 2.4)."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.dpvs.ipvsadm.counters import Counters
from dpvs_acceptance.testbed import (
    NO_OTHER_TRAFFIC,
    READERS,
    Client,
    LoadBalancer,
    Service,
    Users,
    Vip,
    clients,
    services,
    vips,
)
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, Request, UdpFlow
from dpvs_acceptance.traffic.users.onwire import Amount
from fixtures.checks import for_each, needs, requirement

pytestmark = pytest.mark.traffic

FLOWS = 10
ESTABLISHED = ("TCP_EST", "ESTABLISHED")
PORT_ERRORS = ("ierrors", "oerrors", "imissed", "rx_nombuf")
SERVICES, PORTS = "ipvsadm -ln --stats", "dpip -s -v link show"


@requirement("USR-04")
@pytest.mark.ahead
@needs(READERS)
@for_each(service=services)
def test_flows_are_kept_open(users: Users, service: Service) -> None:
    """Steps: open a connection or UDP flow from every client, captured. Verify: the check that ends
    them."""
    users.keep_open(service)


@requirement("USR-03")
@pytest.mark.ahead
@needs(READERS)
@for_each(client=clients, vip=vips)
def test_an_echo_is_answered_before_a_pause(users: Users, client: Client, vip: Vip) -> None:
    """Steps: an echo request before all other traffic. Verify: its answer is right. The next echo
    request of the same identifier follows after all other traffic."""
    echoes = users.past.first_echo(client, vip)
    assert echoes.exact, echoes.report


@requirement("USR-11", core=True)
@needs(NO_OTHER_TRAFFIC)
@for_each(service=services.having(mode="fullnat", synproxy=False))
def test_connections_packets_and_octets_are_counted(
    lb: LoadBalancer, users: Users, service: Service
) -> None:
    """Steps: 10 flows of each client between two readings of `ipvsadm -ln --stats`.

    Verify: the service counts these flows, and the packets and octets that the clients captured, in
    each direction; the counters of its real servers add up to the same.
    """
    before = lb.read(SERVICES).counters(service.declared)
    if service.declared.protocol == "tcp":
        served = users.talk(service, [Dialogue((Request(), Request()))] * FLOWS)
    else:
        served = users.talk(service, udp=[UdpFlow((Datagram(1), Datagram(11)))] * FLOWS)
    after = lb.read(SERVICES).counters(service.declared)
    wire = served.on_wire
    wanted = (served.verified, wire.to_vip, wire.from_vip)
    seen = _since(before.counters, after.counters)
    assert seen == wanted, f"{service}: (flows, in, out) {wanted} captured, {seen} counted"
    pairs = zip(before.servers, after.servers, strict=True)
    flows = [_since(first.counters, last.counters)[0] for first, last in pairs]
    assert sum(flows) == seen[0], f"{service} counts {seen[0]} flows, its real servers {flows}"


def _since(first: Counters, last: Counters) -> tuple[int, Amount, Amount]:
    return (
        last.conns - first.conns,
        Amount(last.in_pkts - first.in_pkts, last.in_bytes - first.in_bytes),
        Amount(last.out_pkts - first.out_pkts, last.out_bytes - first.out_bytes),
    )


@requirement("USR-11", core=True)
def test_no_port_counted_an_error(lb: LoadBalancer) -> None:
    """Steps: the ports' error counters after the bring-up and now. Verify: they are the same."""
    first, now = lb.state.then, lb.read(PORTS)
    grown = [
        f"{port.name}: {name} {getattr(first.link_stats(port.name), name)}, now {seen}"
        for port in lb.deployment.ports
        for name in PORT_ERRORS
        if (seen := getattr(now.link_stats(port.name), name))
        != getattr(first.link_stats(port.name), name)
    ]
    assert not grown, "error counters increased: " + "; ".join(grown)


@requirement("USR-12", core=True)
@for_each(service=services.having(protocol="tcp", mode="fullnat", synproxy=False))
def test_ended_connections_are_not_established(
    lb: LoadBalancer, users: Users, service: Service
) -> None:
    """Steps: close connections by FIN and by RST, then read `ipvsadm -lnc`.

    Verify: those still listed are in a closing state. suites/closing reads the table again later.
    """
    served = users.talk(service, [Dialogue(), Dialogue(end="reset")] * FLOWS)
    ended = [end for one in served.ends.values() for end in one.locals]
    users.past.ended |= dict.fromkeys(map(str, ended), time.monotonic())
    still = [
        one
        for one in lb.read("ipvsadm -lnc").connections
        if str(one.client) in users.past.ended and one.state in ESTABLISHED
    ]
    assert not still, (
        f"{len(still)} of {len(ended)} closed connections are listed as ESTABLISHED: {still[0]}"
    )
