"""Requests are spread over the real servers as the scheduler promises (seed 3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Service
from dpvs_acceptance.traffic.balance import flows_needed, round_robin
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.views import TcpView, View
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable
from fixtures.alone import Alone
from fixtures.chosen import Chosen
from fixtures.traffic import Clients

pytestmark = pytest.mark.traffic

# Enough that what goes wrong once in ten times is met: missed by luck 1 time in 60 (0.9 ** 40).
CONNECTIONS = 40


@pytest.mark.requirement("S31", "round robin", core=True)
def test_connections_are_spread_as_the_scheduler_promises(
    chosen: Chosen, captures: Path, deployment: Deployment, fnat4_name: str
) -> None:
    """Steps: as many connections as the statistics need, counted at each RS.

    Verify: round robin exactly, by worker: the counts per weight differ by at most one round for
    each lcore, since every lcore walks the list of real servers on its own.
    """
    service = deployment.topology.service(fnat4_name)
    weights = {t.name: t.weight for t in service.real_servers if t.weight}
    if len(weights) < 2 or service.scheduler not in ("rr", "wrr"):
        raise NotApplicable(
            f"{service.scheduler} over {len(weights)} real servers promises no share"
        )
    client = next(iter(deployment.topology.clients))
    flows = flows_needed(list(weights.values()))
    opened = chosen.for_requests(service, client, flows)
    # By who opened them: a SYN that had to be sent again is still one connection.
    counts = {t.name: len({(v.src, v.sport) for v in opened[t.name]}) for t in service.real_servers}
    spread = round_robin(counts, weights, len(deployment.workers))
    told = {
        "service": fnat4_name,
        "client": client,
        "scheduler": service.scheduler,
        "workers": len(deployment.workers),
        "weights": weights,
        "counts": counts,
        "fair": spread.fair,
        "words": spread.words,
    }
    (captures / "spread.json").write_text(json.dumps(told))
    assert spread.fair, spread.words


@pytest.mark.requirement("S30")
def test_no_packet_of_many_connections_is_lost_or_doubled(
    scene: Scene,
    clients: Clients,
    alone: Alone,
    captures: Path,
    deployment: Deployment,
    fnat4_name: str,
) -> None:
    """Steps: 40 connections, captured at the client and at every RS.

    Verify: as many packets as one side sent are on the other, both ways. A lost SYN or ACK is made
    good by TCP, and so is seen by nothing else.
    """
    service = deployment.topology.service(fnat4_name)
    alone(service)
    near, far = _many(scene, clients, captures, service)
    vip, lips = str(service.vip), set(map(str, service.local_addresses))
    there = (sum(v.dst == vip for v in near), sum(v.src in lips for v in far))
    back = (sum(v.dst in lips for v in far), sum(v.src == vip for v in near))
    sent, received = (there[0], back[0]), (there[1], back[1])
    assert sent == received, (
        f"{CONNECTIONS} connections: the client sent {there[0]} packets, the RS received "
        f"{there[1]}; the RS sent {back[0]}, the client received {back[1]}"
    )


@pytest.mark.requirement("S28")
def test_no_source_port_is_used_twice(
    scene: Scene, clients: Clients, captures: Path, deployment: Deployment, fnat4_name: str
) -> None:
    """Steps: 40 connections, one after the other. Verify: to each RS every one has its own port.

    An RS remembers a closed connection for a minute, and may refuse the next from the same port.
    """
    service = deployment.topology.service(fnat4_name)
    _, far = _many(scene, clients, captures, service, all_answered=False)
    opened = {(v.src, v.sport, v.dst, v.seq) for v in far if v.handshake}
    if len(opened) < CONNECTIONS / 2:
        raise Inconclusive(f"of {CONNECTIONS} connections only {len(opened)} reached an RS")
    used = Counter((lip, port, rs) for lip, port, rs, _ in opened)
    twice = [f"{lip}:{port} to {rs} {n} times" for (lip, port, rs), n in used.items() if n > 1]
    assert not twice, f"source ports used again within {CONNECTIONS} connections: " + ", ".join(
        twice[:5]
    )


def _many(
    scene: Scene,
    clients: Clients,
    captures: Path,
    service: Service,
    *,
    all_answered: bool = True,
) -> tuple[list[TcpView], list[TcpView]]:
    """TCP packets of many connections of the service: at the client, and at all RS."""
    client = next(iter(scene.deployment.topology.clients))
    with scene.watch(client, captures) as watch:
        answers = clients.curl_burst(client, clients.url(service), CONNECTIONS)
        watch.settle(scene.vip(service), CONNECTIONS)
    failed = [str(answer) for answer in answers if answer.status != 200]
    assert not (failed and all_answered), (
        f"{len(failed)} of {CONNECTIONS} requests failed: {failed[0]}"
    )
    vip, lips = str(service.vip), set(map(str, service.local_addresses))
    far = [v for views in watch.server_views.values() for v in views]
    return _opened(watch.client_views, {vip}), _opened(far, lips)


def _opened(views: Sequence[View], ours: set[str]) -> list[TcpView]:
    """What is between our addresses and an end of a connection that was opened meanwhile: an
    earlier one may still be closing."""
    seen = [v for v in views if isinstance(v, TcpView) and ours & {v.src, v.dst}]
    ends = {frozenset([(v.src, v.sport), (v.dst, v.dport)]) for v in seen if v.handshake}
    return [v for v in seen if frozenset([(v.src, v.sport), (v.dst, v.dport)]) in ends]
