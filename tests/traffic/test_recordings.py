"""The expectations hold for every frame of a real DPVS, and notice when one is not so."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from dpvs_acceptance.traffic.agent.wire import internet_checksum
from dpvs_acceptance.traffic.differences import differences, report
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.expected import tcp_at_client, tcp_at_rs, udp_at_client, udp_at_rs
from dpvs_acceptance.traffic.frame import Frame
from dpvs_acceptance.traffic.pairing import connections, find_tcp, find_udp
from dpvs_acceptance.traffic.verify import check_tcp, check_udp
from dpvs_acceptance.traffic.views import TcpView, UdpView

from . import recorded

TCP_MODES = ("fnat-tcp", "fnat-tcp6", "nat64")
# connections in each recording, and packets of them: 6 of the client's, 4 of the RS's each
CONNECTIONS = {"fnat-tcp": 4, "fnat-tcp6": 2, "nat64": 2}


@pytest.mark.parametrize("mode", TCP_MODES)
def test_every_recorded_tcp_frame_is_as_expected(mode: str) -> None:
    client_views, rs_views = recorded.sides(mode)
    service = recorded.service(mode)
    ends = recorded.clients(mode)
    assert len(ends) == CONNECTIONS[mode]
    for client in ends:
        conversation, connection = find_tcp(client_views, rs_views, client, service)
        assert len(conversation.pairs) == 10
        assert not conversation.lost
        assert not conversation.added
        found = check_tcp(conversation, connection)
        assert not found, "\n".join(map(str, found))


def test_connections_are_counted_by_their_syn() -> None:
    for mode, each in (("fnat-tcp", 2), ("fnat-tcp6", 1), ("nat64", 1)):
        _, rs_views = recorded.sides(mode)
        for name, rs in zip(recorded.RS_MACS, recorded.service(mode).rs, strict=True):
            assert len(connections(rs_views[name], rs)) == each


def test_every_recorded_udp_frame_is_as_expected() -> None:
    mode = "fnat-udp-uoa-opp"
    client_views, rs_views = recorded.sides(mode)
    (client,) = recorded.clients(mode)
    conversation, connection = find_udp(client_views, rs_views, client, recorded.service(mode))
    assert [pair.towards_rs for pair in conversation.pairs] == [True] * 6 + [False] * 3
    assert not conversation.lost
    carried = [pair.rs.uoa for pair in conversation.pairs if pair.towards_rs and pair.rs]
    assert [one is not None for one in carried] == [True] * 3 + [False] * 3
    found = check_udp(conversation, connection)
    assert not found, "\n".join(map(str, found))


def pairs_of(mode: str) -> list[tuple[object, Frame]]:
    """(expectation, the very frame that was seen) of all packets of a recording."""
    client_views, rs_views = recorded.sides(mode)
    service = recorded.service(mode)
    out: list[tuple[object, Frame]] = []
    for client in recorded.clients(mode):
        if mode == "fnat-udp-uoa-opp":
            udp, connection = find_udp(client_views, rs_views, client, service)
            for number, pair in enumerate(udp.pairs):
                assert pair.sent
                assert pair.seen
                if pair.towards_rs:
                    out.append((udp_at_rs(pair.sent, connection, number)[0], pair.seen.frame))
                else:
                    out.append((udp_at_client(pair.sent, connection), pair.seen.frame))
        else:
            tcp, connection = find_tcp(client_views, rs_views, client, service)
            for segment in tcp.pairs:
                assert segment.sent
                assert segment.seen
                expect = tcp_at_rs if segment.towards_rs else tcp_at_client
                out.append((expect(segment.sent, connection), segment.seen.frame))
    return out


def with_right_checksums(data: bytes) -> bytes:
    """Checksums made right again after a change, as a device would that means what it sends."""
    out = bytearray(data)
    four = out[12:14] == b"\x08\x00"
    header = 14 + ((out[14] & 15) * 4 if four else 40)
    if four:
        out[24:26] = b"\0\0"
        out[24:26] = struct.pack("!H", internet_checksum(bytes(out[14:header])))
    protocol = out[23] if four else out[20]
    pseudo = bytes(out[26:34] if four else out[22:54])
    at = {6: 16, 17: 6}.get(protocol)
    if at is None or (protocol == 17 and out[header + 6 : header + 8] == b"\0\0"):
        return bytes(out)
    out[header + at : header + at + 2] = b"\0\0"
    segment = bytes(out[header:])
    total = internet_checksum(pseudo + struct.pack("!II", len(segment), protocol) + segment)
    out[header + at : header + at + 2] = struct.pack("!H", total)
    return bytes(out)


@pytest.mark.parametrize("mode", recorded.MODES)
def test_every_single_bit_of_a_seen_frame_is_held_to(mode: str) -> None:
    """A bit flipped and the checksums made right again is reported: every bit of the headers, and
    one in each octet of what is beyond any header's reach."""
    kinds_seen = set()
    for expectation, frame in pairs_of(mode):
        assert not differences(expectation, dissect(frame))
        view = dissect(frame)
        kind = (type(view).__name__, getattr(view, "flags", ""), len(frame.data))
        if kind in kinds_seen:  # one of each kind of packet is enough: each has 368 bits and more
            continue
        kinds_seen.add(kind)
        headers = min(len(frame.data), 14 + 40 + 60)
        beyond = range(headers * 8, len(frame.data) * 8, 9)
        for position in (*range(headers * 8), *beyond):
            changed = bytearray(frame.data)
            changed[position // 8] ^= 0x80 >> position % 8
            try:
                mended = with_right_checksums(bytes(changed))
            except (IndexError, struct.error):
                mended = bytes(changed)
            if mended == frame.data:  # it was a checksum's bit
                mended = bytes(changed)
            found = differences(expectation, dissect(mended))
            assert found, f"bit {position} of {len(frame.data) * 8} changed and nobody noticed"


MUTATIONS = {
    "mac_src": (6, b"\x06"),
    "mac_dst": (0, b"\x06"),
    "tos": (15, b"\x04"),
    "ip_id": (18, b"\x7f"),
    "ip_flags": (20, b"\x00"),
    "ttl": (22, b"\x3f"),
    "src": (29, b"\xc9"),
    "dst": (33, b"\x09"),
    "sport": (35, b"\x99"),
    "dport": (37, b"\x99"),
    "seq": (41, b"\x00"),
    "ack": (45, b"\x00"),
    "reserved": (46, None),
    "flags": (47, b"\x11"),
    "window": (48, b"\x77"),
    "urgent": (52, b"\x01"),
    "options": (58, b"\x0b"),
}


@pytest.mark.parametrize("field", MUTATIONS)
def test_the_field_that_was_altered_is_the_one_that_is_named(field: str) -> None:
    """The third packet of the handshake, with TOA: one field changed, exactly it reported."""
    client_views, rs_views = recorded.sides("fnat-tcp")
    client = recorded.clients("fnat-tcp")[0]
    conversation, connection = find_tcp(
        client_views, rs_views, client, recorded.service("fnat-tcp")
    )
    pair = next(p for p in conversation.pairs if p.towards_rs and p.rs and p.rs.toa())
    assert pair.client
    assert pair.rs
    at, value = MUTATIONS[field]
    data = bytearray(pair.rs.frame.data)
    data[at : at + 1] = value or bytes((data[at] | 1,))
    found = differences(
        tcp_at_rs(pair.client, connection), dissect(with_right_checksums(bytes(data)))
    )
    assert [one.field for one in found] == [field]
    text = report(found, "third packet")
    assert text.startswith(f"third packet\n  {field}: expected ")
    assert ", seen " in text


def test_a_wrong_checksum_is_named_with_the_right_one() -> None:
    (expectation, frame), *_ = pairs_of("fnat-tcp")
    data = bytearray(frame.data)
    data[50] ^= 0xFF
    (found,) = differences(expectation, dissect(bytes(data)))
    right = int.from_bytes(frame.data[50:52], "big")
    assert found.field == "checksum"
    assert f"correct is {right:#06x}" in str(found)


def test_a_lost_and_an_added_packet_are_findings() -> None:
    client_views, rs_views = recorded.sides("fnat-tcp")
    client = recorded.clients("fnat-tcp")[0]
    service = recorded.service("fnat-tcp")

    request = next(v for v in rs_views["rs1"] if isinstance(v, TcpView) and v.has("P"))
    without = {"rs1": [v for v in rs_views["rs1"] if v is not request], "rs2": []}
    found = check_tcp(*find_tcp(client_views, without, client, service))
    assert len(found) == 1
    assert "no such frame" in str(found[0])
    assert "[PA]" in str(found[0])

    doubled = {"rs1": [*rs_views["rs1"], request], "rs2": []}
    found = check_tcp(*find_tcp(client_views, doubled, client, service))
    assert len(found) == 1
    assert "no extra packet" in str(found[0])


def test_a_packet_that_one_sent_after_it_overtook() -> None:
    client_views, rs_views = recorded.sides("fnat-tcp")
    client, service = recorded.clients("fnat-tcp")[0], recorded.service("fnat-tcp")
    conversation, _ = find_tcp(client_views, rs_views, client, service)
    late = next(
        pair.rs for pair in conversation.pairs if pair.towards_rs and pair.rs and pair.rs.payload
    )

    def found(by: float) -> list[str]:
        """What is found when the request comes to the RS so many seconds later."""
        frame = replace(late.frame, time_ns=late.frame.time_ns + int(by * 1e9))
        moved = {
            name: [replace(view, frame=frame) if view is late else view for view in views]
            for name, views in rs_views.items()
        }
        return list(map(str, check_tcp(*find_tcp(client_views, moved, client, service))))

    (one,) = found(0.4)[:1]
    assert "order: expected before it, as it was sent, seen 4" in one.replace(" 39", " 4")
    assert found(0.0) == []


def test_a_wrongly_rewritten_sequence_number_is_named_not_taken_for_a_loss() -> None:
    client_views, rs_views = recorded.sides("fnat-tcp")
    client = recorded.clients("fnat-tcp")[0]
    views = list(rs_views["rs1"])
    index = next(i for i, v in enumerate(views) if isinstance(v, TcpView) and v.has("P"))
    data = bytearray(views[index].frame.data)
    data[38:42] = struct.pack("!I", (views[index].seq + 1) % 2**32)  # type: ignore[attr-defined]
    raw = with_right_checksums(bytes(data))
    views[index] = dissect(replace(views[index].frame, data=raw))
    service = recorded.service("fnat-tcp")
    (found,) = check_tcp(*find_tcp(client_views, {"rs1": views, "rs2": []}, client, service))
    assert [one.field for one in found.differences] == ["seq"]


def test_an_older_version_is_expected_to_differ_on_the_syn() -> None:
    """The same frames held to 1.9.4, which had TOA on the SYN: exactly the SYN is reported."""
    client_views, rs_views = recorded.sides("fnat-tcp")
    client = recorded.clients("fnat-tcp")[0]
    service = recorded.service("fnat-tcp", "1.9.4")
    (found,) = check_tcp(*find_tcp(client_views, rs_views, client, service))
    assert "[S]" in found.packet
    assert {one.field for one in found.differences} == {"options", "data_offset", "ip_length"}
    assert any(f"TOA 10.0.0.48:{client.port}" in one.expected for one in found.differences)


def test_uoa_on_one_datagram_too_many_is_reported() -> None:
    mode = "fnat-udp-uoa-opp"
    client_views, rs_views = recorded.sides(mode)
    (client,) = recorded.clients(mode)
    conversation, connection = find_udp(client_views, rs_views, client, recorded.service(mode))
    pair = conversation.pairs[2]  # the third, which carries it
    assert isinstance(pair.sent, UdpView)
    fields = {one.field for one in differences(udp_at_rs(pair.sent, connection, 3)[0], pair.seen)}
    assert fields == {"protocol", "uoa", "ip_length", "checksum"}
