"""Counters and connections, as ipvsadm lists and clears them (ADM-03, ADM-09, ADM-10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dpvs_acceptance.dpvs.ipvsadm import ConnectionEntry, parse_connections
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import DeclaredService
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look
from fixtures.traffic import Clients

STATS = "ipvsadm -ln --stats"

pytestmark = pytest.mark.traffic


@pytest.mark.requirement("ADM-03")
def test_counters_are_listed_and_set_to_zero(
    operator: Operator,
    look: Look,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    plain_name: str,
) -> None:
    """Steps: a connection; `ipvsadm -ln --stats` of all and of the service; `-Z` for the service.

    Verify: it counts, alike both ways; after `-Z` its counters and its real servers' are 0.
    """
    service = deployment.topology.service(plain_name)
    with _connected(scene, clients, scene.vip(service)):
        pass
    before = look(STATS)
    assert before.counters(service).counters.conns > 0, f"no connection is counted for {plain_name}"
    assert before.counters(service).counters.in_pkts > 0, f"no packet is counted for {plain_name}"
    # What was counted cannot be put back; no other check rests on it.
    operator.does(f"ipvsadm -Z -t {scene.vip(service)}", undo=OWN)
    left = look(STATS).counters(service)
    for what in (left.counters, *(server.counters for server in left.servers)):
        values = (what.conns, what.in_pkts, what.out_pkts)
        assert values == (0, 0, 0), f"conns, packets in and out after `ipvsadm -Z`: {values}"


@pytest.mark.requirement("ADM-03")
def test_counters_of_other_services_stay(
    operator: Operator,
    look: Look,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    plain_name: str,
) -> None:
    """Steps: a connection; `ipvsadm -Z` for a service of the check's own.

    Verify: no other counter goes back.
    """
    counted = deployment.topology.service(plain_name)
    with _connected(scene, clients, scene.vip(counted)):
        before = look(STATS)
    assert _packets(before, counted), f"no packet is counted for {plain_name}"
    operator.does("ipvsadm -A -t 198.51.100.1:80 -s rr")
    operator.does("ipvsadm -Z -t 198.51.100.1:80", undo=OWN)
    after = look(STATS)
    for service in deployment.topology.services:
        seen, least = _packets(after, service), _packets(before, service)
        assert seen >= least, f"{service.name} counted {least} packets, now {seen}"


@pytest.mark.requirement("ADM-09")
def test_a_connection_is_listed_with_all(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    plain_name: str,
) -> None:
    """Steps: `ipvsadm -lnc` while a connection is open.

    Verify: it is in the list once, with client, VIP and a real server of the service.
    """
    service = deployment.topology.service(plain_name)
    vip = scene.vip(service)
    with _connected(scene, clients, vip) as source:
        listed = [one for one in _listed(operator, "ipvsadm -lnc") if _is(one, source)]
    assert len(listed) == 1, f"the connection of {source} is listed {len(listed)} times, not once"
    assert str(listed[0].virtual) == str(vip), f"its virtual address is {listed[0].virtual}"
    servers = {(str(t.address), t.port) for t in deployment.targets(service)}
    seen = (str(listed[0].server.address), listed[0].server.port)
    assert seen in servers, mismatch("its real server", expected=servers, seen=seen)


@pytest.mark.requirement("ADM-10")
def test_a_connection_is_found_by_itself(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    plain_name: str,
) -> None:
    """Steps: `ipvsadm -lnc --sockpair` while a connection is open. Verify: it is shown alone."""
    vip = scene.vip(deployment.topology.service(plain_name))
    with _connected(scene, clients, vip) as source:
        alone = _listed(operator, f"ipvsadm -lnc --sockpair tcp:{source}:{vip}")
    seen = [(str(one.client), str(one.virtual)) for one in alone]
    wanted = [(str(source), str(vip))]
    assert seen == wanted, mismatch("shown by --sockpair", expected=wanted, seen=seen)


@pytest.mark.requirement("ADM-10")
def test_a_connection_that_does_not_exist_is_not_found(operator: Operator) -> None:
    """Steps: `ipvsadm -lnc --sockpair` of nobody, and of what is no pair.

    Verify: each ends as the tool of this version ends, and shows no connection.
    """
    pair = "tcp:192.0.2.1:1024:198.51.100.1:80"
    operator.refuses("session, missing", f"ipvsadm -lnc --sockpair {pair}")
    operator.refuses("session, bad address", "ipvsadm -lnc --sockpair tcp:192.0.2.1:1024")


@contextmanager
def _connected(scene: Scene, clients: Clients, vip: SocketAddress) -> Iterator[SocketAddress]:
    """A connection to the VIP that is open meanwhile; the client's end."""
    client, source = clients.crafting()
    mac = scene.next_hop(client, vip.address)
    with CraftedTcp(scene.stations[client], source, vip, mac=mac) as connection:
        connection.connect()
        yield source
        connection.close()


def _packets(state: DutState, service: DeclaredService) -> int:
    counters = state.counters(service).counters
    return counters.in_pkts + counters.out_pkts


def _is(connection: ConnectionEntry, client: SocketAddress) -> bool:
    return str(connection.client) == str(client)


def _listed(operator: Operator, command: str) -> tuple[ConnectionEntry, ...]:
    answer = operator.ask(command)
    assert not answer.exit_status, f"`{command}`: {answer.shown}"
    return parse_connections(answer.stdout, command)
