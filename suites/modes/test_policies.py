"""Per-service policies: idle timeout, access lists, persistence."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.dpvs.ipvsadm.connections import ConnectionEntry
from dpvs_acceptance.dpvs.ipvsadm.persistent import held_clients
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.testbed import TWO_REAL_SERVERS, Client, LoadBalancer, Service, services
from dpvs_acceptance.testbed.remote_clients import RemoteClients
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.tcpclient import Reset
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable
from fixtures.checks import for_each, needs, requirement

pytestmark = [pytest.mark.traffic, for_each(service=services.having(toa=True, family=4).one)]

FLOWS = 6
IDLE = 3  # seconds, of --conn-timeout and -p: the shortest that differs clearly from none
LONGEST = 20.0
SLACK = 1.5  # DPVS's timers count in whole seconds, and may add one
HELD = 300
CLIENTS, PORT = 10, 22001
REQUEST = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"


@requirement("FWD-05")
def test_an_idle_connection_is_kept_for_the_time_of_its_service(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: a connection to a service with --conn-timeout 3, and one to a service without it.

    Verify: the first is listed with 3 s and removed about 3 s later; the second is still listed.
    """
    added = lb.add_service(service, options=f"--conn-timeout {IDLE}", connection_timeout=IDLE)
    with spoofing.connection(added) as idle, spoofing.connection(service) as other:
        other.connect()
        idle.connect()
        begun = time.monotonic()
        listed = _of(lb.read("ipvsadm -lnc"), idle.source)
        assert listed, f"the connection of {idle.source} is not in ipvsadm -lnc"
        assert IDLE <= listed[0].timeout <= IDLE + SLACK, (
            f"an idle connection is listed with {listed[0].timeout} s, {IDLE} s expected"
        )
        while _of(state := lb.read("ipvsadm -lnc"), idle.source):
            kept = time.monotonic() - begun
            assert kept < LONGEST, f"the idle connection is still listed after {kept:.1f} s"
        kept = time.monotonic() - begun
        assert kept >= IDLE - SLACK, (
            f"an idle connection was removed after {kept:.1f} s, expected after {IDLE} s"
        )
        if not _of(state, other.source):
            raise Inconclusive("the other service's connection is gone, too (positive control)")
        other.reset()


@requirement("FWD-09")
@needs(TWO_REAL_SERVERS)
def test_a_client_stays_with_its_real_server_for_the_time_set(
    lb: LoadBalancer, client: Client, service: Service
) -> None:
    """Steps: connections of one client to a service with rr, to one with -p 3, and to the second
    again after its template has expired.

    Verify: without -p the connections alternate between the RS; with -p all go to one RS, and after
    the template has expired to the next one.
    """
    turns = _servers(client, lb.add_service(service))
    if len(turns) < 2:
        raise Inconclusive(f"rr without persistence gives all to {turns}")
    added = lb.add_service(service, options=f"-p {IDLE}", persistence=IDLE)
    first = _servers(client, added)
    assert len(first) == 1, (
        f"the connections of one client of a persistent service went to {sorted(first)}"
    )
    begun = time.monotonic()
    held = _held(lb, added)
    assert held == 1, f"ipvsadm --persistent-conn: one template expected, seen {held}"
    # It is held while it has connections; closed ones stay for some seconds, too.
    while _held(lb, added):
        kept = time.monotonic() - begun
        assert kept < LONGEST, (
            f"the client's template (-p {IDLE}) is still listed after {kept:.1f} s"
        )
    then = _servers(client, added)
    assert len(then) == 1, (
        f"the connections of one client of a persistent service went to {sorted(then)}"
    )
    assert then != first, (
        f"the template has expired, but the client's connections still go to {sorted(first)}"
    )


@requirement("FWD-10")
@needs(TWO_REAL_SERVERS)
def test_a_held_client_leaves_a_real_server_of_weight_0(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: connections to a service with -p 300, then set the weight of their real server to 0.

    Verify: with expire_quiescent_template the client's next connections go to the other RS.
    """
    if not lb.topology.dpvs.expire_quiescent_template:
        raise NotApplicable("the topology does not set dpvs.expire_quiescent_template")
    added = lb.add_service(service, options=f"-p {HELD}", persistence=HELD)
    held = set(spoofing.servers_of_syns(added, FLOWS).values())
    if len(held) > 1:
        raise Inconclusive(f"persistence not effective: one client is at {sorted(held)}")
    first = held.pop()
    added.set_weight(added.server_names.index(first), 0)
    then = set(spoofing.servers_of_syns(added, FLOWS).values())
    assert first not in then, (
        f"{first} has weight 0, but still gets new connections of its persistent client"
    )


@requirement("EDG-26")
def test_an_open_connection_outlives_weight_0_also_with_persistence(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: a request on a connection to a service with -p 300, without --expire-quiescent; set
    the weight of all its real servers to 0; a second request on the same connection.

    Verify: both are answered: weight 0 prevents new connections only.
    """
    added = lb.add_service(service, options=f"-p {HELD}", persistence=HELD)
    with spoofing.watch(), spoofing.connection(added) as connection:
        connection.connect()
        connection.request(REQUEST)
        for index in range(len(added.server_names)):
            added.set_weight(index, 0)
        try:
            answer = connection.request(REQUEST)
        except (NotSeen, Reset) as error:
            raise AssertionError(
                f"an open connection of a persistent service ended with weight 0: {error}"
            ) from None
        assert answer.startswith(b"HTTP/1.1 200"), f"200 expected, seen {answer[:60]!r}"
        connection.reset()


@requirement("FWD-11")
def test_a_client_on_the_blacklist_is_not_forwarded(
    lb: LoadBalancer, remote_clients: RemoteClients, service: Service
) -> None:
    """Steps: a SYN from each of ten clients, one of them on the service's blacklist; the same after
    the entry is deleted.

    Verify: nine reach a real server; then all ten.
    """
    added = lb.add_service(service)
    addresses = remote_clients.addresses(CLIENTS)
    denied = addresses[4]
    lb.run(f"ipvsadm -U {added.which} -k {denied}")
    passed = set(remote_clients.reached(added, addresses, PORT))
    if not passed - {denied}:
        raise Inconclusive("no client reaches a real server (positive control)")
    assert denied not in passed, f"{denied} is on the blacklist of {added.which}, but is forwarded"
    assert len(passed) == CLIENTS - 1, (
        f"clients not forwarded: {set(addresses) - passed - {denied}}"
    )
    lb.run(f"ipvsadm -V {added.which} -k {denied}", undo="")
    found = remote_clients.reached(added, addresses, PORT + 1)
    assert len(found) == CLIENTS, (
        f"after removal from the blacklist, {len(found)} of {CLIENTS} clients are forwarded"
    )


def _servers(client: Client, service: Service) -> set[str]:
    """The real servers that one client's requests reach."""
    return {name for name, syns in client.servers_of_requests(service, FLOWS).items() if syns}


def _of(state: DutState, client: SocketAddress) -> list[ConnectionEntry]:
    return [one for one in state.connections if str(one.client) == str(client)]


def _held(lb: LoadBalancer, service: Service) -> int:
    """How many clients the service holds, on all its real servers."""
    answer = lb.query("ipvsadm -Ln --persistent-conn")
    named = service.which.split()[1]
    return sum(held_clients(answer.stdout, service.declared.protocol, named).values())
