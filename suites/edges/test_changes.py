"""A service that is changed while connections are open: real servers leave, come back, or drain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from dpvs_acceptance.traffic.match import Match
from fixtures.edges import Edges

pytestmark = pytest.mark.traffic

NEW = 6  # connections that have to go where they should
SEGMENT, BURST, BURSTS = 1400, 16, 48  # octets, segments, bursts: 1 MB


@pytest.mark.requirement("EDG-26")
def test_a_drained_real_server_keeps_its_connections(edges: Edges, fullnat_name: str) -> None:
    """Steps: with a connection open, its RS gets weight 0, then weight 1 again.

    Verify: the connection goes on throughout, every segment exact; new ones go to the other RS
    while the weight is 0, and to both afterwards.
    """
    own = edges.services.make(fullnat_name, servers=2, added=1)
    with edges.connection(own) as ends:
        ends.open()
        ends.to_rs("PA", b"before")
        edges.services.add_server(own, 1)
        edges.services.weigh(own, 0, 0)
        edges.settle(own, {1})
        while_drained = edges.landings(own, NEW)
        ends.to_rs("PA", b"while its weight is 0")
        ends.to_client("PA", b"still answered")
        edges.services.weigh(own, 0, 1)
        edges.settle(own, {0, 1})
        ends.to_rs("PA", b"after")
        ends.to_client("PA", b"and answered")
    edges.require_exact(own, ends)
    assert set(while_drained) == {1}, f"new connections went to a RS of weight 0: {while_drained}"


@pytest.mark.requirement("EDG-27")
def test_a_removed_real_server_keeps_its_connections(edges: Edges, fullnat_name: str) -> None:
    """Steps: with a connection open, its RS is removed from the service, and added again.

    Verify: the connection goes on throughout, every segment exact; new ones go to the other RS
    while it is away, and to both afterwards.
    """
    own = edges.services.make(fullnat_name, servers=2, added=1)
    with edges.connection(own) as ends:
        ends.open()
        ends.to_rs("PA", b"before")
        edges.services.add_server(own, 1)
        edges.services.remove(own, 0)
        edges.settle(own, {1})
        while_away = edges.landings(own, NEW)
        ends.to_rs("PA", b"while it is away")
        ends.to_client("PA", b"still answered")
        edges.services.add_server(own, 0)
        edges.settle(own, {0, 1})
        ends.to_rs("PA", b"after")
        ends.to_client("PA", b"and answered")
    edges.require_exact(own, ends)
    assert set(while_away) == {1}, f"new connections went to a RS that was removed: {while_away}"


@pytest.mark.requirement("EDG-28")
def test_persistence_keeps_a_client_with_its_real_server(edges: Edges, fullnat_name: str) -> None:
    """Steps: a service with `-p 60`; connections of one client, before and after its RS is drained
    and after it is removed.

    Verify: all go to one RS, also at weight 0, unless dpvs.conf has expire_quiescent_template
    (dp_vs_check_template); once it is removed, all to the other.
    """
    own = edges.services.make(fullnat_name, servers=2, options="-p 60")
    first = edges.landings(own, NEW)
    assert len(set(first)) == 1, f"connections of one client went to several real servers: {first}"
    kept = first[0]
    edges.services.weigh(own, kept, 0)
    stays = not edges.services.deployment.topology.dpvs.expire_quiescent_template
    if not stays:
        edges.settle(own, {1 - kept})
    drained = edges.landings(own, NEW)
    wanted = kept if stays else 1 - kept
    assert set(drained) == {wanted}, (
        f"the client's RS {kept} has weight 0, and its connections go to {drained}, expected "
        f"{wanted} ({'without' if stays else 'with'} expire_quiescent_template)"
    )
    edges.services.remove(own, kept)
    edges.settle(own, {1 - kept})
    removed = edges.landings(own, NEW)
    assert set(removed) == {1 - kept}, f"the client's RS {kept} is gone, and it went to: {removed}"


@pytest.mark.requirement("EDG-29")
def test_expire_quiescent_ends_connections_of_a_drained_server(
    edges: Edges, fullnat_name: str
) -> None:
    """Steps: a service with `--expire-quiescent`; with a connection open its RS gets weight 0, and
    the client sends on.

    Verify: that segment does not get to the RS, and both ends get RST, so that the client can
    begin anew at once (__dp_vs_in, tcp_conn_expire).
    """
    own = edges.services.make(fullnat_name, servers=2, added=1, options="--expire-quiescent")
    with edges.connection(own) as ends:
        ends.open()
        ends.to_rs("PA", b"before")
        ends.to_client("PA", b"answered")
        edges.services.add_server(own, 1)
        edges.services.weigh(own, 0, 0)
        edges.settle(own, {1})
        ends.client.station.send([ends.client.segment("PA", b"to a drained server")])
        ends.receive(ends.client, "R", "RST")
        ends.receive(ends.server, "R", "RST")
    late = [view for view in ends.arrived(ends.server) if view.payload == b"to a drained server"]
    assert not late, "a segment got to a drained real server of a service that expires connections"


@pytest.mark.requirement("EDG-30")
def test_a_long_transfer_survives_changes_of_its_service(edges: Edges, fullnat_name: str) -> None:
    """Steps: 1 MB from the RS to the client, in bursts; between them the service gets another
    scheduler and back, a second RS, other weights, a second service beside it, and loses them.

    Verify: the octets at the client have the hash of those that the RS sent.
    """
    own = edges.services.make(fullnat_name, servers=2, added=1)
    changes: list[Callable[[], object]] = [
        lambda: edges.services.add_server(own, 1, weight=3),
        lambda: edges.services.schedule(own, "wrr"),
        lambda: edges.services.weigh(own, 0, 7),
        lambda: edges.services.make(fullnat_name),
        lambda: edges.services.weigh(own, 0, 0),
        lambda: edges.services.remove(own, 1),
        lambda: edges.services.weigh(own, 0, 1),
        lambda: edges.services.schedule(own, "rr"),
    ]
    sent = hashlib.sha256()
    got = hashlib.sha256()
    with edges.connection(own) as ends:
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
