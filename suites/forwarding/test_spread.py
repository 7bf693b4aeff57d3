"""Requests are spread over the real servers as the scheduler promises (seed 3)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.balance import flows_needed, round_robin
from dpvs_acceptance.traffic.http import curl_burst
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.traffic import Clients

pytestmark = [pytest.mark.requirement("S31"), pytest.mark.traffic]


def test_connections_are_spread_as_the_scheduler_promises(
    scene: Scene, clients: Clients, captures: Path, deployment: Deployment, tcp4_name: str
) -> None:
    """Steps: as many connections as the statistics need, counted by the SYNs at each RS.

    Verify: round robin exactly, by worker: the counts per weight differ by at most one round for
    each lcore, since every lcore walks the list of real servers on its own.
    """
    service = deployment.topology.service(tcp4_name)
    weights = {t.name: t.weight for t in service.real_servers if t.weight}
    if len(weights) < 2 or service.scheduler not in ("rr", "wrr"):
        raise NotSupported(f"{service.scheduler} over {len(weights)} real servers promises nothing")
    client = next(iter(deployment.topology.clients))
    flows = flows_needed(list(weights.values()))
    with scene.watch(client) as watch:
        answers = curl_burst(clients[client], clients.url(service), flows)
        watch.settle(scene.vip(service), flows)
    failed = [str(answer) for answer in answers if answer.status != 200]
    assert not failed, f"{len(failed)} of {flows} requests failed: {failed[0]}"
    counts = Counter(
        {
            name: sum(isinstance(view, TcpView) and view.handshake for view in watch.views(name))
            for name in scene.servers
        }
    )
    spread = round_robin(counts, weights, len(deployment.workers))
    told = {
        "service": tcp4_name,
        "client": client,
        "scheduler": service.scheduler,
        "workers": len(deployment.workers),
        "weights": weights,
        "counts": dict(counts),
        "fair": spread.fair,
        "words": spread.words,
    }
    (captures / "spread.json").write_text(json.dumps(told))
    assert spread.fair, spread.words
