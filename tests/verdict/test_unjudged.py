"""Rows that do not judge a run: what they show, and that they decide nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpvs_acceptance.model.requirement import Held
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.matrix import make_matrix
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome
from dpvs_acceptance.verdict.recomputing import contradictions
from dpvs_acceptance.verdict.signoff import SignOff, from_text, to_text
from dpvs_acceptance.verdict.unjudged import UnjudgedCatalogue, outcome_beside, unjudged
from tests.verdict.builders import FINISHED, check, facts, requirement

SEED = (requirement("S29"), requirement("S30"))
UPSTREAM = tuple(
    requirement(f"FWD-0{n}", "P1", "upstream", Held.WHERE_CHECKED) for n in range(1, 5)
)
BESIDE = UnjudgedCatalogue(
    "upstream", "topology x is judged by seed", "--requirements=upstream", UPSTREAM
)


def document(*results: CheckResult, known: dict[str, int] | None = None) -> SignOff:
    about = facts()
    rows = unjudged([BESIDE, replace(BESIDE, rows=())], results, known or {})
    verdict = judge(about.kind, SEED, results)
    return compose(about, SEED, results, verdict, FINISHED, unjudged=rows)


@pytest.mark.parametrize(
    ("made", "left_out", "outcome"),
    [
        ((), 0, "NOT TESTED"),
        ((), 3, "NOT TESTED"),
        (("PASS",), 0, "PASS"),
        (("PASS", "NOT SUPPORTED"), 0, "NOT SUPPORTED"),
        (("PASS", "NOT APPLICABLE"), 0, "PASS"),
        (("PASS",), 1, "NOT TESTED"),
        (("NOT SUPPORTED",), 0, "NOT SUPPORTED"),
        (("NOT SUPPORTED",), 1, "NOT TESTED"),
        (("PASS", "FAIL"), 5, "FAIL"),
        (("FLAKY",), 5, "FLAKY"),
        (("BLOCKED",), 5, "BLOCKED"),
    ],
)
def test_a_row_is_what_its_checks_made_it_but_no_pass_by_a_part_of_them(
    made: tuple[str, ...], left_out: int, outcome: str
) -> None:
    assert outcome_beside([check(one) for one in made], left_out) == outcome


def test_every_row_is_there_with_what_checks_of_other_rows_show_of_it() -> None:
    results = [check("PASS", "S29", "FWD-01"), check("FAIL", "S30", "FWD-02", message="lost")]
    (rows,) = document(*results, known={"FWD-01": 1, "FWD-02": 3, "FWD-03": 2}).unjudged
    assert [(r.id, str(r.outcome), len(r.checks), r.left_out) for r in rows.rows] == [
        ("FWD-01", "PASS", 1, 0),
        ("FWD-02", "FAIL", 1, 2),
        ("FWD-03", "NOT TESTED", 0, 2),
        ("FWD-04", "NOT TESTED", 0, 0),
    ]
    assert rows.words == "upstream: PASS 1, FAIL 1, NOT TESTED 2 of 4 rows"


def test_the_verdict_is_that_of_the_rows_that_judge() -> None:
    plain = [check("PASS", "S29"), check("PASS", "S30")]
    beside = [check("PASS", "S29", "FWD-01"), check("PASS", "S30", "FWD-02")]
    without, with_them = document(*plain), document(*beside, known={"FWD-01": 7, "FWD-02": 1})
    for one in (without, with_them):
        assert (one.verdict, one.exit_code) == ("PASSED ON SIMULATION", 0)
        assert not [words for words in one.reasons if "FWD" in words]
    assert without.reasons == with_them.reasons
    assert [row.id for row in with_them.requirements] == ["S29", "S30"]
    assert with_them.other_checks == ()


def test_a_matrix_does_not_take_them_for_rows_that_judged() -> None:
    results = (check("PASS", "S29", "FWD-01"),)
    matrix = make_matrix([document(*results, known={"FWD-01": 1})])
    assert [table.catalogue for table in matrix.versions.tables] == ["seed"]


def test_the_document_comes_back_the_same_and_an_older_one_has_none() -> None:
    signoff = document(check("PASS", "S29", "FWD-01"), known={"FWD-01": 1})
    assert from_text(to_text(signoff)) == signoff
    older = signoff.model_dump(mode="json", by_alias=True)
    del older["unjudged"]
    assert SignOff.model_validate(older).unjudged == ()


def test_what_is_written_of_them_otherwise_than_the_checks_make_it_is_found() -> None:
    good = document(check("PASS", "S29", "FWD-01"), known={"FWD-01": 2})
    assert list(contradictions(good)) == []
    (rows,) = good.unjudged
    first, second, *others = rows.rows
    forged = (
        first.model_copy(update={"outcome": Outcome.PASS}),
        second.model_copy(update={"outcome": Outcome.PASS, "checks": ("suites/a.py::test_no",)}),
        *others,
    )
    bad = good.model_copy(update={"unjudged": (rows.model_copy(update={"rows": forged}),)})
    assert list(contradictions(bad)) == [
        "FWD-01: PASS is written, its checks make it NOT TESTED",
        "FWD-02: names suites/a.py::test_no, which is not a check of this run",
        "FWD-02: PASS is written, its checks make it NOT TESTED",
    ]


def test_core_checks_decide_there_too_and_the_row_is_told_in_both_languages() -> None:
    row = requirement("FWD-01", "P1", "upstream", Held.WHERE_CHECKED)
    made = [
        replace(check("PASS", "FWD-01", node="a.py::test_1"), core=("FWD-01",)),
        check("NOT TESTED", "FWD-01", node="a.py::test_2"),
    ]
    assert outcome_beside(made, 0, "FWD-01") == "PARTIAL"
    assert outcome_beside(made, 0) == "NOT TESTED"
    group = UnjudgedCatalogue("upstream", "why", "--requirements=upstream", (row,))
    (told,) = unjudged([group], made, {"FWD-01": 2})
    assert (told.instead, told.why) == ("--requirements=upstream", "why")
    assert (told.rows[0].outcome, told.rows[0].statement_zh) == ("PARTIAL", row.statement_zh)
