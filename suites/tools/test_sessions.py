"""Counters and connections, as ipvsadm lists and clears them (ADM-03, ADM-09, ADM-10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dpvs_acceptance.dpvs.ipvsadm import ConnectionEntry, parse_connections
from dpvs_acceptance.model.topology import DeclaredService
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.testbed import NO_UNDO, Client, LoadBalancer, Service, services
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import for_each, requirement

STATS = "ipvsadm -ln --stats"

pytestmark = pytest.mark.traffic


@requirement("ADM-03")
@for_each(service=services.having(toa=True, family=4).one)
def test_counters_are_listed_and_set_to_zero(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: a connection; `ipvsadm -ln --stats` of all and of the service; `-Z` for the service.

    Verify: it counts, alike both ways; after `-Z` its counters and its real servers' are 0.
    """
    with _connected(spoofing, service):
        pass
    before = lb.read(STATS)
    assert before.counters(service.declared).counters.conns > 0, (
        f"no connection is counted for {service}"
    )
    assert before.counters(service.declared).counters.in_pkts > 0, (
        f"no packet is counted for {service}"
    )
    # What was counted cannot be put back; no other check rests on it.
    lb.run(f"ipvsadm -Z -t {service.vip}", undo=NO_UNDO)
    left = lb.read(STATS).counters(service.declared)
    for what in (left.counters, *(server.counters for server in left.servers)):
        values = (what.conns, what.in_pkts, what.out_pkts)
        assert values == (0, 0, 0), f"conns, packets in and out after `ipvsadm -Z`: {values}"


@requirement("ADM-03")
@for_each(service=services.having(toa=True, family=4).one)
def test_counters_of_other_services_stay(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: a connection; `ipvsadm -Z` for a service that the check added.

    Verify: no other counter decreases.
    """
    with _connected(spoofing, service):
        before = lb.read(STATS)
    assert _packets(before, service.declared), f"no packet is counted for {service}"
    lb.run("ipvsadm -A -t 198.51.100.1:80 -s rr")
    lb.run("ipvsadm -Z -t 198.51.100.1:80", undo=NO_UNDO)
    after = lb.read(STATS)
    for declared in lb.topology.services:
        seen, least = _packets(after, declared), _packets(before, declared)
        assert seen >= least, f"{declared.name} counted {least} packets, now {seen}"


@requirement("ADM-09")
@for_each(service=services.having(toa=True, family=4).one)
def test_an_open_connection_is_listed(lb: LoadBalancer, spoofing: Client, service: Service) -> None:
    """Steps: `ipvsadm -lnc` while a connection is open.

    Verify: it is in the list once, with client, VIP and a real server of the service.
    """
    with _connected(spoofing, service) as source:
        listed = [one for one in _listed(lb, "ipvsadm -lnc") if _is(one, source)]
    assert len(listed) == 1, f"the connection of {source} is listed {len(listed)} times, not once"
    assert str(listed[0].virtual) == str(service.vip), f"its virtual address is {listed[0].virtual}"
    servers = {(str(t.address), t.port) for t in lb.deployment.targets(service.declared)}
    seen = (str(listed[0].server.address), listed[0].server.port)
    assert seen in servers, mismatch("its real server", expected=servers, seen=seen)


@requirement("ADM-10")
@for_each(service=services.having(toa=True, family=4).one)
def test_an_open_connection_is_found_by_its_addresses(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: `ipvsadm -lnc --sockpair` while a connection is open. Verify: it is shown alone."""
    with _connected(spoofing, service) as source:
        alone = _listed(lb, f"ipvsadm -lnc --sockpair tcp:{source}:{service.vip}")
    seen = [(str(one.client), str(one.virtual)) for one in alone]
    wanted = [(str(source), str(service.vip))]
    assert seen == wanted, mismatch("shown by --sockpair", expected=wanted, seen=seen)


@requirement("ADM-10")
def test_a_missing_connection_is_not_found(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -lnc --sockpair` of a missing connection, and of an invalid pair.

    Verify: each command fails as in this version, and shows no connection.
    """
    pair = "tcp:192.0.2.1:1024:198.51.100.1:80"
    lb.refuses("session, missing", f"ipvsadm -lnc --sockpair {pair}")
    lb.refuses("session, bad address", "ipvsadm -lnc --sockpair tcp:192.0.2.1:1024")


@contextmanager
def _connected(client: Client, service: Service) -> Iterator[SocketAddress]:
    """A connection to the service, open in the context; the client's address and port."""
    with client.connection(service) as connection:
        connection.connect()
        yield connection.source
        connection.close()


def _packets(state: DutState, service: DeclaredService) -> int:
    counters = state.counters(service).counters
    return counters.in_pkts + counters.out_pkts


def _is(connection: ConnectionEntry, client: SocketAddress) -> bool:
    return str(connection.client) == str(client)


def _listed(lb: LoadBalancer, command: str) -> tuple[ConnectionEntry, ...]:
    answer = lb.query(command)
    assert not answer.exit_status, f"`{command}`: {answer.shown}"
    return parse_connections(answer.stdout, command)
