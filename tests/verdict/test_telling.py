from __future__ import annotations

from dataclasses import replace

import pytest

from dpvs_acceptance.verdict.facts import DeviceKind
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.phases import Phase, combine
from dpvs_acceptance.verdict.telling import Telling, most_telling, telling, telling_line, weight
from tests.verdict.builders import check, requirement

CURL = "no connection to http://10.0.96.204/: no answer: curl: (28) Connection timed out"
WRONG = "not as expected of FullNAT: ttl: expected 63, seen 64 (fields: ttl in 3 packets)"
PORT = "another port: [80, 81]"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("dpvs is not running any more (process 7)", Telling.DEATH),
        (WRONG, Telling.FIELD),
        ("ping 10.0.96.204 from client1: echo reply 3: wrong ICMP checksum 0xffff", Telling.FIELD),
        ("TOA: address, port, position ('10.0.0.1', 80, 1) expected, none seen", Telling.FIELD),
        ("an RS does not see the real client client1:", Telling.FIELD),
        ("192.0.2.1: expected MAC 02:00:00:00:00:01", Telling.FIELD),
        ("VIP 10.0.96.204 is on dpdk1, expected dpdk0", Telling.STATE),
        ("something that nobody has thought of", Telling.STATE),
        ("2 of 4 echoes lost", Telling.AMOUNT),
        (CURL, Telling.SILENCE),
        ("SYN 3 of 10 to 10.0.96.204 was not answered", Telling.SILENCE),
        ("dut: `ipvsadm -ln` was not done in 10 s", Telling.SILENCE),
        ("dpdk0.kni (192.168.0.1) does not reach 192.168.0.2", Telling.SILENCE),
        ("inconclusive: checksum of no frame was seen", Telling.NOTHING),
        ("known to fail: checksum", Telling.NOTHING),
    ],
)
def test_what_a_line_tells(line: str, kind: Telling) -> None:
    assert telling(line) is kind


def test_the_line_that_tells_most_stands_for_the_message() -> None:
    assert telling_line(f"{CURL}\n{WRONG}\n") == WRONG
    assert telling_line(f"{WRONG}\n{CURL}") == WRONG
    assert telling_line("2 of 4 lost\n  expected: checksum") == "2 of 4 lost"
    # A line of another's output that is not recognized says no more than the sentence before it.
    assert telling_line(f"{CURL}\nassert False") == CURL
    assert telling_line("\n  \n") == ""
    assert telling_line("checksum \x1b[2J") == "checksum \\x1b[2J"
    assert weight(f"{CURL}\n{WRONG}") is Telling.FIELD


def test_the_first_of_those_that_tell_most() -> None:
    assert most_telling([CURL, PORT, WRONG, WRONG]) == 2
    assert most_telling([PORT, PORT]) == 0
    assert most_telling([]) == -1


def test_a_wrong_checksum_is_the_first_reason_whatever_failed_before() -> None:
    rows = [requirement(name) for name in ("S29", "S30", "S33")]
    results = [
        check("FAIL", "S29", message="2 of 4 echoes lost"),
        check("FAIL", "S30", node="a.py::test_1", message=CURL),
        check("FAIL", "S30", node="a.py::test_2", message=f"{CURL}\n{WRONG}"),
        check("FAIL", "S33", message=PORT),
        check("FAIL", "X1", node="a.py::test_3", message="dpvs is not running any more"),
    ]
    verdict = judge(DeviceKind.HARDWARE, rows, results)
    assert verdict.reasons == (
        "a.py::test_3 FAIL: dpvs is not running any more",
        f"S30 (P1) FAIL: {WRONG}",
        f"S33 (P1) FAIL: {PORT}",
        "S29 (P1) FAIL: 2 of 4 echoes lost",
    )


def test_of_several_attempts_the_most_telling_failure_is_kept() -> None:
    phase = Phase("call", Outcome.FAIL, 1.0, CURL, "details 1")
    tries = [phase, replace(phase, attempt=2, message=WRONG, details="details 2")]
    made = combine("n", ["S30"], [*tries, replace(phase, attempt=3)])
    assert (made.message, made.details) == (WRONG, "details 2")


def test_what_is_inconclusive_stands_behind_what_came_to_nothing() -> None:
    broken = "inconclusive: frames were lost"
    results = [check("FAIL", "S29", message=broken), check("FAIL", "S30", message=CURL)]
    rows = [requirement("S29"), requirement("S30")]
    verdict = judge(DeviceKind.HARDWARE, rows, results)
    assert [reason[:3] for reason in verdict.reasons] == ["S30", "S29"]
