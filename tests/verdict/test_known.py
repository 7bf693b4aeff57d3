"""Known defects: told apart from news, counted all the same, and missed where they do not show."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.model.known import KnownDefect, load_known
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import load_requirements
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.facts import DeviceKind
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.known import KnownState, became_of, excuses, is_known, known_in
from dpvs_acceptance.verdict.outcomes import Attempt, Outcome
from dpvs_acceptance.verdict.recomputing import contradictions
from dpvs_acceptance.verdict.signoff import from_text, to_text
from reports.language import reason
from tests.verdict.builders import FINISHED, check, facts, requirement

ROOT = Path(__file__).parents[2]
ROWS = [requirement("S29"), requirement("ADM-05", "P2")]
Q = KnownDefect(
    requirements=("ADM-05",),
    checks=("*::test_delete*",),
    before="1.9.8",
    reference="#958",
    sentence="It cannot be deleted.",
    sentence_zh="无法删除。",
)
GOOD = check("PASS", "S29")
DELETE = check("FAIL", "ADM-05", node="a.py::test_delete[web]", message="no service")
LIST = check("FAIL", "ADM-05", node="a.py::test_list", message="empty")


def test_what_is_kept_names_rows_that_exist() -> None:
    known = {r.id for r in load_requirements(sorted((ROOT / "requirements").glob("*.yaml")))}
    loaded = load_known(sorted((ROOT / "requirements" / "known").glob("*.yaml")), known)
    assert any(d.reference == "#958" and "ADM-05" in d.requirements for d in loaded)


@pytest.mark.parametrize(
    ("version", "since", "before", "has"),
    [
        ("1.9.8", None, "1.9.8", False),
        ("1.9.6", None, "1.9.8", True),
        ("1.10.2", None, "1.9.8", False),
        ("1.9.6", "1.9.6", None, True),
        ("1.9.4", "1.9.6", None, False),
        ("1.10-1", "1.10.0", "1.10.2", True),
    ],
)
def test_a_version_has_a_defect_from_the_first_and_to_before_the_last(
    version: str, since: str | None, before: str | None, has: bool
) -> None:
    defect = Q.model_copy(update={"since": since, "before": before})
    assert defect.is_in(Version.parse(version)) is has


def test_a_device_that_says_no_version_has_no_known_defects() -> None:
    assert known_in([Q], "unknown") == ()
    assert known_in([Q], "1.9-6") == (Q,)


def test_a_row_is_known_to_fail_only_if_all_that_fails_in_it_is() -> None:
    assert excuses("ADM-05", [DELETE], [Q]) == ("#958",)
    assert excuses("ADM-05", [DELETE, LIST], [Q]) == ()
    assert excuses("S29", [replace(DELETE, requirements=("S29",))], [Q]) == ()
    assert excuses("ADM-05", [replace(DELETE, outcome=Outcome.PASS)], [Q]) == ()


def test_a_known_failure_is_told_as_such_and_counts() -> None:
    verdict = judge(DeviceKind.HARDWARE, ROWS, [GOOD, DELETE], known=[Q])
    assert (verdict.name, verdict.exit_code) == ("NOT READY", 1)
    assert verdict.reasons == ("ADM-05 (P2) FAIL (known: #958): no service",)
    assert (
        reason(verdict.reasons[0], "zh")
        == "ADM-05 (P2) 失败（该版本的已知缺陷：#958）： no service"
    )


def test_leniently_it_does_not_count_and_is_told() -> None:
    verdict = judge(DeviceKind.HARDWARE, ROWS, [GOOD, DELETE], known=[Q], lenient=True)
    assert (verdict.name, verdict.exit_code) == ("READY", 0)
    told = "ADM-05 (P2) FAIL is a known defect of this version (#958) and does not count: --lenient"
    assert verdict.reasons == (told,)
    assert "--lenient" in reason(told, "zh")
    # What is not known counts, also beside it.
    worse = judge(DeviceKind.HARDWARE, ROWS, [GOOD, DELETE, LIST], known=[Q], lenient=True)
    assert worse.exit_code == 1
    alone = judge(DeviceKind.HARDWARE, ROWS, [DELETE], known=[Q], lenient=True)
    assert alone.exit_code == 1


def test_a_row_that_passes_although_it_is_known_to_fail_is_told() -> None:
    passed = replace(DELETE, outcome=Outcome.PASS, message="")
    verdict = judge(DeviceKind.HARDWARE, ROWS, [GOOD, passed], known=[Q])
    assert verdict.exit_code == 0
    told = "ADM-05 passes although it is known to fail (#958, before 1.9.8)"
    assert verdict.reasons == (told,)
    assert "已知会失败却通过" in reason(told, "zh")
    skipped = replace(DELETE, outcome=Outcome.NOT_SUPPORTED)
    assert became_of(Q, [skipped, LIST]) is KnownState.UNSEEN


@pytest.mark.parametrize("lenient", [False, True])
def test_the_document_has_what_its_verdict_was_made_from(lenient: bool) -> None:
    about = replace(facts(kind=DeviceKind.HARDWARE), dpvs="1.9-6", lenient=lenient)
    results = [GOOD, DELETE]
    verdict = judge(about.kind, ROWS, results, known=[Q], lenient=lenient)
    document = compose(about, ROWS, results, verdict, FINISHED, [Q])
    assert [row.known for row in document.requirements] == ["", "#958"]
    again = from_text(to_text(document))
    assert again == document
    assert list(contradictions(again)) == []
    forged = again.model_copy(update={"lenient": not lenient})
    assert list(contradictions(forged))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("before: 1.9.8", "since:", "since or before is required"),
        ("before: 1.9.8", "before: soon", "is not a DPVS version"),
        ("[ADM-05]", "[ADM-99]", "unknown requirement ADM-99"),
        ("reference", "referenze", "this key is missing"),
    ],
)
def test_a_bad_row_is_a_sentence_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    row = (
        "known:\n  - requirements: [ADM-05]\n    before: 1.9.8\n    reference: '#958'\n"
        "    sentence: It fails.\n    sentence_zh: 失败。\n"
    )
    path = tmp_path / "known.yaml"
    path.write_text(row, encoding="utf-8")
    assert len(load_known([path], {"ADM-05"})) == 1
    assert old in row
    path.write_text(row.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError, match=said) as error:
        load_known([path], {"ADM-05"})
    assert re.match(rf"{path}:[234]: known defect 1: ", str(error.value))


def test_a_row_that_fails_by_two_defects_names_both() -> None:
    other = Q.model_copy(update={"checks": ("*::test_list*",), "reference": "#960"})
    assert excuses("ADM-05", [DELETE, LIST], [Q, other]) == ("#958", "#960")
    rows, known = [requirement("ADM-05", "P2")], [Q, other]
    verdict = judge(DeviceKind.HARDWARE, rows, [DELETE, LIST], known=known)
    assert verdict.reasons[0].startswith("ADM-05 (P2) FAIL (known: #958, #960): ")


def test_a_check_is_known_where_all_its_rows_are() -> None:
    assert is_known(DELETE, [Q])
    assert not is_known(LIST, [Q])
    assert not is_known(replace(DELETE, requirements=("ADM-05", "S29")), [Q])
    assert not is_known(replace(DELETE, requirements=()), [Q])
    assert not is_known(replace(DELETE, outcome=Outcome.PASS), [Q])


def test_a_failure_that_says_something_else_is_no_known_one_and_lenient_does_not_hide_it() -> None:
    defect = Q.model_copy(update={"seen": "no (service|such)"})
    rows = [requirement("S29"), requirement("ADM-05", "P2")]
    other = replace(DELETE, message="dpvs is not running any more")
    assert excuses("ADM-05", [DELETE], [defect]) == ("#958",)
    assert excuses("ADM-05", [other], [defect]) == ()
    for result, verdict in ((DELETE, "READY"), (other, "NOT READY")):
        judged = judge(DeviceKind.HARDWARE, rows, [GOOD, result], known=[defect], lenient=True)
        assert judged.name == verdict
    # Each attempt that failed has to say so.
    failed, odd = (Attempt(Outcome.FAIL, 1.0, one.message) for one in (DELETE, other))
    assert excuses("ADM-05", [replace(DELETE, attempts=(failed, failed))], [defect])
    assert not excuses("ADM-05", [replace(DELETE, attempts=(failed, odd))], [defect])
    assert became_of(defect, [replace(other, outcome=Outcome.PASS)]) is KnownState.PASSES
    with pytest.raises(ValueError, match="no regular expression"):
        KnownDefect.model_validate(Q.model_dump() | {"seen": "("})
