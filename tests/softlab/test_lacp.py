"""LACP and the switch of the lab's bonds, without I/O; Scapy's LACP is the second opinion."""

from __future__ import annotations

from scapy.contrib.lacp import LACP, SlowProtocol
from scapy.layers.l2 import Ether

from softlab.lacp import COLLECTING, DISTRIBUTING, SYNC, Aggregate, Info, pdu, read
from softlab.lag.switch import Switch

DUT, OTHER = bytes.fromhex("020000040000"), bytes.fromhex("020000040001")
LINKS = ((0, DUT), (1, OTHER))
HOST = bytes.fromhex("020000010011")


def frame(source: bytes, target: bytes, number: int = 0) -> bytes:
    """An IPv4 frame with source port `number`."""
    return target + source + b"\x08\x00" + bytes(20) + number.to_bytes(2, "big") + bytes(30)


def talk(one: Aggregate, other: Aggregate, seconds: float, began: float = 0.0) -> float:
    """Both ends, tick by tick; when it ended."""
    for tick in range(int(seconds * 10)):
        now = began + tick / 10
        for here, there in ((one, other), (other, one)):
            for number, sent in here.due(now):
                there.received(number, sent, now)
    return began + seconds


def test_scapy_reads_what_is_sent_and_is_read() -> None:
    actor, partner = Info(DUT, 1, 2, 0x3D), Info(OTHER, 7, 9, 0x3F)
    seen = Ether(pdu(OTHER, actor, partner))
    lacp = seen[LACP]
    assert (seen.dst, seen.src) == ("01:80:c2:00:00:02", "02:00:00:04:00:01")
    assert (lacp.actor_system, lacp.actor_key, lacp.actor_port_number, lacp.actor_state) == (
        "02:00:00:04:00:00",
        1,
        2,
        0x3D,
    )
    assert (lacp.partner_key, lacp.partner_port_number, lacp.partner_state) == (7, 9, 0x3F)
    assert len(seen) == 124
    made = Ether(src="02:00:00:04:00:01", dst="01:80:c2:00:00:02") / SlowProtocol()
    made /= LACP(actor_system="02:00:00:04:00:00", actor_key=1, actor_port_number=2, actor_state=61)
    assert read(bytes(made)) == (Info(DUT, 1, 2, 61), Info(bytes(6), 0, 0, 0))
    assert read(frame(HOST, DUT)) is None


def test_two_ends_agree_and_say_so() -> None:
    dpvs, switch = Aggregate(DUT, LINKS, short=False), Aggregate(HOST, LINKS, short=True)
    now = talk(dpvs, switch, 2)
    for number in (0, 1):
        assert dpvs.carries(number, now)
        assert switch.carries(number, now)
    said = [read(sent) for _, sent in dpvs.due(now + 5)]
    assert len(said) == 2
    for ends in said:
        assert ends is not None
        assert ends[0].state & (SYNC | COLLECTING | DISTRIBUTING) == 0x38


def test_pdus_go_as_often_as_the_partner_asks() -> None:
    dpvs, switch = Aggregate(DUT, LINKS, short=False), Aggregate(HOST, LINKS, short=True)
    now = talk(dpvs, switch, 2)
    sent = {"dpvs": 0, "switch": 0}
    for tick in range(200):
        at = now + tick / 10
        sent["dpvs"] += len(dpvs.due(at))
        sent["switch"] += len(switch.due(at))
    assert 36 <= sent["dpvs"] <= 42, "two links, 20 s, one a second"
    assert sent["switch"] <= 2, "the other end asked for one in 30 s"


def test_a_silent_partner_is_left_out_after_three_periods() -> None:
    dpvs, switch = Aggregate(DUT, LINKS, short=False), Aggregate(HOST, LINKS, short=True)
    now = talk(dpvs, switch, 2)
    assert switch.carries(0, now + 2)
    assert not switch.carries(0, now + 4), "a short timeout: three seconds"
    assert dpvs.carries(0, now + 85)
    assert not dpvs.carries(0, now + 95), "a long one: 90 s"


def test_a_link_that_was_down_has_to_agree_anew() -> None:
    dpvs, switch = Aggregate(DUT, LINKS, short=False), Aggregate(HOST, LINKS, short=True)
    now = talk(dpvs, switch, 2)
    for end in (dpvs, switch):
        end.set_up(0, up=False)
    assert not dpvs.carries(0, now)
    assert dpvs.carries(1, now)
    for end in (dpvs, switch):
        end.set_up(0, up=True)
    now = talk(dpvs, switch, 2, now)
    assert dpvs.carries(0, now)


def test_a_link_to_another_system_is_no_member() -> None:
    dpvs = Aggregate(DUT, LINKS, short=False)
    one, other = Aggregate(HOST, LINKS, short=True), Aggregate(OTHER, LINKS, short=True)
    for tick in range(20):
        now = tick / 10
        for number, partner in ((0, one), (1, other)):
            for at, sent in partner.due(now):
                if at == number:
                    dpvs.received(number, sent, now)
        for at, sent in dpvs.due(now):
            (one if at == 0 else other).received(at, sent, now)
    assert dpvs.carries(0, 2.0)
    assert not dpvs.carries(1, 2.0)


def test_a_plain_switch_learns_by_which_cable_the_dut_is() -> None:
    switch = Switch(1, (0, 1))
    assert switch.arriving(frame(HOST, DUT), 0.0) == (0, 1), "unknown: to both"
    assert switch.leaving(1, frame(DUT, HOST), 0.0)
    assert switch.arriving(frame(HOST, DUT), 0.0) == (1,)
    switch.set_up(1, up=False)
    assert switch.arriving(frame(HOST, DUT), 0.0) == (0,), "what it learnt there is forgotten"


def test_a_static_group_spreads_over_what_is_up() -> None:
    switch = Switch(0, (0, 1))
    used = {switch.arriving(frame(HOST, DUT, number), 0.0) for number in range(64)}
    assert used == {(0,), (1,)}
    switch.set_up(0, up=False)
    used = {switch.arriving(frame(HOST, DUT, number), 0.0) for number in range(64)}
    assert used == {(1,)}


def test_a_silent_cable_loses_frames_in_both_directions() -> None:
    switch = Switch(1, (0, 1))
    switch.leaving(0, frame(DUT, HOST), 0.0)
    switch.set_silent(0, silent=True)
    assert not switch.leaving(0, frame(DUT, HOST), 0.0)
    assert switch.arriving(frame(HOST, DUT), 0.0) == ()


def test_a_switch_with_lacp_uses_no_member_that_does_not_speak_it() -> None:
    switch = Switch(4, (0, 1))
    assert switch.arriving(frame(HOST, DUT), 0.0) == ()
    assert not switch.leaving(0, frame(DUT, HOST), 0.0)
    dpvs = Aggregate(DUT, LINKS, short=False)
    for tick in range(20):
        now = tick / 10
        for number, sent in switch.due(now):
            dpvs.received(number, sent, now)
        for number, sent in dpvs.due(now):
            if number == 0:
                assert not switch.leaving(number, sent, now), "a PDU goes no further"
    assert {switch.arriving(frame(HOST, DUT, n), 2.0) for n in range(64)} == {(0,)}
    assert switch.leaving(0, frame(DUT, HOST), 2.0)
    assert not switch.leaving(1, frame(OTHER, HOST), 2.0)
