"""Least connections: who is least loaded gets what comes next (seed 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Service
from dpvs_acceptance.traffic.balance import HELD_PER_WORKER, NEW, least_loaded
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.scene import Scene, Watch
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.alone import Alone
from fixtures.traffic import Clients


@pytest.mark.requirement("S31", core=True)
@pytest.mark.traffic
def test_new_connections_go_to_the_least_loaded_real_server(
    scene: Scene,
    clients: Clients,
    alone: Alone,
    captures: Path,
    deployment: Deployment,
    tcp4_name: str,
) -> None:
    """Steps: open connections and keep them; end all those of one RS; open four more.

    Verify: the four go to the RS that has none left, not to the one that is loaded. By turns two
    would, and by the load turned round none.
    """
    service = deployment.topology.service(tcp4_name)
    if service.scheduler != "wlc" or len(service.real_servers) < 2:
        raise NotApplicable(f"{tcp4_name} is scheduled by {service.scheduler}, not by load")
    alone(service)
    client, _ = clients.crafting()
    with ExitStack() as stack:
        with scene.watch(client) as watch:
            held = [
                stack.enter_context(_connection(scene, clients, service))
                for _ in range(HELD_PER_WORKER * len(deployment.workers))
            ]
            for connection in held:
                connection.connect()
        server_of = _servers_of(scene, watch, service, client, [one.source for one in held])
        loaded = Counter(server_of.values())
        assert len(loaded) > 1, (
            f"{len(held)} connections kept open all went to {next(iter(loaded))}, none to another"
        )
        emptied = min(loaded)
        for connection in held:
            if server_of[connection.source] == emptied:
                connection.reset()
        with scene.watch(client, captures) as watch:
            new = [stack.enter_context(_connection(scene, clients, service)) for _ in range(NEW)]
            for connection in new:
                connection.connect()
        went = Counter(
            _servers_of(scene, watch, service, client, [one.source for one in new]).values()
        )
        for connection in (*held, *new):
            connection.reset()
    spread = least_loaded(went, emptied, loaded)
    assert spread.fair, spread.words


def _connection(scene: Scene, clients: Clients, service: Service) -> CraftedTcp:
    client, source = clients.crafting()
    mac = scene.next_hop(client, str(service.vip))
    return CraftedTcp(scene.stations[client], source, scene.vip(service), mac=mac)


def _servers_of(
    scene: Scene, watch: Watch, service: Service, client: str, sources: Sequence[SocketAddress]
) -> dict[SocketAddress, str]:
    """The RS of each connection, as both sides of the wire tell it."""
    fullnat = scene.fullnat(service, client)
    return {
        source: find_tcp(watch.client_views, watch.server_views, source, fullnat)[0].rs_name
        for source in sources
    }
