"""What is made of captured echo replies: each way in which one can be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.errors import TrafficError
from dpvs_acceptance.traffic.frame import Frame
from dpvs_acceptance.traffic.icmp import PingResult, account

HERE, GATE = "02:00:00:00:00:01", "02:00:00:00:00:02"
OUT = {
    4: frames.Ends(HERE, GATE, "192.0.2.1", "198.51.100.2"),
    6: frames.Ends(HERE, GATE, "2001:db8::1", "2001:db8::2"),
}
ID = 77
PAYLOADS = {1: b"first", 2: b"second"}


def frame(data: bytes, at: float, outgoing: bool) -> Frame:
    return Frame(data=data, time_ns=int(at * 1e9), outgoing=outgoing)


def request(version: int, number: int, at: float, identifier: int = ID) -> Frame:
    payload = PAYLOADS.get(number, b"fence")
    return frame(frames.echo_request(OUT[version], identifier, number, payload), at, True)


def reply(
    version: int,
    number: int,
    at: float,
    *,
    mac: str = GATE,
    payload: bytes | None = None,
    identifier: int = ID,
    src: str = "",
    ttl: int = 63,
    ip_sum: bool = True,
    icmp_sum: bool = True,
) -> Frame:
    out, s = OUT[version], frames.scapy()
    data = PAYLOADS.get(number, b"fence") if payload is None else payload
    back = frames.Ends(mac, HERE, src or out.dst, out.src, ttl=ttl)
    if version == 6:
        from scapy.layers.inet6 import ICMPv6EchoReply

        sums = {} if icmp_sum else {"cksum": 1}
        echo = ICMPv6EchoReply(id=identifier, seq=number, data=data, **sums)
        return frame(bytes(frames.network(back) / echo), at, False)
    sums = {} if icmp_sum else {"chksum": 1}
    head = frames.network(back, 9, **({} if ip_sum else {"chksum": 1}))
    echo = s.ICMP(type=0, id=identifier, seq=number, **sums) / s.Raw(data)
    return frame(bytes(head / echo), at, False)


def told(version: int, *captured: Frame) -> PingResult:
    out = OUT[version]
    return account(list(captured), out.dst, out.src, ID, PAYLOADS, GATE)


BOTH = pytest.mark.parametrize("version", [4, 6])


@BOTH
def test_all_is_well(version: int) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 2.0), request(version, 3, 3.0)]
    came = [reply(version, 1, 1.25), reply(version, 2, 2.5, ttl=62), reply(version, 3, 3.1)]
    result = told(version, *sent, *came)
    assert result.problems == []
    assert (result.sent, result.received, result.lost, result.duplicates) == (2, 2, (), {})
    assert result.rtts == (0.25, 0.5)
    assert result.ttls == {62, 63}
    assert len(result.frames) == 6
    assert str(result) == (
        f"{OUT[version].dst}: 2 of 2 answered, rtt 250.000/375.000/500.000 ms min/mean/max"
    )


@BOTH
def test_lost_and_doubled(version: int) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 2.0)]
    result = told(version, *sent, *[reply(version, 2, 2.1)] * 3)
    assert (result.lost, result.duplicates) == ((1,), {2: 2})
    assert result.problems == ["lost 1 of 2: 1", "request 2 was answered 3 times"]
    assert told(version, *sent).lost == (1, 2)
    assert str(told(version, *sent)) == f"{OUT[version].dst}: 0 of 2 answered"


@BOTH
def test_a_reply_that_came_before_an_earlier_one(version: int) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 1.1)]
    result = told(version, *sent, reply(version, 2, 1.2), reply(version, 1, 1.3))
    assert result.problems == ["reply 2 came before reply 1"]


@pytest.mark.parametrize(
    ("version", "wrong", "name", "words"),
    [
        (4, {"icmp_sum": False}, "wrong_checksum", "ICMP 0x0001, correct is 0x"),
        (6, {"icmp_sum": False}, "wrong_checksum", "ICMP 0x0001, correct is 0x"),
        (4, {"ip_sum": False}, "wrong_checksum", "; IP wrong"),
        (4, {"mac": "02:00:00:00:00:99"}, "wrong_mac", f"expected {GATE}, seen 02:00:00:00:00:99"),
        (6, {"payload": b"firsT"}, "wrong_payload", "2001:db8::2"),
        (4, {"src": "198.51.100.3"}, "other", "198.51.100.3"),
        (4, {"identifier": ID + 1}, "lost", ""),
    ],
)
def test_a_reply_that_is_wrong_is_wrong_in_that_alone(
    version: int, wrong: dict[str, object], name: str, words: str
) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 2.0)]
    bad = reply(version, 1, 1.1, **wrong)  # type: ignore[arg-type]
    result = told(version, *sent, bad, reply(version, 2, 2.1))
    names = ("lost", "wrong_checksum", "wrong_mac", "wrong_payload", "other")
    assert [one for one in names if getattr(result, one)] == [name]
    (said,) = getattr(result, name)
    assert words in str(said)
    assert len(result.problems) == 1


@BOTH
def test_errors_and_answers_that_nobody_asked_for(version: int) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 2.0), request(version, 3, 2.5)]
    came = [reply(version, number, 3.0) for number in (1, 2, 3, 9)]
    (strange,) = told(version, *sent, *came).other
    assert "9" in strange
    quoted = sent[0].data[14:]
    out, s = OUT[version], frames.scapy()
    back = frames.Ends(GATE, HERE, out.dst, out.src)
    if version == 4:
        error = s.ICMP(type=3, code=1) / s.Raw(quoted)
    else:
        from scapy.layers.inet6 import ICMPv6DestUnreach

        error = ICMPv6DestUnreach(code=1) / s.Raw(quoted)
    seen = frame(bytes(frames.network(back) / error), 4.0, False)
    assert len(told(version, *sent, *came[:2], seen).other) == 1
    # An error about another's echo, and one of ours that goes out, are none of this ping.
    other = request(version, 1, 1.0, identifier=ID + 1).data[14:]
    payload = error.__class__(bytes(error)[:8] + other) if version == 4 else None
    if payload is not None:
        foreign = frame(bytes(frames.network(back) / payload), 4.0, False)
        assert told(version, *sent, *came[:2], foreign).other == ()
    assert told(version, *sent, *came[:2], replace(seen, outgoing=True)).other == ()


def test_a_request_that_never_left_is_the_benchs_fault() -> None:
    with pytest.raises(TrafficError, match=r"echo requests \[2\] to 198\.51\.100\.2 did not leave"):
        told(4, request(4, 1, 1.0), reply(4, 2, 2.0))


def test_what_is_no_echo_is_passed_over() -> None:
    other = frame(frames.udp(OUT[4], 1, 2, b"x"), 1.0, False)
    sent = [request(4, 1, 1.0), request(4, 2, 2.0)]
    result = told(4, other, *sent, reply(4, 1, 1.1), reply(4, 2, 2.1), other)
    assert (result.problems, len(result.rtts)) == ([], 2)


@BOTH
def test_a_reply_that_came_twice_is_doubled(version: int) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 2.0)]
    result = told(version, *sent, *[reply(version, 1, 1.1)] * 2, reply(version, 2, 2.1))
    assert result.problems == ["request 1 was answered 2 times"]


@BOTH
def test_what_goes_out_and_is_no_request_of_ours_is_none(version: int) -> None:
    own = replace(reply(version, 2, 0.5), outgoing=True)
    foreign = request(version, 2, 0.6, identifier=ID + 1)
    sent = [request(version, 1, 1.0), request(version, 2, 2.0)]
    result = told(version, own, foreign, *sent, reply(version, 1, 1.5), reply(version, 2, 2.5))
    assert (result.rtts, result.problems) == ((0.5, 0.5), [])


@pytest.mark.parametrize(
    ("version", "kind", "is_error"),
    [
        *((4, kind, True) for kind in (3, 4, 5, 11, 12)),
        *((4, kind, False) for kind in (6, 13, 8)),
        *((6, kind, True) for kind in (1, 2, 3, 4, 127)),
        *((6, kind, False) for kind in (128, 133)),
    ],
)
def test_which_types_are_errors(version: int, kind: int, is_error: bool) -> None:
    sent = [request(version, 1, 1.0), request(version, 2, 2.0)]
    out, s = OUT[version], frames.scapy()
    back = frames.Ends(GATE, HERE, out.dst, out.src)
    head = frames.network(back, **({"proto": 1} if version == 4 else {"nh": 58}))
    message = bytes([kind, 0, 0, 0, 0, 0, 0, 0]) + sent[0].data[14:]
    seen = frame(bytes(head / s.Raw(message)), 3.0, False)
    came = [reply(version, 1, 1.1), reply(version, 2, 2.1)]
    other = told(version, *sent, *came, seen).other
    assert len(other) == int(is_error)
    assert all(out.dst in one for one in other)
    empty = frame(bytes(head / s.Raw(message[:8])), 3.0, False)
    assert told(version, *sent, *came, empty).other == ()
