"""A run for other programs: CTRF and OpenMetrics; and its completion, for people."""

from __future__ import annotations

import json
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from dpvs_acceptance.verdict.signoff import from_text
from reports import build
from reports.building import exports, read_page
from tests.reports.evidence import write_run
from tests.verdict.builders import check, requirement

ROWS = tuple(
    requirement(name, priority)
    for name, priority in (("S29", "P1"), ("S12", "P3"), ("S30", "P1"), ("S33", "P2"))
)
RESULTS = (
    check("PASS", "S29", "S30", node="suites/forwarding/a.py::test_ping"),
    check("NOT SUPPORTED", "S12", node="suites/platform/b.py::test_limit", message="ulimit: no"),
    check("NOT TESTED", "S33", node="suites/c.py::test_toa", message="no reader"),
    check("FAIL", "S30", node="suites/c.py::test_http", message="lost\nwas \x1b sent"),
)


def test_ctrf_keeps_the_suites_own_words(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, RESULTS)
    plain = json.loads(exports(tmp_path)["ctrf.json"])
    results = plain["results"]
    assert plain["reportFormat"] == "CTRF"
    assert results["tool"]["name"] == "dpvs-acceptance"
    counts = {name: results["summary"][name] for name in ("tests", "passed", "failed", "other")}
    assert counts == {"tests": 4, "passed": 1, "failed": 1, "other": 0}
    assert (results["summary"]["skipped"], results["summary"]["pending"]) == (1, 1)
    assert results["summary"]["stop"] - results["summary"]["start"] == 20_000
    tests = {one["name"]: one for one in results["tests"]}
    assert tests["test_ping"]["labels"] == {"test_key": ["S29", "S30"]}
    assert tests["test_ping"]["suite"] == ["suites", "forwarding", "a"]
    assert tests["test_ping"]["duration"] == 250
    assert {name: one["rawStatus"] for name, one in tests.items()} == {
        "test_ping": "PASS",
        "test_limit": "NOT SUPPORTED",
        "test_toa": "NOT TESTED",
        "test_http": "FAIL",
    }
    assert results["environment"]["testEnvironment"] == "lb01 (simulation)"


def test_openmetrics_is_read_by_prometheus(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, RESULTS)
    text = exports(tmp_path)["openmetrics.txt"]
    samples = [s for one in text_string_to_metric_families(text) for s in one.samples]
    of = {
        (s.name, s.labels.get("row") or s.labels.get("outcome", "")): (s.value, s.labels)
        for s in samples
    }
    assert of["dpvs_acceptance_exit_status", ""][0] == 1
    assert of["dpvs_acceptance_duration_seconds", ""][0] == 20
    assert of["dpvs_acceptance_rows", "FAIL"][0] == 1
    assert of["dpvs_acceptance_rows", "NOT SUPPORTED"][0] == 1
    assert of["dpvs_acceptance_rows", "NOT TESTED"][0] == 1
    assert of["dpvs_acceptance_row", "S30"][1]["outcome"] == "FAIL"
    assert of["dpvs_acceptance_run", ""][1]["verdict"] == "NOT READY"
    assert all(s.labels["device"] == "lb01" for s in samples)
    assert all(s.labels["topology"] == "fnat-two-arm" for s in samples)


def test_the_files_are_written_and_the_same_run_gives_the_same(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, RESULTS)
    build(tmp_path)
    for name, text in exports(tmp_path).items():
        assert (tmp_path / name).read_text() == text


def test_completion_names_deviations_blocks_and_risks(tmp_path: Path) -> None:
    blocked = check("BLOCKED", "S33", node="suites/c.py::test_gone", message="ssh: lost\nmore")
    write_run(tmp_path, (*ROWS, requirement("S36", "P4")), (*RESULTS, blocked, blocked))
    path = tmp_path / "signoff.json"
    problem = {"kind": "partial", "words": "3 checks were deselected"}
    plain = json.loads(path.read_text()) | {"profile": "extended", "problems": [problem]}
    path.write_text(json.dumps(plain))
    assert from_text(path.read_text()).profile == "extended"
    found = read_page(tmp_path).completion
    assert found.deviations == (
        "3 checks were deselected",
        "profile extended: only requirements of P1 and P2 were judged",
        "no check was run for: S36",
    )
    assert found.blocked == ("blocked: ssh: lost",)
    assert found.risks[0] == "the device is simulated: this verdict signs nothing off"
    assert [one.split(":")[0] for one in found.risks[1:]] == [
        "S30 (P1) FAIL",
        "S33 (P2) BLOCKED",
        "S12 (P3) NOT SUPPORTED",
    ]
    chinese = read_page(tmp_path, "zh")
    assert chinese.completion.deviations[0] == "有 3 项检查被排除"
    build(tmp_path, "zh")
    assert "剩余风险" in (tmp_path / "index.html").read_text()
    assert "剩余风险" in (tmp_path / "signoff.md").read_text()
