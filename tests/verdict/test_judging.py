from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.model.requirement import Held
from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, RunProblem
from dpvs_acceptance.verdict.judging import Verdict, judge
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome
from dpvs_acceptance.verdict.waivers import Waiver
from tests.verdict.builders import check, requirement

CORE = [requirement("S25"), requirement("S29"), requirement("S36", "P3")]
GOOD = [check("PASS", "S25"), check("PASS", "S29")]
HARDWARE, SIMULATION = DeviceKind.HARDWARE, DeviceKind.SIMULATION


def problem(kind: ProblemKind, words: str = "what happened") -> RunProblem:
    return RunProblem(kind, words)


def seen(verdict: Verdict) -> tuple[str, int]:
    return str(verdict.name), verdict.exit_code


def test_ready_with_the_gaps_below_p1_named() -> None:
    verdict = judge(HARDWARE, CORE, GOOD)
    assert seen(verdict) == ("READY", 0)
    assert verdict.reasons == ("NOT TESTED: S36",)


def test_a_simulation_signs_nothing_off() -> None:
    verdict = judge(SIMULATION, CORE, GOOD)
    assert seen(verdict) == ("PASSED ON SIMULATION", 0)
    assert "signs nothing off" in verdict.reasons[0]


def test_a_failure_is_named_with_its_requirement_and_its_first_line() -> None:
    verdict = judge(HARDWARE, CORE, [*GOOD, check("FAIL", "S29", message="2 of 4 lost\nmore")])
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons == ("S29 (P1) FAIL: 2 of 4 lost",)


def test_flaky_is_not_ready() -> None:
    verdict = judge(SIMULATION, CORE, [*GOOD, check("FLAKY", "S29", message="lost once")])
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons == ("S29 (P1) FLAKY: lost once",)


def test_flaky_behind_a_blocked_check_is_not_ready_all_the_same() -> None:
    results = [check("FLAKY", "S29", message="lost once"), check("BLOCKED", "S29", node="b")]
    verdict = judge(HARDWARE, CORE, results)
    assert seen(verdict) == ("NOT READY", 1)
    assert any("lost once" in reason for reason in verdict.reasons)


def test_a_failed_check_of_no_known_requirement_counts() -> None:
    verdict = judge(
        HARDWARE, CORE, [*GOOD, check("FAIL", "X1", node="a::b", message="worker died")]
    )
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons == ("a::b FAIL: worker died",)


def test_blocked_tells_each_cause_once() -> None:
    cause = "dpvs did not start: No dpdk ports found\nlog…"
    results = [check("BLOCKED", "S25", message=cause), check("BLOCKED", "S29", message=cause)]
    verdict = judge(HARDWARE, CORE, results)
    assert seen(verdict) == ("BLOCKED", 2)
    assert verdict.reasons == (
        "blocked: dpvs did not start: No dpdk ports found (2 checks could not run)",
    )


def test_a_failure_beside_a_block_is_not_ready() -> None:
    results = [check("FAIL", "S25", message="wrong port"), check("BLOCKED", "S29", message="gone")]
    verdict = judge(HARDWARE, CORE, results)
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons == ("S25 (P1) FAIL: wrong port", "blocked: gone")


def test_problems_of_the_run() -> None:
    def with_problem(kind: ProblemKind) -> Verdict:
        return judge(HARDWARE, CORE, GOOD, [problem(kind)])

    assert seen(with_problem(ProblemKind.FAILURE)) == ("NOT READY", 1)
    assert seen(with_problem(ProblemKind.BLOCKED)) == ("BLOCKED", 2)
    assert seen(with_problem(ProblemKind.PARTIAL)) == ("PARTIAL", 0)
    assert seen(with_problem(ProblemKind.FAULT)) == ("NOT READY", 1)
    for kind in ProblemKind:
        assert any("what happened" in reason for reason in with_problem(kind).reasons)


def test_a_p1_that_was_not_shown_is_not_ready_on_anything_real() -> None:
    results = [check("PASS", "S25"), check("NOT SUPPORTED", "S29", message="no raw socket")]
    for kind in (HARDWARE, DeviceKind.SOFTWARE_LAB):
        verdict = judge(kind, CORE, results)
        assert seen(verdict) == ("NOT READY", 1)
        assert verdict.reasons == ("S29 (P1) NOT SUPPORTED: no raw socket",)
    assert seen(judge(HARDWARE, CORE, [check("PASS", "S25")])) == ("NOT READY", 1)
    assert seen(judge(SIMULATION, CORE, results)) == ("PASSED ON SIMULATION", 0)
    assert seen(judge(SIMULATION, CORE, results, strict=True)) == ("NOT READY", 1)


P2 = [*CORE, requirement("S34", "P2")]


@pytest.mark.parametrize("outcome", ["NOT TESTED", "NOT SUPPORTED"])
def test_a_p2_that_was_not_shown_is_not_ready_unless_it_is_waived(outcome: str) -> None:
    results = [*GOOD, check(outcome, "S34", message="no reader")]
    assert seen(judge(HARDWARE, P2, GOOD)) == ("NOT READY", 1)
    verdict = judge(HARDWARE, P2, results)
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons[0] == f"S34 (P2) {outcome}: no reader"
    waiver = Waiver(
        requirement="S34", reason="no UDP", owner="ops", issue="T-1", expires=date(2026, 2, 1)
    )
    waived = judge(HARDWARE, P2, results, waivers=[waiver], today=date(2026, 1, 2))
    assert seen(waived) == ("READY", 0)
    assert waived.reasons[0].startswith(f"S34 (P2) {outcome} is waived until 2026-02-01 by ops")


@pytest.mark.parametrize("row", ["S29", "S34"])
def test_a_partial_row_is_not_ready(row: str) -> None:
    results = [*GOOD, check("PASS", "S34")]
    results = [replace(one, core=one.requirements) for one in results]
    results.append(check("NOT SUPPORTED", row, node="a.py::test_more", message="no far client"))
    verdict = judge(HARDWARE, P2, results)
    assert seen(verdict) == ("NOT READY", 1)
    assert "PARTIAL: without 1 of 2 checks, NOT SUPPORTED: test_more: no far" in verdict.reasons[0]
    shown = judge(SIMULATION, P2, results)
    assert seen(shown) == ("PASSED ON SIMULATION", 0)
    assert f"PARTIAL: {row}" in shown.reasons


def test_what_does_not_apply_is_no_reason_against_ready_and_is_told() -> None:
    results = [check("PASS", "S25"), check("NOT APPLICABLE", "S29", message="one real server")]
    verdict = judge(HARDWARE, P2, [*results, check("NOT APPLICABLE", "S34")])
    assert seen(verdict) == ("READY", 0)
    assert verdict.reasons == ("NOT TESTED: S36", "NOT APPLICABLE: S29, S34")
    nothing = [check("NOT APPLICABLE", name) for name in ("S25", "S29", "S34")]
    assert seen(judge(HARDWARE, P2, nothing)) == ("NOT READY", 1)


def test_what_the_topology_declares_nothing_of_does_not_apply_unless_it_is_p1() -> None:
    why = {"S34": "no UDP service", "S29": "no VIP"}
    whole = [replace(one, core=one.requirements) for one in GOOD]
    assert seen(judge(HARDWARE, P2, whole, not_declared=why)) == ("READY", 0)
    # A check that is no core check does not stand for those that have nothing to look at.
    assert seen(judge(HARDWARE, P2, GOOD, not_declared=why)) == ("NOT READY", 1)
    assert judge(HARDWARE, P2, [*whole, check("PASS", "S34")], not_declared=why).reasons == (
        "NOT TESTED: S36",
        "NOT APPLICABLE: S34",
    )
    verdict = judge(HARDWARE, P2, [check("PASS", "S25")], not_declared=why)
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons == ("S29 (P1) NOT TESTED: no VIP",)
    # What has a check is what that check says.
    failed = [*GOOD, check("FAIL", "S34", message="lost")]
    assert judge(HARDWARE, P2, failed, not_declared=why).reasons[0] == "S34 (P2) FAIL: lost"
    loose = judge(HARDWARE, LOOSE, [*GOOD, check("PASS", "FWD-01")], not_declared={"FWD-26": "x"})
    assert "upstream: 1 of 3 rows checked, the others NOT TESTED" in loose.reasons


def test_a_row_held_where_checked_decides_where_a_part_of_it_was_checked() -> None:
    half = [check("PASS", "FWD-01", "FWD-02"), check("NOT TESTED", "FWD-02", message="no arm")]
    verdict = judge(HARDWARE, LOOSE, half)
    assert seen(verdict) == ("NOT READY", 1)
    assert verdict.reasons[0].startswith("FWD-02 (P1) NOT TESTED: test_fwd-02: no arm")


def test_nothing_run_is_a_usage_error_and_nothing_passed_is_no_pass() -> None:
    assert judge(SIMULATION, CORE, []).exit_code == 3
    assert judge(SIMULATION, CORE, [], [problem(ProblemKind.PARTIAL)]).exit_code == 3
    skipped = [check("NOT SUPPORTED", "S25"), check("NOT SUPPORTED", "S29")]
    assert seen(judge(SIMULATION, CORE, skipped)) == ("NOT READY", 1)


def test_an_unknown_device_is_never_ready() -> None:
    assert seen(judge(DeviceKind.UNKNOWN, CORE, GOOD)) == ("NOT READY", 1)


LOOSE = [
    requirement(name, priority, "upstream", Held.WHERE_CHECKED)
    for name, priority in (("FWD-01", "P1"), ("FWD-02", "P1"), ("FWD-26", "P3"))
]


def test_rows_held_where_checked_decide_nothing_while_nobody_looked_at_them() -> None:
    verdict = judge(HARDWARE, [*CORE, *LOOSE], [*GOOD, check("PASS", "FWD-01")])
    assert seen(verdict) == ("READY", 0)
    told = "upstream: 1 of 3 rows checked, the others NOT TESTED"
    assert verdict.reasons == (told, "NOT TESTED: S36")
    # Nor by a check that found no reason to look; also where the sign-off is strict.
    skipped = [*GOOD, check("PASS", "FWD-01"), check("NOT TESTED", "FWD-02", message="no arm")]
    assert judge(HARDWARE, [*CORE, *LOOSE], skipped, strict=True).reasons == verdict.reasons


def test_rows_held_where_checked_decide_where_they_were_checked() -> None:
    bad = judge(HARDWARE, LOOSE, [check("PASS", "FWD-01"), check("FAIL", "FWD-26", message="lost")])
    assert seen(bad) == ("NOT READY", 1)
    assert bad.reasons[0] == "FWD-26 (P3) FAIL: lost"
    assert "upstream: 2 of 3 rows checked, the others NOT TESTED" in bad.reasons
    lacks = judge(HARDWARE, LOOSE, [check("PASS", "FWD-01"), check("NOT SUPPORTED", "FWD-02")])
    assert seen(lacks) == ("NOT READY", 1)
    # A lab of software ports cannot have all that the list names.
    in_a_lab = judge(DeviceKind.SOFTWARE_LAB, LOOSE, [check("NOT SUPPORTED", "FWD-02"), *GOOD])
    assert seen(in_a_lab) == ("READY", 0)
    assert "NOT SUPPORTED: FWD-02" in in_a_lab.reasons
    whole = [check("PASS", "FWD-01", "FWD-02", "FWD-26")]
    assert judge(HARDWARE, LOOSE, whole).reasons == ("upstream: 3 of 3 rows checked",)


RESULTS = st.lists(
    st.builds(
        lambda o, ids, n: check(o, *ids, node=f"n{n}"),
        st.sampled_from([one for one in Outcome if one is not Outcome.PARTIAL]),
        st.lists(st.sampled_from(["S25", "S29", "S36", "X9"]), max_size=2),
        st.integers(0, 5),
    ),
    max_size=6,
)
PROBLEMS = st.lists(st.builds(problem, st.sampled_from(list(ProblemKind))), max_size=2)
KINDS = st.sampled_from(list(DeviceKind))


@given(KINDS, RESULTS, PROBLEMS, st.booleans())
def test_exit_0_and_ready_mean_what_they_say(
    kind: DeviceKind, results: list[CheckResult], problems: list[RunProblem], strict: bool
) -> None:
    verdict = judge(kind, CORE, results, problems, strict)
    outcomes = {result.outcome for result in results}
    kinds = {p.kind for p in problems}
    if verdict.exit_code == 0:
        assert not outcomes & {Outcome.FAIL, Outcome.FLAKY, Outcome.BLOCKED}
        assert kinds <= {ProblemKind.PARTIAL}
        assert results
    if verdict.name == "READY":
        assert kind in {HARDWARE, DeviceKind.SOFTWARE_LAB}
        assert not problems
        for core in ("S25", "S29"):
            mine = {r.outcome for r in results if core in r.requirements}
            assert mine
            assert mine <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
    if verdict.name == "PASSED ON SIMULATION":
        assert kind is SIMULATION
        assert Outcome.PASS in outcomes
    if verdict.name == "NOT READY":
        assert verdict.exit_code == 1
        assert verdict.reasons
    assert (verdict.exit_code == 2) == (verdict.name == "BLOCKED")


@given(KINDS, RESULTS, PROBLEMS, st.sampled_from([Outcome.FAIL, Outcome.FLAKY]))
def test_one_more_bad_result_always_means_not_ready(
    kind: DeviceKind, results: list[CheckResult], problems: list[RunProblem], bad: Outcome
) -> None:
    worse = [*results, check(str(bad), "S29", message="the cause")]
    assert seen(judge(kind, CORE, worse, problems)) == ("NOT READY", 1)


def test_a_problem_without_words_is_told_by_its_kind() -> None:
    assert judge(HARDWARE, CORE, GOOD, [problem(ProblemKind.FAILURE, " ")]).reasons == ("failure",)


def test_a_cause_that_is_the_runs_too_counts_the_checks_alone() -> None:
    results = [*GOOD, check("BLOCKED", "S36", message="no lab")]
    verdict = judge(HARDWARE, CORE, results, [problem(ProblemKind.BLOCKED, "no lab")])
    assert verdict.reasons == ("blocked: no lab",)
