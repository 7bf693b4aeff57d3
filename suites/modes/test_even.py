"""Many connections use local addresses and workers evenly (upstream's FWD-23, FWD-24)."""

from __future__ import annotations

from collections import Counter

import pytest

from dpvs_acceptance.testbed import Client, LoadBalancer, Service, services
from dpvs_acceptance.traffic.balance import fit, flows_needed
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic

CPU = "dpip -s link show cpu"

fullnat4 = services.having(toa=True, family=4)


@requirement("FWD-23")
@for_each(service=fullnat4)
def test_local_addresses_are_used_evenly(client: Client, service: Service) -> None:
    """Steps: as many connections as the statistics need, to a service with several LIPs.

    Verify: at the real servers they come from each LIP equally often, by chi-square: DPVS takes the
    LIPs in turn, and skips one now and then (ip_vs_laddr.c, __laddr_step).
    """
    shares = dict.fromkeys(service.lips, 1)
    if len(shares) < 2:
        raise NotApplicable(f"{service} has one local address")
    opened = client.servers_of_requests(service, flows_needed(list(shares.values())))
    spread = fit(Counter(syn.src for syns in opened.values() for syn in syns), shares)
    assert spread.fair, f"LIPs of {service}: {spread.words}"


@requirement("FWD-24")
@for_each(service=fullnat4)
def test_workers_receive_evenly(lb: LoadBalancer, client: Client, service: Service) -> None:
    """Steps: as many connections as the statistics need, between two `dpip -s link show cpu`.

    Verify: each worker received its share, by chi-square. All packets of a connection go to one
    worker, so a worker's packets are counted as the connections that they make up.
    """
    lcores = [worker.lcore.id for worker in lb.deployment.workers]
    if len(lcores) < 2:
        raise NotApplicable("the topology has one worker")
    flows = flows_needed([1] * len(lcores))
    before = lb.read(CPU)
    client.servers_of_requests(service, flows)
    after = lb.read(CPU)
    packets = {i: after.lcore_stats(i).ipackets - before.lcore_stats(i).ipackets for i in lcores}
    made_up = {f"lcore {i}": round(n * flows / sum(packets.values())) for i, n in packets.items()}
    spread = fit(made_up, dict.fromkeys(made_up, 1))
    assert spread.fair, f"packets received by lcore {packets}, as connections: {spread.words}"
