from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.verdict.causes import Inconclusive
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome, requirement_outcome
from dpvs_acceptance.verdict.phases import Phase, combine
from tests.verdict.builders import check

OUTCOMES = st.sampled_from(list(Outcome))


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
        (("PASS", "NOT SUPPORTED"), "PASS"),
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
        assert Outcome.PASS in outcomes
        assert not {Outcome.FAIL, Outcome.FLAKY, Outcome.BLOCKED} & set(outcomes)


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
        ([phase("setup")], "NOT TESTED", "the check was cut short"),
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
    assert str(Inconclusive("no control packet")) == "this check might be broken: no control packet"
