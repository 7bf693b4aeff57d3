"""The comparison misses no field: each one that a packet has is altered, and has to be named."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.tcpoptions import TcpOption
from dpvs_acceptance.traffic.uoa import Uoa
from dpvs_acceptance.traffic.views import IcmpView, IpView, TcpView, UdpView, VlanTag, describe

ENDS4 = frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1", "198.51.100.2")
ENDS6 = frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", "2001:db8::1", "2001:db8::2")
PACKETS = {
    "tcp": frames.tcp(ENDS4, 40000, 80, "PA", seq=1, ack=2, payload=b"x", ip_id=7),
    "tcp6": frames.tcp(ENDS6, 40000, 80, "PA", seq=1, ack=2, payload=b"x"),
    "udp": frames.udp(ENDS4, 40000, 53, b"x", ip_id=7),
    "udp6": frames.udp(ENDS6, 40000, 53, b"x"),
    "icmp": frames.echo_request(ENDS4, 1, 2, b"x", ip_id=7),
    "icmp6": frames.echo_request(ENDS6, 1, 2, b"x"),
}
# What is seen of a frame beside its fields: where it was captured, what its sums are in figures.
NO_FIELDS = {"frame", "padding", "ip_payload", "checksum_seen", "checksum_right"}
OTHERWISE: dict[str, Any] = {
    "vlans": (VlanTag(0x8100, 0, 0, 7),),
    "options": (TcpOption(8, bytes(8)),),
    "uoa": Uoa("192.0.2.9", 1, "opp"),
    "checksum": "wrong",
    "ip_checksum": "wrong",
}


def otherwise(name: str, value: Any) -> Any:
    if name in OTHERWISE:
        return OTHERWISE[name]
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bytes):
        return value + b"y"
    return 1 if value is None else value + 1


@pytest.mark.parametrize("packet", PACKETS)
def test_each_field_that_is_otherwise_is_named_alone(packet: str) -> None:
    view = dissect(PACKETS[packet])
    assert isinstance(view, TcpView | UdpView | IcmpView)
    assert differences(view, view) == []
    names = [one.name for one in fields(view) if one.name not in NO_FIELDS and one.name != "outer"]
    assert {"mac_dst", "vlans", "ttl", "fragment_offset", "checksum"} <= set(names)
    for name in names:
        seen = replace(view, **{name: otherwise(name, getattr(view, name))})
        assert [one.field for one in differences(view, seen)] == [name]
        assert [one.field for one in differences(seen, view)] == [name]


def test_a_datagram_whose_length_field_lies_is_told_of() -> None:
    short = dissect(frames.udp(ENDS4, 40000, 53, b"0123456789", ip_id=7, len=12))
    assert isinstance(short, UdpView)
    assert (short.udp_length, short.problem) == (12, "UDP length 12, but 18 bytes captured")
    # Of a first fragment the length is of the whole datagram.
    head = frames.network(ENDS4, 7, flags="MF")
    s = frames.scapy()
    part = dissect(bytes(head / s.UDP(sport=40000, dport=53, len=100) / s.Raw(b"01234567")))
    assert isinstance(part, IpView)
    assert part.problem == ""
    right = dissect(frames.udp(ENDS4, 40000, 53, b"0123456789", ip_id=7))
    assert {one.field for one in differences(right, short)} >= {"udp_length", "problem"}


def test_a_frame_that_is_missing_or_of_another_kind_is_one_difference() -> None:
    tcp, udp = dissect(PACKETS["tcp"]), dissect(PACKETS["udp"])
    (lost,) = differences(tcp, None)
    assert (lost.field, lost.expected, lost.seen) == ("frame", describe(tcp), "no such frame")
    (other,) = differences(tcp, udp)
    assert (other.field, other.expected, other.seen) == (
        *("kind of packet", describe(tcp), describe(udp)),
    )


def test_what_is_ignored_needs_a_field_and_a_reason() -> None:
    view = dissect(PACKETS["tcp"])
    seen = replace(view, ttl=9, tos=9)  # type: ignore[call-arg]
    assert [one.field for one in differences(view, seen, {"ttl": "not of this check"})] == ["tos"]
    assert [one.field for one in differences(Expected(view, {"tos": "free"}), seen)] == ["ttl"]
    with pytest.raises(ValueError, match="TcpView has no field 'nonsense' to ignore"):
        differences(view, seen, {"nonsense": "x"})
    with pytest.raises(ValueError, match="field 'ttl' is ignored without a reason"):
        differences(view, seen, {"ttl": " "})


@pytest.mark.parametrize(
    ("length", "vlans", "found"),
    [(60, 0, False), (61, 0, True), (64, 1, False), (65, 1, True)],
)
def test_octets_behind_a_packet_are_only_those_that_a_short_frame_needs(
    length: int, vlans: int, found: bool
) -> None:
    ends = replace(ENDS4, vlan=7) if vlans else ENDS4
    data = frames.udp(ends, 40000, 53, b"x", ip_id=7)
    view, padded = dissect(data), dissect(data.ljust(length, b"\0"))
    assert [one.field for one in differences(view, padded)] == ["padding"] * found
    assert differences(view, padded, {"padding": "the NIC's"}) == []
    if found:
        (one,) = differences(view, padded)
        assert one.expected == f"none in a frame beyond {60 + 4 * vlans} bytes"
        assert one.seen == f"{length - len(data)} bytes after the packet"


def test_a_wrong_checksum_is_told_with_its_figures_and_octets_readably() -> None:
    view = dissect(PACKETS["udp"])
    wrong = dissect(frames.udp(ENDS4, 40000, 53, b"x", ip_id=7, chksum=0x1234))
    assert isinstance(wrong, UdpView)
    (one,) = differences(view, wrong)
    sums = f"(0x1234, correct is {wrong.checksum_right:#06x})"
    assert str(one) == f"checksum: expected correct, seen wrong {sums}"
    (text,) = differences(view, replace(view, payload=b"GET /\r\n"))  # type: ignore[call-arg]
    assert (text.expected, text.seen) == ("1 bytes 'x'", "7 bytes 'GET /\\r\\n'")
    (octets,) = differences(view, replace(view, payload=bytes(60)))  # type: ignore[call-arg]
    assert octets.seen == f"60 bytes {bytes(48).hex(' ')}…"
    (gone,) = differences(view, replace(view, payload=b""))  # type: ignore[call-arg]
    assert gone.seen == "nothing"
