"""Changes of a service with open connections: real servers are drained, removed, added again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from dpvs_acceptance.testbed import Crafted, LoadBalancer, Service, services
from dpvs_acceptance.traffic.match import Match
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [pytest.mark.traffic, for_each(service=FULLNAT.one_per("family", "server_family"))]

NEW = 6  # connections that have to go where they should
SEGMENT, BURST, BURSTS = 1400, 16, 48  # octets, segments, bursts: 1 MB


@requirement("EDG-26")
def test_a_drained_real_server_keeps_its_connections(crafted: Crafted, service: Service) -> None:
    """Steps: with a connection open, set the weight of its RS to 0, then to 1 again.

    Verify: the connection works throughout, every segment exact; new connections go to the other RS
    while the weight is 0, and to both afterwards.
    """
    added = crafted.add(service, servers=2, initial=1)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"before")
        added.add_server(1)
        added.set_weight(0, 0)
        crafted.wait_until_chosen(added, {1})
        while_drained = crafted.chosen_servers(added, NEW)
        ends.to_rs("PA", b"while its weight is 0")
        ends.to_client("PA", b"still answered")
        added.set_weight(0, 1)
        crafted.wait_until_chosen(added, {0, 1})
        ends.to_rs("PA", b"after")
        ends.to_client("PA", b"and answered")
    crafted.require_exact(added, ends)
    assert set(while_drained) == {1}, f"new connections went to a RS of weight 0: {while_drained}"


@requirement("EDG-27")
def test_a_removed_real_server_keeps_its_connections(crafted: Crafted, service: Service) -> None:
    """Steps: with a connection open, remove its RS from the service, then add it again.

    Verify: the connection works throughout, every segment exact; new connections go to the other RS
    while it is removed, and to both afterwards.
    """
    added = crafted.add(service, servers=2, initial=1)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"before")
        added.add_server(1)
        added.remove_server(0)
        crafted.wait_until_chosen(added, {1})
        while_away = crafted.chosen_servers(added, NEW)
        ends.to_rs("PA", b"while it is away")
        ends.to_client("PA", b"still answered")
        added.add_server(0)
        crafted.wait_until_chosen(added, {0, 1})
        ends.to_rs("PA", b"after")
        ends.to_client("PA", b"and answered")
    crafted.require_exact(added, ends)
    assert set(while_away) == {1}, f"new connections went to a RS that was removed: {while_away}"


@requirement("EDG-28")
def test_persistence_keeps_a_client_with_its_real_server(
    lb: LoadBalancer, crafted: Crafted, service: Service
) -> None:
    """Steps: a service with `-p 60`; connections of one client before and after its RS is drained,
    and after it is removed.

    Verify: all go to one RS, also at weight 0, unless dpvs.conf has expire_quiescent_template
    (dp_vs_check_template); after the RS is removed, all go to the other one.
    """
    added = crafted.add(service, servers=2, options="-p 60")
    first = crafted.chosen_servers(added, NEW)
    assert len(set(first)) == 1, f"connections of one client went to several real servers: {first}"
    kept = first[0]
    added.set_weight(kept, 0)
    stays = not lb.topology.dpvs.expire_quiescent_template
    if not stays:
        crafted.wait_until_chosen(added, {1 - kept})
    drained = crafted.chosen_servers(added, NEW)
    wanted = kept if stays else 1 - kept
    assert set(drained) == {wanted}, (
        f"the client's RS {kept} has weight 0, and its connections go to {drained}, expected "
        f"{wanted} ({'without' if stays else 'with'} expire_quiescent_template)"
    )
    added.remove_server(kept)
    crafted.wait_until_chosen(added, {1 - kept})
    removed = crafted.chosen_servers(added, NEW)
    assert set(removed) == {1 - kept}, (
        f"the client's RS {kept} was removed, its connections go to: {removed}"
    )


@requirement("EDG-29")
def test_expire_quiescent_ends_connections_of_a_drained_server(
    crafted: Crafted, service: Service
) -> None:
    """Steps: a service with `--expire-quiescent`; with a connection open, set the weight of its RS
    to 0, then send a segment from the client.

    Verify: the segment does not reach the RS, and both ends get RST, so that the client can connect
    again immediately (__dp_vs_in, tcp_conn_expire).
    """
    added = crafted.add(service, servers=2, initial=1, options="--expire-quiescent")
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"before")
        ends.to_client("PA", b"answered")
        added.add_server(1)
        added.set_weight(0, 0)
        crafted.wait_until_chosen(added, {1})
        ends.client.station.send([ends.client.segment("PA", b"to a drained server")])
        ends.receive(ends.client, "R", "RST")
        ends.receive(ends.server, "R", "RST")
    late = [view for view in ends.arrived(ends.server) if view.payload == b"to a drained server"]
    assert not late, (
        "the service expires connections, but a segment reached the drained real server"
    )


@requirement("EDG-30")
def test_a_long_transfer_survives_changes_of_its_service(
    crafted: Crafted, service: Service
) -> None:
    """Steps: send 1 MB from the RS to the client in bursts; between them change the scheduler and
    change it back, add and delete a second RS, other weights, and a second service.

    Verify: the octets that the client receives have the same hash as those that the RS sent.
    """
    added = crafted.add(service, servers=2, initial=1)
    changes: list[Callable[[], object]] = [
        lambda: added.add_server(1, weight=3),
        lambda: added.set_scheduler("wrr"),
        lambda: added.set_weight(0, 7),
        lambda: crafted.add(service),
        lambda: added.set_weight(0, 0),
        lambda: added.remove_server(1),
        lambda: added.set_weight(0, 1),
        lambda: added.set_scheduler("rr"),
    ]
    sent = hashlib.sha256()
    got = hashlib.sha256()
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"GET all of it")
        first = ends.server.seq
        arriving = Match(outgoing=False, dport=ends.client.own.port, has_payload=True)
        for number in range(BURSTS):
            parts = [bytes([number, part]) * (SEGMENT // 2) for part in range(BURST)]
            frames = []
            for part in parts:
                frames.append(ends.server.segment("A", part))
                ends.server.moved(SEGMENT)
                sent.update(part)
            ends.server.station.send(frames)
            waited = ends.client.capture.wait_next(arriving, BURST, ends.deadline)
            assert waited.enough, (
                f"burst {number}: {len(waited.frames)} of {BURST} segments arrived"
            )
            if number % (BURSTS // len(changes)) == 0 and changes:
                changes.pop(0)()
        ends.client.ack = ends.server.seq
        ends.to_rs("A")
    carried = [view for view in ends.arrived(ends.client) if view.payload]
    for view in sorted(carried, key=lambda one: (one.seq - first) % (1 << 32)):
        got.update(view.payload)
    assert got.digest() == sent.digest(), "the octets at the client are not those that the RS sent"
