"""Response times are even across real servers (deployment guide, 3)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from dpvs_acceptance.testbed import Client, Service, services
from dpvs_acceptance.traffic.delay import answer_times, compare
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable
from fixtures.checks import for_each, requirement

ANSWERS = 5  # of the RS with the smallest weight


@requirement("S30")
@pytest.mark.traffic
@for_each(service=services.having(protocol="tcp", family=4))
def test_response_times_are_even_across_real_servers(
    client: Client, service: Service, captures: Path
) -> None:
    """Steps: five connections for each RS, one after the other, captured at the client and the RS.

    Verify: the median response times of all RS are within 100 ms of each other. Where they are
    not, the message says how much of the time passed in the RS, and how much outside of it.
    """
    weights = service.weights
    if len(weights) < 2:
        raise NotApplicable(f"{service} has one real server: there is none to compare it with")
    connections = -(-ANSWERS * sum(weights.values()) // min(weights.values()))
    with client.watch() as watch:
        client.get_burst(service, connections)
        watch.settle(service.vip, connections)
    times = answer_times(watch.client_views, watch.server_views, service.vip)
    (captures / "times.json").write_text(json.dumps([asdict(one) for one in times]))
    try:
        delays = compare(times, list(weights))
    except ValueError as error:
        raise Inconclusive(f"of {connections} connections to {service}: {error}") from None
    assert delays.even, delays.words
