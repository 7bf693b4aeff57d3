"""The row of a fault from the outcomes of checks: caught, missed, along, false alarm."""

from __future__ import annotations

import pytest

from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome
from faults.matrix import Cell, Fate, Matrix, idle_checks, judge
from faults.model import Fault
from faults.page import render

FAULT = Fault(
    name="vip-missing",
    breaks="The VIP is on no port.",
    source="seed 3",
    quirk="arp.reply",
    red=("S25",),
    may=("S26",),
)


def result(requirement: str, outcome: Outcome, message: str = "") -> CheckResult:
    return CheckResult(
        f"suites/x.py::test_{requirement}[web]", outcome, 0.1, message, requirements=(requirement,)
    )


def test_killed_by_the_check_it_names() -> None:
    row = judge(
        FAULT,
        [
            result(
                "S25", Outcome.FAIL, "VIPs are not where they belong:\nVIP 10.0.96.204: nowhere"
            ),
            result("S26", Outcome.FAIL, "a route"),
            result("S27", Outcome.PASS),
        ],
        1.0,
    )
    assert row.fate is Fate.KILLED
    assert row.cells == {"S25": Cell.CAUGHT, "S26": Cell.ALONG, "S27": Cell.GREEN}
    assert row.caught[0].message == ("VIPs are not where they belong: VIP 10.0.96.204: nowhere")
    assert not row.false_alarms


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.NOT_SUPPORTED, Outcome.NOT_TESTED])
def test_survives_what_is_not_red(outcome: Outcome) -> None:
    row = judge(FAULT, [result("S25", outcome)], 1.0)
    assert (row.fate, row.cells["S25"]) == (Fate.SURVIVED, Cell.MISSED)
    assert row.reason


def test_a_red_that_the_fault_does_not_name_is_a_false_alarm() -> None:
    row = judge(FAULT, [result("S25", Outcome.FAIL), result("S01", Outcome.FLAKY, "x")], 1.0)
    assert row.cells["S01"] is Cell.FALSE_ALARM
    assert [one.requirements for one in row.false_alarms] == [("S01",)]
    assert row.fate is Fate.KILLED


def test_blocked_is_no_catch_unless_the_fault_says_so() -> None:
    blocked = [result("S25", Outcome.BLOCKED, "no host")]
    row = judge(FAULT, blocked, 1.0)
    assert (row.fate, len(row.errors)) == (Fate.SURVIVED, 1)
    assert judge(FAULT.model_copy(update={"blocks": True}), blocked, 1.0).fate is Fate.KILLED


def test_a_check_that_falls_over_a_fault_is_an_error_of_its_own() -> None:
    row = judge(FAULT, [result("S25", Outcome.FAIL, "KeyError: 1")], 1.0)
    assert row.errors == ("suites/x.py::test_S25[web]: KeyError: 1",)


def test_a_fault_that_could_not_be_made_proves_nothing() -> None:
    row = judge(FAULT, [result("S25", Outcome.FAIL)], 1.0, trouble="dut: exit 1")
    assert (row.fate, row.reason) == (Fate.BROKEN, "dut: exit 1")


MENDING = Fault(
    name="mended-checksums",
    breaks="Nothing: damage goes nowhere.",
    source="issue",
    quirk="mended.checksums",
    green=("EDG-24",),
)


@pytest.mark.parametrize(
    ("before", "now", "cell"),
    [
        (Outcome.FAIL, Outcome.PASS, Cell.MENDED),
        (Outcome.FAIL, Outcome.FAIL, Cell.MISSED),
        (Outcome.FAIL, Outcome.NOT_TESTED, Cell.MISSED),
        (Outcome.PASS, Outcome.PASS, Cell.MISSED),
    ],
)
def test_mended_is_what_was_red_and_is_green(before: Outcome, now: Outcome, cell: Cell) -> None:
    control = [result("EDG-24", before, "made good")]
    row = judge(MENDING, [result("EDG-24", now)], 1.0, control=control)
    assert row.cells["EDG-24"] is cell
    assert row.fate is (Fate.KILLED if cell is Cell.MENDED else Fate.SURVIVED)
    assert [one.message for one in row.caught] == (["made good"] if cell is Cell.MENDED else [])
    assert not row.false_alarms


def test_what_was_red_with_no_fault_is_no_red_of_the_fault() -> None:
    control = [result("S25", Outcome.FAIL), result("S01", Outcome.FAIL)]
    row = judge(FAULT, control, 1.0, control=control)
    assert (row.fate, row.cells["S25"]) == (Fate.SURVIVED, Cell.NOT_LOOKED)
    assert not row.false_alarms


def test_the_simulated_dpvs_may_lack_parts_of_dpvs_but_nothing_of_the_machine() -> None:
    caught = judge(FAULT, [result("S25", Outcome.FAIL)], 1.0)
    for need, good in (("vlans", True), ("second-node", False)):
        fault = FAULT.model_copy(update={"needs": (need,)})
        lacks = judge(fault, [], 0.0, lacking="none here")
        matrix = Matrix("x", "2026", 1.0, (), (), (caught, lacks), ("S25",), (), whole=True)
        assert matrix.good is good


@pytest.mark.parametrize("whole", [True, False])
def test_a_fault_that_the_machine_cannot_have_is_no_survivor_but_no_proof_either(
    whole: bool,
) -> None:
    caught = judge(FAULT, [result("S25", Outcome.FAIL)], 1.0, note="put right by another bring-up")
    lacks = judge(FAULT, [], 0.0, lacking="this machine has one NUMA node")
    assert (lacks.fate, lacks.reason) == (Fate.IMPOSSIBLE, "this machine has one NUMA node")
    assert lacks.cells == {"S25": Cell.NOT_LOOKED}
    assert (caught.fate, caught.note) == (Fate.KILLED, "put right by another bring-up")
    both = Matrix("x", "2026", 1.0, (), (), (caught, lacks), ("S25",), (), whole=whole)
    alone = Matrix("x", "2026", 1.0, (), (), (lacks,), ("S25",), (), whole=whole)
    assert both.good is not whole, "a lab's own device can have every fault"
    assert not alone.good
    assert "1 cannot be made" in both.words()
    assert "one NUMA node" in render(both)
    assert "another bring-up" in render(both)


def test_checks_that_nothing_turned_red_are_named_once() -> None:
    row = judge(FAULT, [result("S25", Outcome.FAIL)], 1.0)
    checks = ["suites/x.py::test_S25[web]", "suites/x.py::test_S01[a]", "suites/x.py::test_S01[b]"]
    assert idle_checks(checks, [row]) == ("suites/x.py::test_S01",)


@pytest.mark.parametrize("good", [True, False])
def test_the_page_shows_every_fault(good: bool) -> None:
    results = [result("S25", Outcome.FAIL if good else Outcome.PASS, "<b>words</b>")]
    matrix = Matrix("simulated", "2026", 1.0, (), (), (judge(FAULT, results, 1.0),), ("S25",), ())
    page = render(matrix)
    assert matrix.good is good
    assert "vip-missing" in page
    assert "<b>words" not in page
    assert ("survived" in page) is not good or "1 killed" in page
    assert matrix.to_json()["summary"]["faults"] == 1
