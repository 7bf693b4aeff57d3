"""Unusual ways to close a connection, and windows of 0."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Crafted, Service, services
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [
    pytest.mark.traffic,
    for_each(service=FULLNAT.one_per("family", "server_family")),
]


@requirement("EDG-11")
@pytest.mark.parametrize("side", ["client", "RS"])
def test_a_reset_gets_to_the_other_side(crafted: Crafted, service: Service, side: str) -> None:
    """Steps: open a connection, send data both ways, then RST from one side.

    Verify: the RST arrives at the other side, in sequence, every field exact; `ipvsadm -lnc` lists
    the connection as closed, or not at all.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        ends.to_client("PA", b"answer")
        (ends.to_rs if side == "client" else ends.to_client)("RA")
        states = crafted.states(ends)
    crafted.require_exact(added, ends)
    assert states in (["TCP_CLOSE"], ["CLOSE"], []), f"after RST from the {side}: {states}"


@requirement("EDG-11")
def test_a_refused_connection_is_refused_at_the_client(crafted: Crafted, service: Service) -> None:
    """Steps: the RS answers the SYN with RST.

    Verify: the client receives the RST, which acknowledges its SYN.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.syn()
        refused = ends.to_client("RA", seq=0)
    assert refused.ack == ends.client.seq, (
        f"the RST acknowledges {refused.ack}, the client's SYN ends at {ends.client.seq}: "
        "the client has to ignore it (RFC 9293, 3.10.7.3)"
    )
    assert (refused.src, refused.sport) == (added.vip.address, added.vip.port), (
        f"the refusal comes from {refused.src}:{refused.sport}, not from the VIP {added.vip}"
    )
    assert refused.checksum == "correct", f"the refusal's checksum is {refused.checksum}"


@requirement("EDG-12")
@pytest.mark.parametrize("first", ["client", "RS"])
def test_a_half_closed_connection_goes_on(crafted: Crafted, service: Service, first: str) -> None:
    """Steps: one side sends FIN; the other side continues to send data, which is acknowledged, then
    sends FIN too.

    Verify: every segment arrives exactly, in both directions, up to the last ACK.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        there, back = ends.to_rs, ends.to_client
        if first == "RS":
            there, back = back, there
        there("FA")
        for number in range(3):
            back("PA", b"still sending %d" % number)
            there("A")
        back("FA")
        there("A")
    crafted.require_exact(added, ends)


@requirement("EDG-13")
def test_both_sides_close_at_once(crafted: Crafted, service: Service) -> None:
    """Steps: both sides send FIN before either receives the other's; then both acknowledge.

    Verify: both FINs and both ACKs arrive exactly.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        ends.to_client("PA", b"answer")
        acked = ends.server.ack
        ends.to_rs("FA")
        ends.to_client("FA", ack=acked)
        ends.to_rs("A")
        ends.to_client("A")
    crafted.require_exact(added, ends)


@requirement("EDG-17")
def test_a_shut_window_stays_shut_and_opens_again(crafted: Crafted, service: Service) -> None:
    """Steps: each side in turn announces a window of 0, is probed with one octet, does not accept
    it, and opens its window again.

    Verify: windows and probes arrive as they were sent.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        ends.to_client("A", window=0)
        ends.to_rs("A", b"x", count=False)
        ends.server.ack -= 1
        ends.to_client("A", window=0)
        ends.to_client("A", window=4096)
        ends.to_rs("PA", b"xyz", window=0)
        ends.to_client("A", b"y", count=False)
        ends.client.ack -= 1
        ends.to_rs("A", window=0)
        ends.to_rs("A", window=8192)
        ends.to_client("PA", b"yes")
    crafted.require_exact(added, ends)


@requirement("EDG-20")
@pytest.mark.parametrize("kind", ["no flags", "RST outside of the window", "SYN within it"])
def test_what_tcp_has_to_ignore_ends_no_connection(
    crafted: Crafted, service: Service, kind: str
) -> None:
    """Steps: on an open connection, send a segment from the client's end that must have no effect.

    Verify: `ipvsadm -lnc` shows the connection as established before and after, and data is still
    forwarded.
    """
    added = crafted.service(service)
    flags, ahead = {"no flags": ("", 0), "SYN within it": ("S", 1)}.get(kind, ("R", 1 << 30))
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        before = crafted.states(ends)
        ends.client.station.send([ends.client.segment(flags, seq=ends.client.seq + ahead)])
        ends.to_rs("PA", b"and more")
        after = crafted.states(ends)
        ends.to_client("PA", b"answer")
    assert after == before, f"{kind}: state of the connection: expected {before}, seen {after}"


@requirement("EDG-21")
def test_ecn_urgent_and_reserved_bits_cross_untouched(crafted: Crafted, service: Service) -> None:
    """Steps: segments with ECE, CWR, URG and its pointer, and each reserved bit, both ways.

    Verify: they arrive unchanged (RFC 3168; RFC 3360: clearing these bits breaks later uses of
    them).
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        for cross in (ends.to_rs, ends.to_client):
            cross("PAEC", b"congestion")
            cross("PAU", b"urgent", urgptr=3)
            for bit in (1, 2, 4):
                cross("PA", b"reserved %d" % bit, reserved=bit)
    crafted.require_exact(added, ends)
