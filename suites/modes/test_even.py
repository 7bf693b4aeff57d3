"""Many connections use local addresses and workers evenly (upstream's FWD-23, FWD-24)."""

from __future__ import annotations

from collections import Counter

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.balance import fit, flows_needed
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.chosen import Chosen
from fixtures.state import Look

pytestmark = pytest.mark.traffic

CPU = "dpip -s link show cpu"


@pytest.mark.requirement("FWD-23")
def test_local_addresses_are_used_evenly(
    deployment: Deployment, chosen: Chosen, fnat4_name: str
) -> None:
    """Steps: as many connections as the statistics need, to a service with several LIPs.

    Verify: at the real servers they come from each LIP as often, by chi-square: DPVS goes through
    the LIPs by turns, and now and then passes one over (ip_vs_laddr.c, __laddr_step).
    """
    service = deployment.topology.service(fnat4_name)
    shares = {str(lip): 1 for lip in service.local_addresses}
    if len(shares) < 2:
        raise NotApplicable(f"{fnat4_name} has one local address")
    client = next(iter(deployment.topology.vip_clients))
    opened = chosen.for_requests(service, client, flows_needed(list(shares.values())))
    spread = fit(Counter(syn.src for syns in opened.values() for syn in syns), shares)
    assert spread.fair, f"LIPs of {fnat4_name}: {spread.words}"


@pytest.mark.requirement("FWD-24")
def test_workers_receive_evenly(
    look: Look, deployment: Deployment, chosen: Chosen, fnat4_name: str
) -> None:
    """Steps: as many connections as the statistics need, between two `dpip -s link show cpu`.

    Verify: by chi-square each worker received its share. A connection's packets are all one
    worker's, so that what counts is how many connections a worker's packets stand for.
    """
    lcores = [worker.lcore.id for worker in deployment.workers]
    if len(lcores) < 2:
        raise NotApplicable("the topology has one worker")
    flows = flows_needed([1] * len(lcores))
    client = next(iter(deployment.topology.vip_clients))
    before = look(CPU)
    chosen.for_requests(deployment.topology.service(fnat4_name), client, flows)
    after = look(CPU)
    packets = {i: after.lcore_stats(i).ipackets - before.lcore_stats(i).ipackets for i in lcores}
    stood_for = {f"lcore {i}": round(n * flows / sum(packets.values())) for i, n in packets.items()}
    spread = fit(stood_for, dict.fromkeys(stood_for, 1))
    assert spread.fair, f"packets received by lcore {packets}, as connections: {spread.words}"
