"""Bonds of the simulated device: which member a frame takes, and what the tools are told."""

from __future__ import annotations

import pytest

from softlab.simulated import quirks
from softlab.simulated.bonds import Bond
from softlab.simulated.ports import Port

MACS = (bytes.fromhex("020000040000"), bytes.fromhex("020000040001"))
HOST = bytes.fromhex("020000010011")


def bond(mode: int, wrong: str = "") -> Bond:
    members = [Port(at, f"dpdk{at}", mac) for at, mac in enumerate(MACS)]
    port = Port(2, "bond0", MACS[0], driver="net_bonding")
    made = Bond(port, members, mode, members[0], lambda quirk: quirk == wrong)
    made.choose()
    return made


def frame(number: int = 0) -> bytes:
    return HOST + MACS[0] + b"\x08\x00" + bytes(20) + number.to_bytes(2, "big") + bytes(30)


def used(one: Bond, count: int = 10) -> list[str]:
    left = [one.leave(frame(number), 0.0) for number in range(count)]
    return [member.name for member in left if member is not None]


def test_round_robin_takes_turns() -> None:
    one = bond(0)
    assert sorted(used(one)) == ["dpdk0"] * 5 + ["dpdk1"] * 5
    assert all(one.received(index, frame(), 0.0) for index in (0, 1))
    assert [member.opackets for member in one.members] == [5, 5]
    assert one.port.speed == 20000


def test_active_backup_uses_the_primary_and_hears_nothing_else() -> None:
    one = bond(1)
    assert set(used(one)) == {"dpdk0"}
    assert one.received(0, frame(), 0.0)
    assert not one.received(1, frame(), 0.0)
    assert one.port.speed == 10000


def test_another_member_takes_over_and_the_primary_comes_back() -> None:
    one = bond(1)
    one.look({0: False, 1: True}, 1.0)
    assert set(used(one)) == {"dpdk1"}
    assert one.received(1, frame(), 1.0)
    one.look({0: True, 1: True}, 2.0)
    assert set(used(one)) == {"dpdk0"}


def test_links_are_looked_at_as_often_as_they_are_monitored_and_delays_hold() -> None:
    one = bond(1)
    one.set("link-down-prop", "100")
    one.look({0: False, 1: True}, 1.0)
    one.look({0: False, 1: True}, 1.05)
    assert set(used(one)) == {"dpdk0"}, "50 of 100 ms"
    one.look({0: False, 1: True}, 1.11)
    assert set(used(one)) == {"dpdk1"}
    one.set("monitor-interval", "500")
    one.look({0: True, 1: True}, 1.2)
    assert set(used(one)) == {"dpdk1"}, "not looked at again within 500 ms"


def test_without_members_frames_are_lost_and_counted() -> None:
    one = bond(1)
    one.look({0: False, 1: False}, 1.0)
    assert used(one) == []
    assert not one.port.up
    assert one.port.oerrors == 10


def test_without_a_partner_a_bond_with_lacp_carries_nothing() -> None:
    one = bond(4)
    assert used(one) == []
    assert [index for index, _ in one.tick(0.0)] == [0, 1], "it speaks first"


@pytest.mark.parametrize(
    ("mode", "wrong", "seen"),
    [(0, quirks.BOND_ONE, {"dpdk0"}), (4, quirks.LACP_UNHEARD, {"dpdk0", "dpdk1"})],
)
def test_quirks_of_sending(mode: int, wrong: str, seen: set[str]) -> None:
    one = bond(mode, wrong)
    one.set("xmit-policy", "layer34")
    assert set(used(one, 64)) == seen


def test_quirks_of_links_and_lacp() -> None:
    stays = bond(1, quirks.BOND_STAYS)
    stays.look({0: False, 1: True}, 1.0)
    assert set(used(stays)) == {"dpdk0"}
    assert bond(4, quirks.LACP_MUTE).tick(0.0) == []


def test_the_status_says_who_is_primary_and_active() -> None:
    one = bond(1)
    assert one.set("primary", "dpdk1")
    one.look({0: False, 1: True}, 1.0)
    status = one.status()
    assert status["hardware"] == MACS[1], "the bond has its primary's MAC"
    assert status["members"] == [
        {"name": "dpdk0", "hardware": MACS[0], "active": False, "primary": False},
        {"name": "dpdk1", "hardware": MACS[1], "active": True, "primary": True},
    ]
    assert not one.set("primary", "dpdk7")
