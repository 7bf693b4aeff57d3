"""Connections that are opened in unusual ways."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Crafted, Service, services
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN
from dpvs_acceptance.traffic.views import describe
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [pytest.mark.traffic, for_each(service=FULLNAT.one_per("family", "server_family"))]

WRAP = 1 << 32
NOT_OPENING = ("", "A", "F", "FPU", "FA", "SF", "SR", "SA", "SFRPAU", "PU")
"""Flags that open no connection: no SYN alone (RFC 9293, 3.10.7.2)."""


@requirement("EDG-14")
def test_a_repeated_syn_and_syn_ack_are_the_same_connection(
    crafted: Crafted, service: Service
) -> None:
    """Steps: SYN twice, SYN-ACK twice, as after a loss; then the ACK and data.

    Verify: all of them arrive exactly, from one LIP port and with the same sequence offset.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        first = ends.syn()
        again = ends.syn(count=False, seq=ends.client.seq - 1)
        ends.to_client("SA", options=LINUX_SYN)
        ends.to_client("SA", options=LINUX_SYN, count=False, seq=ends.server.seq - 1)
        ends.to_rs("A")
        ends.to_rs("PA", b"after a loss")
        ends.to_client("PA", b"answered")
    assert (again.src, again.sport, again.seq) == (first.src, first.sport, first.seq), (
        f"the repeated SYN is another connection: from {again.src}:{again.sport} seq {again.seq}, "
        f"first from {first.src}:{first.sport} seq {first.seq}"
    )
    crafted.require_exact(added, ends)


@requirement("EDG-15")
def test_a_syn_on_a_closed_connection_opens_a_new_one(crafted: Crafted, service: Service) -> None:
    """Steps: open a connection, close it from the client's side, and immediately send a SYN from
    the same port, with a sequence number beyond the last one (RFC 9293, 3.10.7.4; RFC 6191).

    Verify: the SYN reaches an RS, whose SYN-ACK comes back; data is forwarded exactly both ways.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("FA")
        ends.to_client("FA")
        ends.to_rs("A")
        old = ends.server.ack
        ends.client.moved(70_000)
        ends.server.moved(90_000)
        again = ends.syn()
        ends.to_client("SA", options=LINUX_SYN)
        ends.to_rs("A")
        ends.to_rs("PA", b"a new connection")
        ends.to_client("PA", b"a new answer")
    beyond = (again.seq - old) % WRAP
    assert beyond < WRAP // 2, (
        f"the RS gets the new SYN with a sequence number below the old connection's: {again.seq}, "
        f"old {old}; one in TIME_WAIT refuses that"
    )


@requirement("EDG-16")
def test_sequence_numbers_wrap(crafted: Crafted, service: Service) -> None:
    """Steps: a connection on which the sequence numbers of both sides pass 2^32.

    Verify: exact throughout.
    """
    added = crafted.service(service)
    with crafted.connection(added, isn=WRAP - 20, rs_isn=WRAP - 20) as ends:
        ends.open()
        for number in range(4):
            ends.to_rs("PA", b"%016d" % number)
            ends.to_client("PA", b"%016d" % number)
        ends.to_rs("FA")
        ends.to_client("FA")
        ends.to_rs("A")
    crafted.require_exact(added, ends)


@requirement("EDG-18")
def test_first_segments_out_of_order(crafted: Crafted, service: Service) -> None:
    """Steps: after the SYN-ACK send the second data segment, then the first, then the handshake's
    ACK.

    Verify: each arrives exactly, and each that acknowledges only the SYN-ACK carries the client's
    address, so that it is in the segment that the RS processes first.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.syn()
        ends.to_client("SA", options=LINUX_SYN)
        start = ends.client.seq
        ends.to_rs("PA", b"second", seq=start + 5, count=False)
        ends.to_rs("PA", b"first", seq=start, count=False)
        ends.to_rs("A", seq=start, count=False)
        ends.client.moved(11)
        ends.server.ack = (ends.server.ack + 11) % WRAP
        ends.to_client("A")
    conversation = crafted.require_exact(added, ends)
    carried = [pair.rs.toa() for pair in conversation.pairs if pair.towards_rs and pair.rs]
    assert all(carried[1:]), f"TOA on the three segments after the SYN expected: {carried[1:]}"


@requirement("EDG-19")
def test_only_a_syn_opens_a_connection(crafted: Crafted, service: Service) -> None:
    """Steps: first segments with illegal or unexpected flags, each from a port of its own; then a
    SYN.

    Verify: none of them reaches the RS or the connection table; the SYN does.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        strange = {}
        for flags in NOT_OPENING:
            port = crafted.client(added).source().port
            strange[port] = flags or "none"
            ends.client.station.send([ends.client.segment(flags, ack=1, sport=port)])
        ends.syn()
        listed = crafted.listed_ports()
    if ends.client.own.port not in listed:
        raise Inconclusive(
            f"the SYN's own connection, from {ends.client.own}, is not listed either"
        )
    came = [view for view in ends.arrived(ends.server) if view.sport != ends.server.peer.port]
    assert not came, (
        f"{len(came)} segments that cannot open a connection reached the RS: {describe(came[0])}"
    )
    opened = {strange[port] for port in listed & strange.keys()}
    assert not opened, f"ipvsadm -lnc lists a connection for flags that cannot open one: {opened}"
