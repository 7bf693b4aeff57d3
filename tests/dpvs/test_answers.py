"""What is expected of the tools' own words, and which command takes back which."""

from __future__ import annotations

import shlex

import pytest

from dpvs_acceptance.dpvs.answers import DONE, Answer, Said, disagreement
from dpvs_acceptance.dpvs.toolfacts import tool_facts
from dpvs_acceptance.dpvs.undoing import inverse
from dpvs_acceptance.dpvs.versions import Version

EXISTS = "[sockopt_msg_recv] errcode set in socket msg#47 header: already exist(-3)\n"


def _answer(status: int, stdout: str = "", stderr: str = "") -> Answer:
    return Answer("dpip addr add 192.0.2.1/32 dev dpdk0", status, stdout, stderr)


def test_a_command_that_is_well_says_nothing() -> None:
    assert disagreement(_answer(0), DONE) == ""
    assert "seen exit 0, 'Success'" in disagreement(_answer(0, "Success\n"), DONE)
    assert "seen exit 1" in disagreement(_answer(1), DONE)


def test_a_refusal_needs_both_status_and_words() -> None:
    refused = Said(1, "already exist(-3)")
    assert disagreement(_answer(1, stderr=EXISTS), refused) == ""
    assert disagreement(_answer(0, stderr=EXISTS), refused)
    assert disagreement(_answer(1, stderr="dpip: not exist\n"), refused)
    # A wrong status is told with the command as it was typed.
    assert disagreement(_answer(0), refused).startswith("`dpip addr add 192.0.2.1/32 dev dpdk0`")


def test_each_case_is_known_of_each_version() -> None:
    old, new = tool_facts(Version(1, 8, 10)), tool_facts(Version(1, 10, 2))
    assert set(old) == set(new)
    assert {case for case in new if old[case] != new[case]} == {
        "LIP show, no service",
        "route flush, device not named",
        "route flush, no such device",
    }


@pytest.mark.parametrize(
    ("command", "undo"),
    [
        ("dpip addr add 192.0.2.1/32 dev dpdk0", "dpip addr del 192.0.2.1/32 dev dpdk0"),
        (
            "dpip addr add 192.0.2.1/32 dev dpdk0 valid_lft 100",
            "dpip addr del 192.0.2.1/32 dev dpdk0",
        ),
        (
            "dpip -6 route add 2001:db8::/64 via 2001:db8::1 dev dpdk0",
            "dpip -6 route del 2001:db8::/64 via 2001:db8::1 dev dpdk0",
        ),
        ("dpip vlan add dpdk0.9 link dpdk0 id 9", "dpip vlan del dpdk0.9"),
        ("ipvsadm -A -t 192.0.2.1:80 -s rr", "ipvsadm -D -t 192.0.2.1:80"),
        ("ipvsadm -A -H proto=tcp,oif=dpdk0 -s rr", "ipvsadm -D -H proto=tcp,oif=dpdk0"),
        (
            "ipvsadm -a -u 192.0.2.1:53 -r 192.0.2.2:53 -b -w 7",
            "ipvsadm -d -u 192.0.2.1:53 -r 192.0.2.2:53",
        ),
        (
            "ipvsadm -P -z 192.0.2.3 -t 192.0.2.1:80 -F dpdk0",
            "ipvsadm -Q -z 192.0.2.3 -t 192.0.2.1:80 -F dpdk0",
        ),
        ("ipvsadm -U -t 192.0.2.1:80 -k 192.0.2.9", "ipvsadm -V -t 192.0.2.1:80 -k 192.0.2.9"),
    ],
)
def test_what_takes_a_command_back(command: str, undo: str) -> None:
    assert shlex.join(inverse(shlex.split(command)) or ()) == undo


@pytest.mark.parametrize(
    "command",
    [
        "dpip link set dpdk0 promisc on",
        "ipvsadm -C",
        "ipvsadm -E -t 192.0.2.1:80",
        "dpip addr del x",
    ],
)
def test_what_has_no_inverse(command: str) -> None:
    assert inverse(shlex.split(command)) is None
