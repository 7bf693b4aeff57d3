"""Through which RS answers come late, and on which side of it the time passes."""

from __future__ import annotations

import pytest

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.delay import LIMIT, AnswerTime, answer_times, compare
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import Frame
from dpvs_acceptance.traffic.views import View

VIP, LIP = SocketAddress("10.0.96.204", 80), SocketAddress("192.168.229.204", 2000)
CLIENT, RS = SocketAddress("10.0.96.101", 5000), SocketAddress("192.168.229.1", 80)


def connection(
    near: SocketAddress, far: SocketAddress, number: int, at: list[int], *, begin: int = 0
) -> list[View]:
    """SYN, SYN-ACK, ACK, request, answer at these milliseconds of one machine's clock."""
    there = frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", near.address, far.address)
    back = frames.Ends("02:00:00:00:00:02", "02:00:00:00:00:01", far.address, near.address)
    sent = [
        frames.tcp(there, near.port, far.port, "S", seq=1),
        frames.tcp(back, far.port, near.port, "SA", seq=number, ack=2),
        frames.tcp(there, near.port, far.port, "A", seq=2, ack=number + 1),
        frames.tcp(there, near.port, far.port, "PA", seq=2, ack=number + 1, payload=b"GET"),
        frames.tcp(back, far.port, near.port, "PA", seq=number + 1, ack=5, payload=b"200"),
    ]
    ns = [begin + one * 1_000_000 for one in at]
    return [
        dissect(Frame(data, time, length=len(data))) for time, data in zip(ns, sent, strict=True)
    ]


def test_the_time_of_the_rs_and_the_time_between_are_told_apart() -> None:
    """The RS's clock is an hour off, and its SYN had been held back for 300 ms."""
    near = connection(CLIENT, VIP, 77, [0, 301, 301, 302, 640])
    far = connection(LIP, RS, 77, [0, 1, 2, 300, 330], begin=3_600_000_000_000)
    stray = connection(LIP, RS, 5, [0, 1, 2, 3, 4])
    (time,) = answer_times(near, {"rs1": far, "rs2": stray}, VIP)
    assert time == AnswerTime("rs1", pytest.approx(0.640), pytest.approx(0.031))
    assert time.between == pytest.approx(0.609)


def test_a_connection_that_was_not_answered_has_no_time() -> None:
    near = connection(CLIENT, VIP, 77, [0, 1, 2, 3, 4])
    far = connection(LIP, RS, 77, [0, 1, 2, 3, 4])
    assert answer_times(near[:4], {"rs1": far}, VIP) == []
    assert answer_times(near, {"rs1": far[:1]}, VIP) == []


def times(rs: str, milliseconds: list[int], at_rs: int = 1) -> list[AnswerTime]:
    return [AnswerTime(rs, one / 1e3, at_rs / 1e3) for one in milliseconds]


@pytest.mark.parametrize(
    ("slow", "even"), [(5, True), (LIMIT * 1e3 + 4, True), (LIMIT * 1e3 + 6, False), (300, False)]
)
def test_medians_may_be_a_tenth_of_a_second_apart(slow: int, even: bool) -> None:
    found = compare([*times("rs1", [5] * 5), *times("rs2", [slow] * 5, 2)], ["rs1", "rs2"])
    assert found.even is even, found.words
    assert "medians of rs1 5, rs2 5" in found.words
    if not even:
        assert found.words.startswith("rs2 answers ")
        assert "2 ms of rs2's time are spent in rs2" in found.words


def test_what_holds_up_a_minority_of_answers_is_no_slow_rs() -> None:
    busy = [*times("rs1", [5, 5, 5, 5, 5]), *times("rs2", [5, 900, 5, 1000, 5])]
    assert compare(busy, ["rs1", "rs2"]).even


def test_too_few_answers_say_nothing() -> None:
    with pytest.raises(ValueError, match="seen: rs2 2"):
        compare([*times("rs1", [5] * 5), *times("rs2", [5] * 2)], ["rs1", "rs2"])
