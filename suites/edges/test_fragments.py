"""Fragments: DPVS does not reassemble them, and must not forward parts (ip_vs_core, __dp_vs_in).

A software port may reassemble them before DPVS: the kernel behind net_af_packet does, for IPv4.

All fragments between two addresses go to one worker, whatever their ports, and affect only its
connections. So the checks use enough connections that very likely one of them is on this worker.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpvs_acceptance.testbed import Crafted, LoadBalancer, Service, services
from dpvs_acceptance.traffic import fragments, frames
from dpvs_acceptance.traffic.balance import tries_needed
from dpvs_acceptance.traffic.craftedend import CraftedEnd
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.twoends import TwoEnds
from dpvs_acceptance.traffic.views import IpView, UdpView, describe
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [pytest.mark.traffic, for_each(service=FULLNAT.one_per("family", "server_family"))]

LONG = bytes(range(256)) * 10
IN_PIECES = b"in pieces" * 8
CONTROL = b"a whole datagram behind them"


@requirement("EDG-05")
def test_a_datagram_longer_than_the_mtu_arrives_whole_or_not_at_all(
    crafted: Crafted, service: Service
) -> None:
    """Steps: send a datagram of 2,560 octets in two fragments to the VIP, then a short one.

    Verify: the short one arrives at the RS; of the long one, both fragments or none: a single
    fragment would only use memory of the RS until its timeout. DPVS drops IPv4 fragments
    (__dp_vs_pre_routing).
    """
    added = crafted.service(service, "udp")
    with crafted.connection(added) as ends:
        crafted.send_beyond_uoa(ends)
        sent = fragments.cut(_datagram(ends.client, LONG), 1280)
        came = _behind(ends, ends.client, ends.server, sent)
    _require_whole_or_nothing(came)


@requirement("EDG-05")
def test_an_answer_longer_than_the_mtu_arrives_whole_or_not_at_all(
    lb: LoadBalancer, crafted: Crafted, service: Service
) -> None:
    """Steps: the same from the RS, as the answer of a flow, on as many flows as necessary.

    Verify: the same at the client.
    """
    added = crafted.service(service, "udp")
    for _ in range(_connections(lb)):
        with crafted.connection(added) as ends:
            crafted.send_beyond_uoa(ends)
            sent = fragments.cut(_datagram(ends.server, LONG), 1280)
            came = _behind(ends, ends.server, ends.client, sent)
        _require_whole_or_nothing(came)


@requirement("EDG-06")
@pytest.mark.parametrize("order", ["in order", "last one first"])
def test_nothing_is_made_of_overlapping_fragments(
    crafted: Crafted, service: Service, order: str
) -> None:
    """Steps: send a datagram in three fragments, each of which overlaps the one before with other
    octets; then a complete datagram.

    Verify: no fragment arrives at the RS (RFC 5722, 4; RFC 8200, 4.5); the complete datagram does.
    """
    added = crafted.service(service, "udp")
    with crafted.connection(added) as ends:
        crafted.send_beyond_uoa(ends)
        sent = fragments.cut(_datagram(ends.client, LONG[:600]), 208, overlap=64)
        came = _behind(ends, ends.client, ends.server, sent[::-1] if "first" in order else sent)
    assert not came, f"{len(came)} overlapping fragments were forwarded: {describe(came[0])}"


@requirement("EDG-07")
def test_a_segment_in_tiny_fragments_is_not_taken_for_a_whole_one(
    lb: LoadBalancer, crafted: Crafted, service: Service
) -> None:
    """Steps: on as many connections as necessary, send a segment whose first fragment ends within
    the TCP header, one with the ports in its first fragment only, then a complete one (RFC 1858,
    3).

    Verify: of the first two either nothing arrives at the RS, or all of it; the complete one
    arrives.
    """
    added = crafted.service(service)
    for _ in range(_connections(lb)):
        with crafted.connection(added) as ends:
            ends.open()
            loose = _without_df(ends.client.segment("PA", IN_PIECES))
            ends.client.station.send([*fragments.cut(loose, 16), *fragments.cut(loose, 40)])
            ends.to_rs("PA", b"in one piece")
        parts = _parts_of_a_segment(ends.server)
        assert not parts, (
            f"{len(parts)} fragments of a segment were forwarded, but not all: {describe(parts[0])}"
        )


def _connections(lb: LoadBalancer) -> int:
    """So many that in 999 of 1,000 runs one is on the worker that gets the fragments."""
    return tries_needed(1 / len(lb.deployment.workers))


def _parts_of_a_segment(server: CraftedEnd) -> list[IpView]:
    came = server.capture.views(Match(outgoing=False, dst=server.own.address))
    cut = [view for view in came if isinstance(view, IpView) and b"in pieces" in view.ip_payload]
    return [view for view in cut if IN_PIECES not in view.ip_payload]


def _datagram(side: CraftedEnd, payload: bytes) -> bytes:
    ends = replace(side.ends, dont_fragment=False)
    return frames.udp(ends, side.own.port, side.peer.port, payload)


def _without_df(frame: bytes) -> bytes:
    """IPv4's header with DF clear, its checksum still to be made; fragments.cut() makes it."""
    return frame if frame[14] >> 4 == 6 else frame[:20] + b"\0\0" + frame[22:]


def _behind(
    ends: TwoEnds, sender: CraftedEnd, receiver: CraftedEnd, sent: list[bytes]
) -> list[IpView]:
    """Send fragments, then a complete datagram; returns what else arrived at the other side."""
    sender.station.send([*sent, sender.datagram(CONTROL)])
    control = Match(outgoing=False, dst=receiver.own.address, payload=CONTROL)
    if not receiver.capture.wait_for(control, 1, ends.deadline).enough:
        raise Inconclusive(
            f"the whole datagram behind the fragments is not at {receiver.own} either"
        )
    seen = receiver.capture.wait_for(Match(outgoing=False, dst=receiver.own.address), 1 << 30, 0.0)
    views = [dissect(frame) for frame in seen.frames]
    ip = [view for view in views if isinstance(view, IpView) and view.protocol not in (1, 58)]
    return [view for view in ip if not _ours(view)]


def _ours(view: IpView) -> bool:
    """The complete datagrams that this check sent too."""
    return isinstance(view, UdpView) and len(view.payload) < 64 and not view.fragment_offset


def _require_whole_or_nothing(came: list[IpView]) -> None:
    if not came:
        return
    made = fragments.together(came)
    assert made is not None, (
        f"only a part of a fragmented datagram was forwarded: {len(came)} of 2, {describe(came[0])}"
    )
    assert made[-len(LONG) :] == LONG, "a fragmented datagram was forwarded with other octets"
