"""Answers come about as soon through every real server (seed 3)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.delay import answer_times, compare
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable
from fixtures.traffic import Clients

ANSWERS = 5  # of the RS with the smallest weight


@pytest.mark.requirement("S30")
@pytest.mark.traffic
def test_answers_come_as_soon_through_every_real_server(
    scene: Scene, clients: Clients, captures: Path, deployment: Deployment, tcp4_name: str
) -> None:
    """Steps: five connections for each RS, one after the other, captured at the client and the RS.

    Verify: by their medians no RS answers 100 ms later than another. Where one does, the message
    says how much of it passed in the RS, and how much between it and the client.
    """
    service = deployment.topology.service(tcp4_name)
    weights = {target.name: target.weight for target in service.real_servers if target.weight}
    if len(weights) < 2:
        raise NotApplicable(f"{tcp4_name} has one real server: there is none to compare it with")
    client = next(iter(deployment.topology.clients))
    flows = -(-ANSWERS * sum(weights.values()) // min(weights.values()))
    with scene.watch(client, captures) as watch:
        clients.curl_burst(client, clients.url(service), flows)
        watch.settle(scene.vip(service), flows)
    times = answer_times(watch.client_views, watch.server_views, scene.vip(service))
    (captures / "times.json").write_text(json.dumps([asdict(one) for one in times]))
    try:
        delays = compare(times, list(weights))
    except ValueError as error:
        raise Inconclusive(f"of {flows} connections to {tcp4_name}: {error}") from None
    assert delays.even, delays.words
