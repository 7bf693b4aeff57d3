from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.verdict.facts import DeviceKind, Profile
from dpvs_acceptance.verdict.judging import Verdict, VerdictName, judge
from dpvs_acceptance.verdict.waivers import Waiver, load_waivers
from tests.verdict.builders import check, requirement

TODAY = date(2026, 5, 1)
ROWS = (requirement("S01", "P3"), requirement("S29", "P1"))


def waiver(name: str, expires: date = date(2026, 6, 1)) -> Waiver:
    return Waiver(requirement=name, reason="BIOS", owner="net-team", issue="OPS-1", expires=expires)


def verdict(s01: str, *waivers: Waiver, s29: str = "PASS") -> Verdict:
    results = [check(s01, "S01", message="ht is on"), check(s29, "S29", message="no reply")]
    return judge(DeviceKind.HARDWARE, ROWS, results, waivers=waivers, today=TODAY)


@pytest.mark.parametrize("outcome", ["FAIL", "FLAKY", "NOT TESTED", "NOT SUPPORTED"])
def test_what_is_waived_does_not_count_and_is_told(outcome: str) -> None:
    found = verdict(outcome, waiver("S01"))
    assert (found.name, found.exit_code) == (VerdictName.READY, 0)
    told = f"S01 (P3) {outcome} is waived until 2026-06-01 by net-team (OPS-1): BIOS"
    assert found.reasons == (told,)


def test_a_waiver_covers_its_own_requirement_alone() -> None:
    found = verdict("FAIL", waiver("S01"), s29="FAIL")
    assert found.name is VerdictName.NOT_READY
    assert found.reasons[0] == "S29 (P1) FAIL: no reply"
    assert verdict("FAIL").name is VerdictName.NOT_READY


def test_a_check_that_proves_two_requirements_still_counts_for_the_other() -> None:
    results = [check("FAIL", "S01", "S29", message="both")]
    found = judge(DeviceKind.HARDWARE, ROWS, results, waivers=[waiver("S01")], today=TODAY)
    assert found.name is VerdictName.NOT_READY
    assert found.reasons[0] == "S29 (P1) FAIL: both"


def test_the_last_day_counts_and_the_day_after_fails_even_where_all_passes() -> None:
    assert verdict("FAIL", waiver("S01", TODAY)).exit_code == 0
    for outcome in ("FAIL", "PASS"):
        found = verdict(outcome, waiver("S01", date(2026, 4, 30)))
        assert found.exit_code == 1
        assert "the waiver of S01 expired on 2026-04-30 (net-team, OPS-1)" in found.reasons


def test_a_waiver_that_nothing_needs_warns() -> None:
    found = verdict("PASS", waiver("S01"))
    assert found.exit_code == 0
    assert found.reasons == ("warning: unused waiver for S01 (PASS): remove it",)


def test_what_is_blocked_cannot_be_waived() -> None:
    found = verdict("BLOCKED", waiver("S01"))
    assert (found.name, found.exit_code) == (VerdictName.BLOCKED, 2)


def test_a_verdict_of_a_profile_says_so() -> None:
    found = judge(DeviceKind.HARDWARE, ROWS, [check("PASS", "S01", "S29")], profile=Profile.CORE)
    assert found.reasons == ("profile core: only requirements of P1 were judged",)
    assert [p for p in ("P1", "P2", "P3", "P4") if Profile.EXTENDED.covers(p)] == ["P1", "P2"]  # type: ignore[arg-type]


GOOD = """
waivers:
  - requirement: S01
    reason: BIOS
    owner: net-team
    issue: OPS-1
    expires: 2026-06-01
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("S01", "S99"), "waiver 1: unknown requirement S99"),
        (GOOD.replace("    owner: net-team\n", ""), "waiver 1: owner: this key is missing"),
        (GOOD.replace("2026-06-01", "soon"), "waiver 1: expires:"),
        (GOOD + "    extra: 1\n", "waiver 1: extra:"),
        (GOOD + GOOD.replace("waivers:\n", ""), "waiver 2: S01 is waived twice"),
        ("waivers: S01\n", "expected the one key 'waivers' with a list of rows"),
        ("- S01\n", "expected the one key 'waivers'"),
    ],
)
def test_a_file_that_is_not_right_is_refused_by_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match=r"w\.yaml") as error:
        load_waivers(path, {"S01"})
    assert said in str(error.value)


def test_a_file_gives_its_waivers(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(GOOD)
    assert load_waivers(path, {"S01"}) == (waiver("S01"),)


def test_each_waiver_is_told_whatever_the_others_are() -> None:
    unknown, old = waiver("S99"), waiver("S29", date(2026, 4, 30))
    found = verdict("FAIL", unknown, old, waiver("S01"))
    assert any("S01 (P3) FAIL is waived" in reason for reason in found.reasons)
    assert any("the waiver of S29 expired" in reason for reason in found.reasons)
    assert not any("S99" in reason for reason in found.reasons)


def test_every_problem_of_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    bad = GOOD.replace("    owner: net-team\n", "").replace("    issue: OPS-1\n", "")
    path.write_text(bad + GOOD.replace("waivers:\n", "").replace("S01", "S98"))
    with pytest.raises(DeclarationError) as error:
        load_waivers(path, {"S01"})
    assert str(error.value).splitlines() == [
        f"{path}:3: waiver 1: owner: this key is missing",
        f"{path}:3: waiver 1: issue: this key is missing",
        f"{path}:7: waiver 2: unknown requirement S98",
    ]


def test_a_row_that_is_none_and_one_behind_an_unknown_requirement_are_told(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(GOOD.replace("S01", "S97") + "  - soon\n")
    with pytest.raises(DeclarationError) as error:
        load_waivers(path, {"S01"})
    first, second = str(error.value).splitlines()
    assert first.endswith(": waiver 1: unknown requirement S97")
    assert second.startswith(f"{path}:8: waiver 2: (whole row): ")
    path.write_text("other: []\n")
    with pytest.raises(DeclarationError, match="expected the one key 'waivers'"):
        load_waivers(path, {"S01"})
