"""What a service may be told of its connections: how long, from whom, and always to the same."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.ipvsadm.connections import ConnectionEntry
from dpvs_acceptance.dpvs.ipvsadm.persistent import held_clients
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import DeclaredService
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.scatter import scatter
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import CraftedTcp, Reset
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable, NotTested
from fixtures.beside import Beside
from fixtures.chosen import Chosen
from fixtures.operator import Operator
from fixtures.state import Look
from fixtures.traffic import Clients

pytestmark = pytest.mark.traffic

FLOWS = 6
IDLE = 3  # seconds, of --conn-timeout and -p: the shortest that is told from nothing at all
PATIENCE = 20.0
SLACK = 1.5  # a timer of DPVS counts in seconds, and adds up to one by chance
HELD = 300
REQUEST = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"


@pytest.mark.requirement("FWD-05")
def test_an_idle_connection_is_kept_for_the_services_own_time(
    look: Look,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    beside: Beside,
    plain_name: str,
) -> None:
    """Steps: a connection to a service with --conn-timeout 3 and one to its neighbour without.

    Verify: the first is listed with 3 s, and is gone about 3 s later; the other is still there.
    """
    base = deployment.topology.service(plain_name)
    service = beside.service(base, options=f"--conn-timeout {IDLE}", connection_timeout=IDLE)
    client, source = clients.crafting()
    _, other = clients.crafting()
    station = scene.stations[client]
    mac = scene.next_hop(client, str(service.vip))
    with (
        CraftedTcp(station, source, scene.vip(service), mac=mac) as idle,
        CraftedTcp(station, other, scene.vip(base), mac=mac) as neighbour,
    ):
        neighbour.connect()
        idle.connect()
        begun = time.monotonic()
        listed = _of(look("ipvsadm -lnc"), source)
        assert listed, f"the connection of {source} is not in ipvsadm -lnc"
        assert IDLE <= listed[0].timeout <= IDLE + SLACK, (
            f"an idle connection is listed with {listed[0].timeout} s, {IDLE} s expected"
        )
        while _of(state := look("ipvsadm -lnc"), source):
            kept = time.monotonic() - begun
            assert kept < PATIENCE, f"the idle connection is still there after {kept:.1f} s"
        kept = time.monotonic() - begun
        assert kept >= IDLE - SLACK, f"an idle connection was ended after {kept:.1f} s, not {IDLE}"
        if not _of(state, other):
            raise Inconclusive("the neighbour's connection is gone, too (the positive control)")
        neighbour.reset()


@pytest.mark.requirement("FWD-09")
def test_a_client_stays_with_its_real_server_for_the_time_set(
    deployment: Deployment,
    operator: Operator,
    chosen: Chosen,
    beside: Beside,
    with_choice: DeclaredService,
) -> None:
    """Steps: connections of one client to a service by rr, to one with -p 3 beside it, and to
    that again when its template is gone.

    Verify: rr takes turns; the persistent one has all at one real server, and then at the next.
    """
    client = deployment.topology.vip_clients[0]
    turns = chosen.by_requests(beside.service(with_choice), client, FLOWS)
    if len(turns) < 2:
        raise Inconclusive(f"rr without persistence gives all to {turns}")
    service = beside.service(with_choice, options=f"-p {IDLE}", persistence=IDLE)
    first = chosen.by_requests(service, client, FLOWS)
    assert len(first) == 1, f"one client of a persistent service is at {sorted(first)}"
    begun = time.monotonic()
    held = _held(operator, beside, service)
    assert held == 1, f"ipvsadm --persistent-conn: one client held expected, seen {held}"
    # It is held while it has connections, and those that are closed stay for some seconds, too.
    while _held(operator, beside, service):
        kept = time.monotonic() - begun
        assert kept < PATIENCE, f"the client (-p {IDLE}) is still held after {kept:.1f} s"
    then = chosen.by_requests(service, client, FLOWS)
    assert len(then) == 1, f"one client of a persistent service is at {sorted(then)}"
    assert then != first, f"after its time the client is still at {sorted(first)}"


@pytest.mark.requirement("FWD-10")
def test_a_held_client_leaves_a_real_server_of_weight_0(
    deployment: Deployment, beside: Beside, chosen: Chosen, with_choice: DeclaredService
) -> None:
    """Steps: connections to a service with -p 300, then the weight of their real server to 0.

    Verify: with expire_quiescent_template the client's next connections go to the other.
    """
    if not deployment.topology.dpvs.expire_quiescent_template:
        raise NotApplicable("the topology does not set dpvs.expire_quiescent_template")
    service = beside.service(with_choice, options=f"-p {HELD}", persistence=HELD)
    held = set(chosen.for_one_client(service, FLOWS).values())
    if len(held) > 1:
        raise Inconclusive(f"the service holds nobody: one client of it is at {sorted(held)}")
    first = held.pop()
    names = [target.name for target in service.real_servers]
    beside.weigh(service, names.index(first), 0)
    then = set(chosen.for_one_client(service, FLOWS).values())
    assert first not in then, f"{first} has weight 0 and is still given the client that it held"


@pytest.mark.requirement("EDG-26")
def test_an_open_connection_outlives_weight_0_also_with_persistence(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    beside: Beside,
    plain_name: str,
) -> None:
    """Steps: a request on a connection to a service with -p 300, without --expire-quiescent; the
    weight of all its real servers to 0; a second request on the same connection.

    Verify: both are answered: weight 0 keeps new connections away, and ends none.
    """
    base = deployment.topology.service(plain_name)
    service = beside.service(base, options=f"-p {HELD}", persistence=HELD)
    client, source = clients.crafting()
    mac = scene.next_hop(client, str(service.vip))
    with (
        scene.watch(client, captures),
        CraftedTcp(scene.stations[client], source, scene.vip(service), mac=mac) as connection,
    ):
        connection.connect()
        connection.request(REQUEST)
        for index in range(len(service.real_servers)):
            beside.weigh(service, index, 0)
        try:
            answer = connection.request(REQUEST)
        except (NotSeen, Reset) as error:
            raise AssertionError(
                f"an open connection of a persistent service ended with weight 0: {error}"
            ) from None
        assert answer.startswith(b"HTTP/1.1 200"), f"200 expected, seen {answer[:60]!r}"
        connection.reset()


@pytest.mark.requirement("FWD-11")
def test_a_client_on_the_blacklist_is_not_forwarded(
    scene: Scene,
    captures: Path,
    deployment: Deployment,
    beside: Beside,
    operator: Operator,
    plain_name: str,
) -> None:
    """Steps: a SYN each of ten clients, one of them on the service's blacklist; then without it.

    Verify: nine reach a real server; then ten.
    """
    topology = deployment.topology
    near = [name for name in topology.vip_clients if topology.clients[name].link in topology.links]
    networks = [remote.network for remote in topology.remote_networks.values()]
    if not networks or not near:
        raise NotTested("no remote network whose addresses stand for many clients")
    service = beside.service(topology.service(plain_name))
    which = beside.which(service)
    addresses = [str(networks[0][40 + number]) for number in range(10)]
    denied = addresses[4]
    operator.does(f"ipvsadm -U {which} -k {denied}")
    listed = [SocketAddress(address, 22001) for address in addresses]
    found = scatter(scene, service, near[0], listed, folder=captures)
    passed = {source.address for source in found}
    if not passed - {denied}:
        raise Inconclusive("no client at all reaches a real server (the positive control)")
    assert denied not in passed, f"{denied} is on the blacklist of {which} and is forwarded"
    assert len(passed) == 9, f"{set(addresses) - passed - {denied}} are not forwarded either"
    operator.does(f"ipvsadm -V {which} -k {denied}", undo="")
    again = [SocketAddress(address, 22002) for address in addresses]
    found = scatter(scene, service, near[0], again, folder=captures)
    assert len(found) == 10, f"off the blacklist, {len(found)} of 10 clients are forwarded"


def _of(state: DutState, client: SocketAddress) -> list[ConnectionEntry]:
    return [one for one in state.connections if str(one.client) == str(client)]


def _held(operator: Operator, beside: Beside, service: DeclaredService) -> int:
    """How many clients the service holds, on all its real servers."""
    answer = operator.ask("ipvsadm -Ln --persistent-conn")
    named = beside.which(service).split()[1]
    return sum(held_clients(answer.stdout, service.protocol, named).values())
