"""Fragments: what is cut comes together again, and only as a whole."""

from __future__ import annotations

import pytest

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.fragments import cut, together
from dpvs_acceptance.traffic.views import IpView

ENDS = {
    4: frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1", "198.51.100.2"),
    6: frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", "2001:db8::1", "2001:db8::2"),
}
BODY = bytes(range(100))


def whole(version: int) -> bytes:
    return frames.udp(ENDS[version], 40000, 53, BODY, ip_id=7)


def pieces(version: int, size: int, **how: int) -> list[IpView]:
    found = [dissect(one) for one in cut(whole(version), size, **how)]
    assert all(isinstance(one, IpView) for one in found)
    return [one for one in found if isinstance(one, IpView)]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [8, 32, 56, 104])
def test_what_is_cut_comes_together_in_any_order(version: int, size: int) -> None:
    original = dissect(whole(version))
    assert isinstance(original, IpView)
    parts = pieces(version, size)
    assert len(parts) == -(-108 // size)
    assert [one.fragment_offset for one in parts] == [n * size for n in range(len(parts))]
    for order in (parts, parts[::-1], parts[1:] + parts[:1]):
        assert together(order) == original.ip_payload
    assert together(parts[:-1]) is None
    assert together(parts[1:]) is None
    assert together([]) is None
    if len(parts) > 2:
        assert together([parts[0], *parts[2:]]) is None
    for one in parts:
        assert (one.src, one.dst, one.ttl, one.protocol) == (
            *(original.src, original.dst, original.ttl, original.protocol),
        )
        assert one.ip_checksum in ("correct", None)
        assert one.problem == ""


@pytest.mark.parametrize("version", [4, 6])
def test_fragments_are_of_one_packet_and_say_which_is_the_last(version: int) -> None:
    data = cut(whole(version), 56, ident=0x1234)
    header = 20 if version == 4 else 40
    if version == 4:
        assert [one[14 + 4 : 14 + 8].hex() for one in data] == ["12342000", "12340007"]
        assert [int.from_bytes(one[16:18], "big") for one in data] == [header + 56, header + 52]
    else:
        extensions = [one[14 + header : 14 + header + 8].hex() for one in data]
        assert extensions == ["1100000100001234", "1100003800001234"]
        assert [one[14 + 6] for one in data] == [44, 44]
        assert [int.from_bytes(one[18:20], "big") for one in data] == [8 + 56, 8 + 52]
    assert all(one[:14] == whole(version)[:14] for one in data)


@pytest.mark.parametrize("version", [4, 6])
def test_a_later_fragment_overlaps_with_other_octets(version: int) -> None:
    first, second = pieces(version, 56, overlap=16)
    original = dissect(whole(version))
    assert isinstance(original, IpView)
    assert (first.fragment_offset, second.fragment_offset) == (0, 40)
    assert first.ip_payload == original.ip_payload[:56]
    assert second.ip_payload[16:] == original.ip_payload[56:]
    disputed = bytes(octet ^ 0xFF for octet in original.ip_payload[40:56])
    assert second.ip_payload[:16] == disputed


def test_a_whole_packet_is_its_own_last_fragment() -> None:
    for version in (4, 6):
        view = dissect(whole(version))
        assert isinstance(view, IpView)
        assert together([view]) == view.ip_payload


@pytest.mark.parametrize(("size", "overlap"), [(9, 0), (16, 4), (16, 16), (16, -8), (0, 0)])
def test_sizes_are_whole_eights(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="must be multiples of 8"):
        cut(whole(4), size, overlap=overlap)


@pytest.mark.parametrize("version", [4, 6])
def test_a_body_of_whole_pieces_has_no_empty_one_behind_it(version: int) -> None:
    data = frames.udp(ENDS[version], 40000, 53, BODY[:88], ip_id=7)
    for size, count in ((48, 2), (96, 1), (104, 1)):
        parts = [dissect(one) for one in cut(data, size, ident=0xFEED)]
        assert len(parts) == count
        views = [one for one in parts if isinstance(one, IpView)]
        original = dissect(data)
        assert isinstance(original, IpView)
        assert together(views) == original.ip_payload
    if version == 4:
        assert {one.ip_id for one in views} == {0xFEED}
