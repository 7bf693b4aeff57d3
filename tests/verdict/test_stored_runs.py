"""A run that is stored: what was altered is found, the verdict made again, two runs compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dpvs_acceptance.model.requirement import Held
from dpvs_acceptance.verdict.comparing import compare, to_lines
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.facts import RunStage
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.manifest import (
    PAGES,
    altered,
    make_manifest,
    read_manifest,
    write_manifest,
    write_page_digests,
)
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome
from dpvs_acceptance.verdict.phases import Phase
from dpvs_acceptance.verdict.record import (
    CheckRecord,
    evidence_files,
    make_record,
    record_text,
    text_digest,
)
from dpvs_acceptance.verdict.rederiving import document
from dpvs_acceptance.verdict.signoff import SignOff, write
from dpvs_acceptance.verdict.times import times
from dpvs_acceptance.verdict.verifying import Replay, ReplayError, Verification, verify
from tests.verdict.builders import FINISHED, check, facts, requirement

ROWS = (
    requirement("S01", "P3"),
    requirement("S29", "P1"),
    requirement("FWD-01", "P1", "upstream", Held.WHERE_CHECKED),
)
RESULTS = (
    replace(check("PASS", "S29", node="suites/a.py::test_ping[x]"), evidence=("evidence/a.pcap",)),
    check("NOT SUPPORTED", "S01", node="suites/a.py::test_ht", message="no smt"),
)


def stored(directory: Path, *results: CheckResult) -> SignOff:
    """A run's directory as the end of a run leaves it."""
    (directory / "evidence").mkdir(parents=True)
    (directory / "evidence" / "a.pcap").write_bytes(b"packets")
    about = facts(directory)
    tags = {"FAIL": "<failure/>", "PASS": "", "NOT SUPPORTED": "<skipped/>"}
    cases = "".join(
        f'<testcase classname="suites.a" name="{r.nodeid.split("::")[1]}"><properties><property '
        f'name="requirement" value="{r.requirements[0]}"/></properties>{tags[r.outcome]}</testcase>'
        for r in results
    )
    (directory / "junit.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    checks = [
        CheckRecord(
            nodeid=one.nodeid,
            requirements=one.requirements,
            phases=(Phase("call", one.outcome, one.seconds, one.message, evidence=one.evidence),),
        )
        for one in results
    ]
    record = make_record(about, FINISHED, checks, ("seed", "upstream"), False, {})
    record = record.model_copy(update={"files": evidence_files(directory)})
    text = record_text(record)
    (directory / "record.json").write_text(text)
    signoff = document(record, ROWS, (), text_digest(text))
    write(signoff, directory / "signoff.json")
    write_manifest(make_manifest(directory, about.run, "0.1.0", "abc123", {}), directory)
    for page in PAGES:
        (directory / page).write_text(page)
    write_page_digests(directory)
    return signoff


def again(outcome: str = "PASS") -> Callable[[Path], Mapping[str, Mapping[str, Any]]]:
    """A replay that repeats the ping with this outcome, and cannot repeat the other check."""
    return lambda _: {
        "suites/a.py::test_ping[x]": {"outcome": outcome, "message": "", "replayed": True},
        "suites/a.py::test_ht": {
            "outcome": "NOT TESTED",
            "message": "not replayed: nothing was kept",
            "replayed": False,
        },
    }


def check_it(directory: Path) -> Verification:
    return verified(directory, again())


def verified(directory: Path, replay: Replay) -> Verification:
    """By the rows above; what such a run keeps of hosts and captures is nothing."""
    return verify(directory, replay, (ROWS, ()), lambda *_: ())


def test_an_untouched_run_is_what_it_was(tmp_path: Path) -> None:
    stored(tmp_path / "run", *RESULTS)
    found = check_it(tmp_path / "run")
    assert found.problems == ()
    assert (found.verdict, found.files, found.replayed) == ("PASSED ON SIMULATION", 4, 1)
    assert found.not_replayed == {"suites/a.py::test_ht": "nothing was kept"}
    moved = shutil.copytree(tmp_path / "run", tmp_path / "elsewhere")
    assert check_it(moved) == found


def _rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _link_to_outside(run: Path) -> None:
    (run / "evidence/a.pcap").rename(run.parent / "a.pcap")
    (run / "evidence/a.pcap").symlink_to(run.parent / "a.pcap")


def _rehash(run: Path) -> None:
    """As somebody does who can write: the manifest made anew over what was altered."""
    manifest = read_manifest(run)
    write_manifest(make_manifest(run, manifest.run, "0.1.0", "abc123", {}), run)


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pcap altered": (
        lambda run: (run / "evidence/a.pcap").write_bytes(b"packetz"),
        "evidence/a.pcap: was altered (of the same size)",
    ),
    "a pcap removed": (
        lambda run: (run / "evidence/a.pcap").unlink(),
        "evidence/a.pcap: is missing",
    ),
    "a file added": (
        lambda run: (run / "evidence/b").write_text("b"),
        "evidence/b: was added after the run",
    ),
    "a file that became a link": (
        lambda run: _link_to_outside(run),
        "evidence/a.pcap: was altered (7 bytes",
    ),
    "an outcome changed": (
        lambda run: _rewrite(run / "signoff.json", '"NOT SUPPORTED"', '"PASS"'),
        "signoff.json: was altered",
    ),
    "the page altered": (
        lambda run: (run / "index.html").write_text("READY"),
        "index.html: was altered",
    ),
    "a page removed": (lambda run: (run / "signoff.pdf").unlink(), "signoff.pdf: is missing"),
    "the manifest removed": (
        lambda run: (run / "manifest.json").unlink(),
        "manifest.json cannot be read",
    ),
    "no document": (
        lambda run: (run / "signoff.json").write_text("{}"),
        "signoff.json cannot be read",
    ),
    "a JUnit file with entities": (
        lambda run: (run / "junit.xml").write_text("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        "junit.xml cannot be compared",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_altered_is_found(tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    stored(run, *RESULTS)
    tamper, said = TAMPERED[name]
    tamper(run)
    assert any(said in problem for problem in check_it(run).problems), check_it(run).problems


def test_a_changed_outcome_is_found_even_under_a_new_manifest(tmp_path: Path) -> None:
    run = tmp_path / "run"
    failed = replace(RESULTS[0], outcome=type(RESULTS[0].outcome)("FAIL"), message="lost 1")
    stored(run, failed, RESULTS[1])
    document = json.loads((run / "signoff.json").read_text())
    document["verdict"], document["exit_code"] = "PASSED ON SIMULATION", 0
    (run / "signoff.json").write_text(json.dumps(document))
    _rehash(run)
    problems = "\n".join(verified(run, again("FAIL")).problems)
    assert "verdict: PASSED ON SIMULATION (exit 0) is written, the outcomes make it NOT READY" in (
        problems
    )
    document["requirements"][1]["outcome"] = "PASS"
    (run / "signoff.json").write_text(json.dumps(document))
    _rehash(run)
    problems = "\n".join(verified(run, again("FAIL")).problems)
    assert "S29: PASS is written, its checks make it FAIL" in problems
    document["requirements"][1]["checks"][0]["outcome"] = "PASS"
    (run / "signoff.json").write_text(json.dumps(document))
    _rehash(run)
    problems = "\n".join(verified(run, again("FAIL")).problems)
    assert "test_ping[x]: PASS, but junit.xml says failure" in problems
    assert "test_ping[x]: PASS is written, on the stored evidence it is FAIL" in problems


def test_checks_that_cannot_be_repeated_at_all_are_a_problem(tmp_path: Path) -> None:
    def broken(_: Path) -> Mapping[str, Mapping[str, Any]]:
        raise ReplayError("no topology")

    stored(tmp_path / "run", *RESULTS)
    assert verified(tmp_path / "run", broken).problems == (
        "the checks could not be repeated: no topology",
    )


def test_a_manifest_names_every_file_but_pages_and_copies(tmp_path: Path) -> None:
    stored(tmp_path, *RESULTS)
    (tmp_path / "allure-results").mkdir()
    (tmp_path / "allure-results" / "x.json").write_text("{}")
    manifest = read_manifest(tmp_path)
    assert set(manifest.files) == {
        "evidence/a.pcap",
        "junit.xml",
        "record.json",
        "signoff.json",
    }
    assert altered(manifest, tmp_path) == []


def test_two_runs_are_compared_check_by_check(tmp_path: Path) -> None:
    first = stored(tmp_path / "a", *RESULTS)
    failed = replace(RESULTS[0], outcome=type(RESULTS[0].outcome)("FAIL"), message="lost 1 of 20")
    second = stored(tmp_path / "b", failed, replace(RESULTS[1], seconds=9.0))
    device = second.device.model_copy(update={"kernel": "6.1.1"})
    second = second.model_copy(update={"device": device, "run": "later"})
    found = compare(first, second, ("a 1\nb 2\n", "a 1\nb 3\n"))
    lines = "\n".join(to_lines(found))
    assert "suites/a.py::test_ping[x]: PASS -> FAIL\n      lost 1 of 20" in lines
    assert [change.what for change in found.facts] == ["kernel", "dpvs.conf", "dpvs.conf"]
    assert not found.passing
    assert not found.slower, "only what passed both times has a time to compare"
    back = compare(second, first)
    assert [change.what for change in back.passing] == ["suites/a.py::test_ping[x]"]
    assert list(to_lines(compare(first, first)))[-1] == "no difference"


def test_slower_is_beyond_noise_only(tmp_path: Path) -> None:
    del tmp_path
    about = facts()

    def run(seconds: float) -> SignOff:
        results = [replace(RESULTS[0], seconds=seconds)]
        return compose(about, ROWS, results, judge(about.kind, ROWS, results), FINISHED)

    assert not compare(run(0.1), run(0.4)).slower, "0.3 s more is the machine's noise"
    assert not compare(run(3.0), run(5.0)).slower, "not twice as long"
    assert [c.after for c in compare(run(1.0), run(2.6)).slower] == ["2.60 s"]


def test_a_slower_bring_up_is_the_runs_own_row() -> None:
    def run(seconds: float) -> SignOff:
        about = replace(facts(), stages=(RunStage("bring-up", seconds),))
        return compose(about, ROWS, RESULTS, judge(about.kind, ROWS, RESULTS), FINISHED)

    (change,) = compare(run(2.0), run(9.0)).slower
    assert (change.what, change.before, change.after) == ("the run's bring-up", "2.00 s", "9.00 s")
    assert times(run(2.0)) == {"bring-up": 2.0, "checks": 0.5, "other": 18.0}


def test_a_check_that_is_not_part_of_the_second_run_is_newly_untested() -> None:
    about = facts()
    whole = compose(about, ROWS, RESULTS, judge(about.kind, ROWS, RESULTS), FINISHED)
    less = compose(about, ROWS, RESULTS[1:], judge(about.kind, ROWS, RESULTS[1:]), FINISHED)
    (change,) = compare(whole, less).untested
    assert (change.before, change.after) == ("PASS", "not part of it")


def test_a_check_that_no_longer_applies_is_told_apart() -> None:
    about = facts()
    away = replace(RESULTS[0], outcome=Outcome.NOT_APPLICABLE, message="one real server")

    def run(*results: CheckResult) -> SignOff:
        return compose(about, ROWS, results, judge(about.kind, ROWS, results), FINISHED)

    found = compare(run(*RESULTS), run(away, RESULTS[1]))
    assert [(one.before, one.after) for one in found.inapplicable] == [("PASS", "NOT APPLICABLE")]
    assert (found.untested, found.failing) == ((), ())
    assert "Newly not applicable (1)" in "\n".join(to_lines(found))
    assert not compare(run(away), run(away)).inapplicable
