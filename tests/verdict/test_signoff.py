from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.facts import (
    ProblemKind,
    RunProblem,
    facts_from_plain,
    facts_to_plain,
    merge_facts,
)
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.outcomes import Attempt, CheckResult, Outcome
from dpvs_acceptance.verdict.signoff import SignOff, from_text, schema_text, to_text, write
from tests.verdict.builders import FINISHED, check, facts, requirement

SCHEMA = Path(__file__).parents[2] / "reports" / "signoff.schema.json"
HOSTILE = "\x1b]0;x\x07<script>alert(1)</script>\udcff\u202e"


def document(*results: CheckResult) -> SignOff:
    requirements = [requirement("S29"), requirement("S36", "P3")]
    about = facts()
    return compose(about, requirements, results, judge(about.kind, requirements, results), FINISHED)


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), (
        "run `python -m reports schema` and commit reports/signoff.schema.json"
    )


def test_the_document_has_the_contracts_keys() -> None:
    plain = json.loads(to_text(document(check("PASS", "S29"))))
    assert plain["schema"] == 1
    assert plain["verdict"] == "PASSED ON SIMULATION"
    assert plain["started"] == "2026-01-02T03:04:05Z"
    assert plain["finished"] == "2026-01-02T03:04:25.500000Z"
    assert plain["suite"] == {"version": "0.1.0", "commit": "abc123"}
    assert plain["device"]["kind"] == "simulation"
    assert plain["device"]["nics"][0]["pci"] == "0000:04:00.0"
    assert plain["topology"] == "fnat-two-arm"
    row, later = plain["requirements"]
    assert {k: row[k] for k in ("id", "priority", "statement", "source", "outcome")} == {
        "id": "S29",
        "priority": "P1",
        "statement": "S29 holds.",
        "source": "seed 3",
        "outcome": "PASS",
    }
    assert row["checks"][0]["nodeid"] == "suites/test_a.py::test_s29"
    assert row["checks"][0]["seconds"] == 0.25
    assert (later["outcome"], later["checks"]) == ("NOT TESTED", [])


def test_the_document_satisfies_its_schema_and_comes_back_the_same() -> None:
    flaky = replace(
        check("FLAKY", "S29", message="lost"),
        attempts=(Attempt(Outcome.FAIL, 1, "lost"), Attempt(Outcome.PASS, 1)),
        evidence=("captures/a.pcap",),
    )
    signoff = document(flaky, check("NOT SUPPORTED", "S36"), check("FAIL", node="stray"))
    text = to_text(signoff)
    jsonschema.Draft202012Validator(
        json.loads(schema_text()),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(json.loads(text))
    assert from_text(text) == signoff
    assert signoff.other_checks[0].nodeid == "stray"
    assert to_text(from_text(text)) == text


def test_a_document_of_another_version_or_with_unknown_keys_is_refused() -> None:
    plain = json.loads(to_text(document()))
    for change in ({"schema": 2}, {"verdict": "SURE"}, {"extra": 1}):
        with pytest.raises(ValidationError):
            from_text(json.dumps(plain | change))


def test_what_a_device_said_enters_harmless_and_bounded(tmp_path: Path) -> None:
    bad = CheckResult("n", Outcome.FAIL, -1.0, HOSTILE, HOSTILE * 10_000, ("S29",), (HOSTILE,))
    signoff = document(bad)
    entry = signoff.requirements[0].checks[0]
    assert entry.message == "\\x1b]0;x\\x07<script>alert(1)</script>\\udcff\\u202e"
    assert len(entry.details) < 21_000
    assert entry.seconds == 0
    write(signoff, tmp_path / "signoff.json")
    assert from_text((tmp_path / "signoff.json").read_text(encoding="utf-8")) == signoff
    assert [p.name for p in tmp_path.iterdir()] == ["signoff.json"]


@given(st.text(st.characters(exclude_categories=())), st.floats(0, 1e6))
def test_any_text_survives_the_way_to_the_file_and_back(text: str, seconds: float) -> None:
    signoff = document(CheckResult("n", Outcome.FAIL, seconds, text, text, ("S29",)))
    assert from_text(to_text(signoff).encode().decode()) == signoff


def test_facts_travel_between_processes(tmp_path: Path) -> None:
    about = replace(facts(tmp_path), evidence=tmp_path / "evidence")
    assert facts_from_plain(json.loads(json.dumps(facts_to_plain(about)))) == about


def test_facts_of_two_processes_become_one() -> None:
    old, new = (RunProblem(ProblemKind.FAILURE, words) for words in ("old", "new"))
    mine = replace(facts(), dpvs="unknown", problems=(old,))
    theirs = replace(facts(), dpvs="1.10-2", kernel="unknown", nics=(), problems=(old, new))
    merged = merge_facts(mine, theirs)
    assert merged == replace(mine, dpvs="1.10-2", problems=(old, new))
