"""Each scheduler gives connections to real servers as it promises (upstream's SCH rows)."""

from __future__ import annotations

from collections import Counter

import pytest

from dpvs_acceptance.testbed import TWO_REAL_SERVERS, Client, LoadBalancer, Service, services
from dpvs_acceptance.testbed.remote_clients import RemoteClients
from dpvs_acceptance.traffic.balance import round_robin
from fixtures.checks import for_each, needs, requirement

pytestmark = [
    pytest.mark.traffic,
    for_each(service=services.having(toa=True, family=4).one),
    needs(TWO_REAL_SERVERS),
]

FLOWS = 16
SOURCES = 48
LEAST_SHARE = 8  # of a hash's sources each of two equal real servers gets at least one in eight
WEIGHTS = (1, 3)
PORT = 21000


@requirement("SCH-02")
def test_wrr_goes_by_the_weights(lb: LoadBalancer, spoofing: Client, service: Service) -> None:
    """Steps: 16 connections to a service with weights 1 and 3.

    Verify: exactly in that proportion; each lcore walks the list on its own, so the counts may
    differ by one round for each.
    """
    added = lb.add_service(service, scheduler="wrr", weights=WEIGHTS)
    counts = Counter(spoofing.servers_of_syns(added, FLOWS).values())
    spread = round_robin(counts, added.weights, len(lb.deployment.workers))
    assert spread.fair, spread.words


@requirement("SCH-03")
def test_wlc_goes_to_the_fewest_connections_for_the_weight(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: 16 connections, all left open, to a service with weights 1 and 3.

    Verify: the connections are in the proportion of the weights, within one for each lcore.
    """
    added = lb.add_service(service, scheduler="wlc", weights=WEIGHTS)
    counts = Counter(spoofing.servers_of_syns(added, FLOWS).values())
    total = sum(added.weights.values())
    off = {
        name: f"{counts[name]}, not {FLOWS * weight / total:g}"
        for name, weight in added.weights.items()
        if abs(counts[name] - FLOWS * weight / total) > len(lb.deployment.workers)
    }
    assert not off, f"wlc with weights {added.weights}, {FLOWS} connections open: {off}"


@requirement("SCH-04", scheduler="conhash")
@requirement("ADM-08", scheduler="mh")
@pytest.mark.parametrize("scheduler", ["conhash", "mh"])
def test_a_hash_keeps_each_source_at_its_real_server(
    lb: LoadBalancer, remote_clients: RemoteClients, service: Service, scheduler: str
) -> None:
    """Steps: 48 sources, twice; then without the second real server; then with it again.

    Verify: a source goes to the same real server both times, each real server has its share;
    without one, no source of another moves; with it again, all is as at first.
    """
    added = lb.add_service(service, scheduler=scheduler)
    addresses = remote_clients.addresses(SOURCES)

    def servers(turn: int) -> dict[str, str]:
        # Each time in the other order: a scheduler that takes turns must not look like a hash.
        ordered = addresses[:: -1 if turn % 2 else 1]
        return remote_clients.servers(added, ordered, PORT + turn)

    at_first, again = servers(0), servers(1)
    moved = [source for source, name in at_first.items() if again[source] != name]
    assert not moved, (
        f"{scheduler}: {len(moved)} of {SOURCES} sources changed their RS, first {moved[0]}"
    )
    for name, share in Counter(at_first.values()).items():
        assert share * LEAST_SHARE >= SOURCES, (
            f"{scheduler}: {name} gets only {share} of {SOURCES} sources"
        )
    second = added.server_names[1]
    assert second in at_first.values(), f"{scheduler}: {second} gets none of {SOURCES} sources"
    added.set_weight(1, 0)
    without = servers(2)
    stray = [source for source, name in without.items() if name == second]
    assert not stray, f"{scheduler}: {len(stray)} sources go to {second}, which has weight 0"
    moved = [s for s, name in at_first.items() if name != second and without[s] != name]
    assert not moved, (
        f"{scheduler}: {len(moved)} sources that were not at {second} changed their real server"
    )
    added.set_weight(1, 1)
    back = servers(3)
    moved = [source for source, name in at_first.items() if back[source] != name]
    assert not moved, (
        f"{scheduler}: {second} has its weight again, but {len(moved)} sources go to another RS"
    )


@requirement("ADM-08")
def test_fo_gives_all_to_the_highest_weight(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: connections to a service with weights 1 and 3, then 1 and 0, then 1 and 3 again.

    Verify: all go to the second RS; all to the first; all to the second again.
    """
    added = lb.add_service(service, scheduler="fo", weights=WEIGHTS)
    first, second = added.server_names[:2]
    for weight, expected in ((3, second), (0, first), (3, second)):
        added.set_weight(1, weight)
        seen = Counter(spoofing.servers_of_syns(added, FLOWS).values())
        assert seen == {expected: FLOWS}, (
            f"fo with weights 1 and {weight}: {FLOWS} connections to {expected}, seen {dict(seen)}"
        )
