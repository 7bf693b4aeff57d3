"""Many connections use local addresses and workers evenly (upstream's FWD-23, FWD-24)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.balance import fit, flows_needed
from dpvs_acceptance.traffic.http import curl_burst
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import NotTested
from fixtures.state import Look
from fixtures.traffic import Clients

pytestmark = pytest.mark.traffic

CPU = "dpip -s link show cpu"


@pytest.mark.requirement("FWD-23")
def test_local_addresses_are_used_evenly(
    scene: Scene, clients: Clients, captures: Path, deployment: Deployment, fnat4_name: str
) -> None:
    """Steps: as many connections as the statistics need, to a service with several LIPs.

    Verify: at the real servers they come from each LIP as often, by chi-square: DPVS goes through
    the LIPs by turns, and now and then passes one over (ip_vs_laddr.c, __laddr_step).
    """
    service = deployment.topology.service(fnat4_name)
    shares = {str(lip): 1 for lip in service.local_addresses}
    if len(shares) < 2:
        raise NotTested(f"{fnat4_name} has one local address")
    opened = _opened(scene, clients, captures, fnat4_name, flows_needed(list(shares.values())))
    spread = fit(Counter(view.src for view in opened), shares)
    assert spread.fair, f"LIPs of {fnat4_name}: {spread.words}"


@pytest.mark.requirement("FWD-24")
def test_workers_receive_evenly(
    look: Look,
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    fnat4_name: str,
) -> None:
    """Steps: as many connections as the statistics need, between two `dpip -s link show cpu`.

    Verify: by chi-square each worker received its share. A connection's packets are all one
    worker's, so that what counts is how many connections a worker's packets stand for.
    """
    lcores = [worker.lcore.id for worker in deployment.workers]
    if len(lcores) < 2:
        raise NotTested("the topology has one worker")
    flows = flows_needed([1] * len(lcores))
    before = look(CPU)
    _opened(scene, clients, captures, fnat4_name, flows)
    after = look(CPU)
    packets = {i: after.lcore_stats(i).ipackets - before.lcore_stats(i).ipackets for i in lcores}
    stood_for = {f"lcore {i}": round(n * flows / sum(packets.values())) for i, n in packets.items()}
    spread = fit(stood_for, dict.fromkeys(stood_for, 1))
    assert spread.fair, f"packets received by lcore {packets}, as connections: {spread.words}"


def _opened(scene: Scene, clients: Clients, captures: Path, name: str, flows: int) -> list[TcpView]:
    """The SYNs, at the real servers, of so many requests of one client."""
    service = scene.deployment.topology.service(name)
    client = next(iter(scene.deployment.topology.vip_clients))
    with scene.watch(client, captures) as watch:
        answers = curl_burst(clients[client], clients.url(service), flows)
        watch.settle(scene.vip(service), flows)
    failed = [str(answer) for answer in answers if answer.status != 200]
    assert not failed, f"{len(failed)} of {flows} requests failed: {failed[0]}"
    opened = scene.mode(service, client).openings(watch.server_views)
    return [view for views in opened.values() for view in views]
