"""Packets inside of packets: what a tunnel must make of echo requests, and what it must not."""

from __future__ import annotations

import pytest

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.carried import KINDS, TunnelEnd, _account
from dpvs_acceptance.traffic.frame import Frame

MAC, OURS = "02:00:00:82:00:00", "02:00:00:01:00:11"
TAG, IDENTIFIER, COUNT = b"sixteen octets!!", 4711, 3


def reply(
    tunnel: TunnelEnd,
    number: int,
    *,
    local: str = "",
    header: bytes | None = None,
    tag: bytes = TAG,
) -> Frame:
    """What a right DPVS sends back for request `number`, but for what is said."""
    s = frames.scapy()
    protocol, right = KINDS[tunnel.kind]
    inner = s.IP(src=tunnel.inner, dst=tunnel.peer) / s.ICMP(type=0, id=IDENTIFIER, seq=number)
    outer = frames.Ends(MAC, OURS, local or tunnel.local, tunnel.remote)
    carried = (right if header is None else header) + bytes(inner / s.Raw(tag))
    data = bytes(frames.network(outer, 1, proto=protocol) / s.Raw(carried))
    return Frame(data, length=len(data))


def told(tunnel: TunnelEnd, *seen: Frame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pinged = _account(seen, tunnel, MAC, IDENTIFIER, TAG, COUNT)
    return pinged.problems, pinged.strange


@pytest.fixture(params=["gre", "ipip"])
def tunnel(request: pytest.FixtureRequest) -> TunnelEnd:
    return TunnelEnd(request.param, "10.0.96.166", "10.0.96.150", "198.18.253.1", "198.18.253.2")


def test_right_answers_are_right(tunnel: TunnelEnd) -> None:
    assert told(tunnel, *(reply(tunnel, n) for n in (1, 2, 3))) == ((), ())


def test_what_is_missing_or_doubled_is_said(tunnel: TunnelEnd) -> None:
    problems, _ = told(tunnel, reply(tunnel, 1), reply(tunnel, 1), reply(tunnel, 3))
    assert problems == ("requests [2] were not answered", "duplicate replies: [1, 1, 3]")


def test_an_answer_from_another_address_is_said(tunnel: TunnelEnd) -> None:
    answers = [reply(tunnel, n, local="0.0.0.0") for n in (1, 2, 3)]
    problems, _ = told(tunnel, *answers)
    assert problems[0] == "outer source: expected 10.0.96.166, seen 0.0.0.0"


def test_a_changed_payload_is_said(tunnel: TunnelEnd) -> None:
    problems, _ = told(tunnel, *(reply(tunnel, n, tag=TAG[::-1]) for n in (1, 2, 3)))
    assert "reply 1:" in problems[0]


def test_an_answer_to_a_stranger_is_said(tunnel: TunnelEnd) -> None:
    _, strange = told(tunnel, reply(tunnel, 0), *(reply(tunnel, n) for n in (1, 2, 3)))
    assert strange == ("a reply through the tunnel to a packet from a foreign outer source",)


def test_a_gre_header_with_a_key_is_another_header() -> None:
    gre = TunnelEnd("gre", "10.0.96.166", "10.0.96.150", "198.18.253.1", "198.18.253.2")
    keyed = b"\x20\x00\x08\x00"
    problems, _ = told(gre, *(reply(gre, n, header=keyed) for n in (1, 2, 3)))
    assert problems[0] == "tunnel header: expected 00000800, seen 20000800"
