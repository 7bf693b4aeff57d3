"""Each scheduler gives connections to real servers as it promises (upstream's SCH rows)."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import DeclaredService
from dpvs_acceptance.traffic.balance import round_robin
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.verdict.causes import NotTested
from fixtures.beside import Beside
from fixtures.chosen import Chosen

pytestmark = pytest.mark.traffic

FLOWS = 16
SOURCES = 48
LEAST_SHARE = 8  # of a hash's sources each of two equal real servers gets at least one in eight
WEIGHTS = (1, 3)


@pytest.mark.requirement("SCH-02")
def test_wrr_goes_by_the_weights(
    deployment: Deployment, beside: Beside, chosen: Chosen, with_choice: DeclaredService
) -> None:
    """Steps: 16 connections to a service with weights 1 and 3.

    Verify: exactly in that proportion; each lcore walks the list on its own, so that the counts
    may be off by one round for each.
    """
    service = beside.service(with_choice, scheduler="wrr", weights=WEIGHTS)
    counts = Counter(chosen.for_one_client(service, FLOWS).values())
    weights = {target.name: target.weight for target in service.real_servers}
    spread = round_robin(counts, weights, len(deployment.workers))
    assert spread.fair, spread.words


@pytest.mark.requirement("SCH-03")
def test_wlc_goes_to_the_fewest_connections_for_the_weight(
    deployment: Deployment, beside: Beside, chosen: Chosen, with_choice: DeclaredService
) -> None:
    """Steps: 16 connections, all left open, to a service with weights 1 and 3.

    Verify: after all of them the numbers of connections stand as the weights do, within one.
    """
    service = beside.service(with_choice, scheduler="wlc", weights=WEIGHTS)
    counts = Counter(chosen.for_one_client(service, FLOWS).values())
    weights = {target.name: target.weight for target in service.real_servers}
    total = sum(weights.values())
    off = {
        name: f"{counts[name]}, not {FLOWS * weight / total:g}"
        for name, weight in weights.items()
        if abs(counts[name] - FLOWS * weight / total) > len(deployment.workers)
    }
    assert not off, f"wlc with weights {weights}, {FLOWS} connections open: {off}"


@pytest.mark.requirement("SCH-04")
def test_conhash_keeps_a_source_where_it_is(
    deployment: Deployment, beside: Beside, chosen: Chosen, with_choice: DeclaredService
) -> None:
    """Steps: 48 sources, twice; then without the second real server; then with it again.

    Verify: a source goes to the same real server both times, each real server has its share; with
    one gone nobody else moves; when it is back all is as at first.
    """
    _keeps(deployment, beside, chosen, with_choice, "conhash")


@pytest.mark.requirement("ADM-08")
def test_mh_keeps_a_source_where_it_is(
    deployment: Deployment, beside: Beside, chosen: Chosen, with_choice: DeclaredService
) -> None:
    """Steps: as for conhash, with Maglev hashing. Verify: the same."""
    _keeps(deployment, beside, chosen, with_choice, "mh")


@pytest.mark.requirement("ADM-08")
def test_fo_gives_all_to_the_highest_weight(
    beside: Beside, chosen: Chosen, with_choice: DeclaredService
) -> None:
    """Steps: connections to a service with weights 1 and 3, then with 1 and 0, then as at first.

    Verify: all to the second; all to the first; all to the second again.
    """
    service = beside.service(with_choice, scheduler="fo", weights=WEIGHTS)
    first, second = (target.name for target in service.real_servers[:2])
    for weight, expected in ((3, second), (0, first), (3, second)):
        beside.weigh(service, 1, weight)
        seen = Counter(chosen.for_one_client(service, FLOWS).values())
        assert seen == {expected: FLOWS}, (
            f"fo with weights 1 and {weight}: {FLOWS} connections to {expected}, seen {dict(seen)}"
        )


def _keeps(
    deployment: Deployment, beside: Beside, chosen: Chosen, base: DeclaredService, scheduler: str
) -> None:
    service = beside.service(base, scheduler=scheduler)
    at_first = _many_clients(deployment, chosen, service, 0)
    again = _many_clients(deployment, chosen, service, 1)
    moved = [source for source, name in at_first.items() if again[source] != name]
    assert not moved, f"{scheduler}: {len(moved)} of {SOURCES} sources moved, {moved[0]} for one"
    for target in service.real_servers:
        share = sum(name == target.name for name in at_first.values())
        assert share * LEAST_SHARE >= SOURCES, (
            f"{scheduler}: {target.name} is given {share} of {SOURCES} sources"
        )
    second = service.real_servers[1].name
    beside.weigh(service, 1, 0)
    without = _many_clients(deployment, chosen, service, 2)
    stray = [s for s, name in without.items() if name == second]
    assert not stray, f"{scheduler}: {len(stray)} sources go to {second}, which has weight 0"
    moved = [s for s, name in at_first.items() if name != second and without[s] != name]
    assert not moved, f"{scheduler}: {len(moved)} sources moved that were not at {second}"
    beside.weigh(service, 1, 1)
    back = _many_clients(deployment, chosen, service, 3)
    moved = [source for source, name in at_first.items() if back[source] != name]
    assert not moved, f"{scheduler}: with {second} back {len(moved)} sources are elsewhere"


def _many_clients(
    deployment: Deployment, chosen: Chosen, service: DeclaredService, turn: int
) -> dict[str, str]:
    """Address to real server, of hosts of the network behind the gateway, each from a new port."""
    topology = deployment.topology
    networks = [remote.network for remote in topology.remote_networks.values()]
    near = [name for name in topology.vip_clients if topology.clients[name].link in topology.links]
    if not networks or not near:
        raise NotTested("no remote network whose addresses stand for many clients")
    # Each time in the other order: what takes turns must not look as if it knew its clients.
    addresses = _hosts(networks[0], SOURCES)[:: -1 if turn % 2 else 1]
    sources = [SocketAddress(address, 21000 + turn) for address in addresses]
    found = chosen.for_each(service, near[0], sources)
    return {source.address: name for source, name in found.items()}


def _hosts(network: IPv4Network, count: int) -> list[str]:
    """Addresses from all over a network, none of its first or last few."""
    step = max(1, (network.num_addresses - 32) // count)
    return [str(network[16 + number * step]) for number in range(count)]
