from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.verdict.causes import Inconclusive
from dpvs_acceptance.verdict.outcomes import (
    Attempt,
    CheckResult,
    Outcome,
    remark_on,
    requirement_outcome,
    short_name,
)
from dpvs_acceptance.verdict.phases import Phase, combine
from tests.verdict.builders import check

OUTCOMES = st.sampled_from([one for one in Outcome if one is not Outcome.PARTIAL])


def results(*outcomes: str) -> list[CheckResult]:
    return [check(outcome) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), "NOT TESTED"),
        (("PASS",), "PASS"),
        (("PASS", "FAIL"), "FAIL"),
        (("BLOCKED", "FAIL"), "FAIL"),
        (("PASS", "BLOCKED"), "BLOCKED"),
        (("FLAKY", "BLOCKED"), "BLOCKED"),
        (("PASS", "FLAKY"), "FLAKY"),
        (("FLAKY", "NOT SUPPORTED"), "FLAKY"),
        (("PASS", "NOT SUPPORTED"), "NOT SUPPORTED"),
        (("PASS", "NOT TESTED"), "NOT TESTED"),
        (("PASS", "NOT APPLICABLE"), "PASS"),
        (("NOT APPLICABLE",), "NOT APPLICABLE"),
        (("NOT APPLICABLE", "FAIL"), "FAIL"),
        (("NOT APPLICABLE", "NOT TESTED"), "NOT TESTED"),
        (("NOT SUPPORTED",), "NOT SUPPORTED"),
        (("NOT SUPPORTED", "NOT TESTED"), "NOT TESTED"),
    ],
)
def test_a_requirements_outcome(outcomes: tuple[str, ...], expected: str) -> None:
    assert requirement_outcome(results(*outcomes)) == expected


@given(st.lists(OUTCOMES))
def test_rules_that_hold_for_any_results(outcomes: list[Outcome]) -> None:
    judged = requirement_outcome(results(*outcomes))
    assert judged in {*outcomes, Outcome.NOT_TESTED}
    assert judged == requirement_outcome(results(*reversed(outcomes)))
    assert (judged is Outcome.FAIL) == (Outcome.FAIL in outcomes)
    if judged is Outcome.PASS:
        assert set(outcomes) <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
        assert Outcome.PASS in outcomes


# Each case: outcomes of core checks, then of the others.
@pytest.mark.parametrize(
    ("core", "others", "expected"),
    [
        (("PASS",), ("PASS",), "PASS"),
        (("PASS",), ("NOT APPLICABLE",), "PASS"),
        (("PASS",), ("NOT SUPPORTED",), "PARTIAL"),
        (("PASS",), ("NOT TESTED", "PASS"), "PARTIAL"),
        (("PASS",), ("FAIL",), "FAIL"),
        (("PASS",), ("BLOCKED", "FLAKY"), "BLOCKED"),
        (("PASS", "NOT SUPPORTED"), ("PASS",), "NOT SUPPORTED"),
        (("PASS", "NOT TESTED"), ("PASS",), "NOT TESTED"),
        (("NOT SUPPORTED", "NOT TESTED"), ("PASS",), "NOT TESTED"),
        (("NOT APPLICABLE", "PASS"), ("PASS",), "PASS"),
        (("NOT APPLICABLE",), ("PASS",), "NOT APPLICABLE"),
        (("NOT APPLICABLE",), ("NOT SUPPORTED",), "NOT APPLICABLE"),
        (("NOT APPLICABLE",), ("FAIL",), "FAIL"),
    ],
)
def test_core_checks_decide(core: tuple[str, ...], others: tuple[str, ...], expected: str) -> None:
    made = [replace(check(one, "S29"), core=("S29",)) for one in core]
    made += [check(one, "S29") for one in others]
    for results_in_any_order in (made, made[::-1]):
        assert requirement_outcome(results_in_any_order, "S29") == expected
    # For a row that names none of them all are core.
    assert requirement_outcome(made, "S30") == requirement_outcome(results(*core, *others))


def test_the_remark_names_the_check_that_decides() -> None:
    probe = check("NOT SUPPORTED", "S12", node="suites/p.py::test_now", message="no\nmore")
    boot = check("PASS", "S12", node="suites/p.py::test_boot")
    core = replace(probe, core=("S12",))
    assert remark_on([boot, core], "S12", Outcome.NOT_SUPPORTED) == "test_now: no"
    assert remark_on([core], "S12", Outcome.NOT_SUPPORTED) == "no"
    other = [replace(boot, core=("S12",)), probe]
    said = "without 1 of 2 checks, NOT SUPPORTED: test_now: no"
    assert remark_on(other, "S12", Outcome.PARTIAL) == said
    assert remark_on([boot], "S12", Outcome.PASS) == ""
    assert remark_on([], "S12", Outcome.NOT_TESTED) == ""
    assert remark_on([boot, check("FAIL", message="\nlost\nx")], "", Outcome.FAIL) == "lost"
    away = replace(check("NOT APPLICABLE", message="one RS"), core=("S12",))
    assert remark_on([away, probe], "S12", Outcome.NOT_APPLICABLE) == "one RS"


@given(st.lists(OUTCOMES), OUTCOMES)
def test_another_result_never_hides_a_bad_one(outcomes: list[Outcome], more: Outcome) -> None:
    bad = {Outcome.FAIL, Outcome.FLAKY, Outcome.BLOCKED}
    if requirement_outcome(results(*outcomes)) in bad:
        assert requirement_outcome(results(*outcomes, more)) in bad


def phase(when: str, outcome: str = "PASS", attempt: int = 1, message: str = "") -> Phase:
    return Phase(
        when,  # type: ignore[arg-type]
        Outcome(outcome),
        0.5,
        message,
        evidence=(f"{when}{attempt}.pcap",),
        attempt=attempt,
    )


def test_a_check_that_passed_in_all_phases() -> None:
    result = combine("n", ["S29"], [phase("setup"), phase("call"), phase("teardown")])
    assert result.outcome is Outcome.PASS
    assert result.seconds == 1.5
    assert result.requirements == ("S29",)
    assert result.evidence == ("setup1.pcap", "call1.pcap", "teardown1.pcap")
    assert result.attempts == ()


@pytest.mark.parametrize(
    ("phases", "expected", "message"),
    [
        ([phase("setup", "BLOCKED", message="b"), phase("teardown")], "BLOCKED", "b"),
        ([phase("setup"), phase("call"), phase("teardown", "FAIL", message="t")], "FAIL", "t"),
        (
            [
                phase("setup"),
                phase("call", "NOT SUPPORTED", message="p"),
                phase("teardown", "FAIL", message="t"),
            ],
            "FAIL",
            "t",
        ),
        ([phase("setup"), phase("call", "NOT TESTED", message="r")], "NOT TESTED", "r"),
        ([phase("setup")], "NOT TESTED", "the check was interrupted"),
        ([], "NOT TESTED", "not run"),
    ],
)
def test_a_check_is_as_good_as_its_worst_phase(
    phases: list[Phase], expected: str, message: str
) -> None:
    result = combine("n", [], phases)
    assert (result.outcome, result.message) == (expected, message)


def attempts(*outcomes: str) -> CheckResult:
    phases = []
    for number, outcome in enumerate(outcomes, 1):
        phases += [
            phase("setup", attempt=number),
            phase("call", outcome, number, f"{outcome} {number}" if outcome != "PASS" else ""),
            phase("teardown", attempt=number),
        ]
    return combine("n", ["S30"], phases)


def test_a_pass_after_a_failure_is_flaky_with_every_attempt_kept() -> None:
    result = attempts("FAIL", "PASS", "FAIL")
    assert result.outcome is Outcome.FLAKY
    assert result.message == "FAIL 1\npassed in 1 of 3 attempts"
    assert [a.outcome for a in result.attempts] == ["FAIL", "PASS", "FAIL"]
    assert [a.evidence[1] for a in result.attempts] == ["call1.pcap", "call2.pcap", "call3.pcap"]
    assert len(result.evidence) == 9
    assert result.seconds == 4.5


def test_three_failures_are_a_failure() -> None:
    result = attempts("FAIL", "FAIL", "FAIL")
    assert (result.outcome, result.message) == (Outcome.FAIL, "FAIL 1")
    assert len(result.attempts) == 3


@given(st.lists(OUTCOMES.filter(lambda o: o is not Outcome.FLAKY), min_size=2, max_size=4))
def test_repeating_never_makes_a_pass_of_a_failure(outcomes: list[Outcome]) -> None:
    result = attempts(*outcomes)
    if Outcome.FAIL in outcomes:
        assert result.outcome in {Outcome.FAIL, Outcome.FLAKY}
    assert (result.outcome is Outcome.FLAKY) == ({Outcome.FAIL, Outcome.PASS} <= set(outcomes))


def test_unsound_is_a_failure_that_doubts_the_check() -> None:
    assert issubclass(Inconclusive, AssertionError)
    assert str(Inconclusive("no control packet")) == "inconclusive: no control packet"


def test_the_core_check_that_decides_is_named_though_another_was_skipped_before_it() -> None:
    other = check("NOT SUPPORTED", "S12", node="a.py::test_other", message="other")
    core = replace(
        check("NOT SUPPORTED", "S12", node="a.py::test_core[10.0.0.0/24]", message="core"),
        core=("S12",),
    )
    said = remark_on([other, core], "S12", Outcome.NOT_SUPPORTED)
    assert said == "test_core[10.0.0.0/24]: core"


def test_a_result_has_all_that_its_phases_said() -> None:
    setup, call = phase("setup"), phase("call", "NOT SUPPORTED", message="no")
    probe = replace(call, probe="insmod: no", details="where")
    made = combine("a.py::test_x", ["S29", "S30"], [setup, probe], ["S30"])
    assert made == CheckResult(
        "a.py::test_x",
        Outcome.NOT_SUPPORTED,
        1.0,
        "no",
        "where",
        ("S29", "S30"),
        ("setup1.pcap", "call1.pcap"),
        "insmod: no",
        core=("S30",),
    )
    none = combine("a.py::test_x", ["S29"], [], ["S29"])
    assert none == CheckResult(
        "a.py::test_x", Outcome.NOT_TESTED, 0.0, "not run", requirements=("S29",), core=("S29",)
    )


def test_each_attempt_is_kept_with_what_it_said() -> None:
    first = replace(phase("call", "FAIL", 1, "lost 1"), details="one")
    second = replace(phase("call", "FAIL", 2, "lost 2"), details="two", seconds=2.0)
    assert combine("n", [], [first, second]).attempts == (
        Attempt(Outcome.FAIL, 0.5, "lost 1", "one", ("call1.pcap",)),
        Attempt(Outcome.FAIL, 2.0, "lost 2", "two", ("call2.pcap",)),
    )


def test_a_checks_own_name_may_have_colons() -> None:
    assert short_name("suites/a.py::TestB::test_x[fd00::1]") == "TestB::test_x[fd00::1]"
    assert short_name("no-check") == "no-check"
