"""Several runs side by side: versions × requirements, and topologies × requirements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dpvs_acceptance.model.requirement import Held
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.matrix import lines_in_parts, make_matrix, to_lines
from dpvs_acceptance.verdict.outcomes import CheckResult
from dpvs_acceptance.verdict.signoff import SignOff, write
from reports.stored_runs import main
from tests.verdict.builders import FINISHED, check, facts, requirement

SEED = [requirement("S29"), requirement("S36", "P3")]
UPSTREAM = [
    requirement(name, "P2", "upstream", Held.WHERE_CHECKED) for name in ("FWD-18", "ADM-05")
]


def run(version: str, topology: str, *results: CheckResult, seed: bool = False) -> SignOff:
    rows = SEED if seed else UPSTREAM
    about = replace(facts(), dpvs=version, topology=topology, run=f"{version}-{topology}")
    return compose(about, rows, results, judge(about.kind, rows, results), FINISHED)


RUNS = [
    run("1.10-2", "dr", check("PASS", "FWD-18"), check("PASS", "ADM-05")),
    run("1.9-10", "dr", check("FAIL", "FWD-18", message="no answer\nat all")),
    run("1.9-10", "nat", check("PASS", "ADM-05"), check("PASS", "FWD-18")),
    run("1.10-2", "fnat", check("PASS", "S29"), seed=True),
]


def test_versions_stand_in_their_order_and_the_worst_run_of_each_in_its_cell() -> None:
    assert [line.rstrip() for line in to_lines(make_matrix(RUNS))][:6] == [
        "            1.9.10 (simulation)  1.10.2 (simulation)",
        "seed: 1 of 2 rows covered",
        "S29      P1  -                    PASS",
        "upstream: 2 of 2 rows covered",
        "FWD-18 * P2  FAIL                 PASS",
        "ADM-05   P2  PASS                 PASS",
    ]


def test_a_version_run_on_several_topologies_has_them_side_by_side() -> None:
    matrix = make_matrix(RUNS)
    assert [sheet.title for sheet in matrix.topologies] == [
        "1.9.10 (simulation)",
        "1.10.2 (simulation)",
    ]
    first = matrix.topologies[0]
    assert first.headings == ("dr", "nat")
    told = {line.id: [str(c.outcome) for c in line.cells] for line in first.tables[0].lines}
    assert told == {"FWD-18": ["FAIL", "PASS"], "ADM-05": ["NOT TESTED", "PASS"]}
    assert [c.cause for c in first.tables[0].lines[0].cells] == ["no answer", ""]
    # Whoever did not look does not differ.
    assert [line.differs for line in first.tables[0].lines] == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("PASS", "NOT SUPPORTED", "PASS"),
        ("NOT SUPPORTED", "NOT TESTED", "NOT SUPPORTED"),
        ("PASS", "FLAKY", "FLAKY"),
        ("BLOCKED", "PASS", "BLOCKED"),
    ],
)
def test_two_runs_of_one_version_are_one_word(one: str, other: str, both: str) -> None:
    runs = [run("1.9-10", "dr", check(outcome, "FWD-18")) for outcome in (one, other)]
    cells = make_matrix(runs).versions.tables[0].lines[0].cells
    assert [str(cell.outcome) for cell in cells] == [both]


def test_the_command_writes_text_and_a_page_that_escapes_what_devices_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = run("1.8-10", "dr", check("FAIL", "FWD-18", message="<script>alert(1)</script>"))
    for number, one in enumerate((*RUNS, evil)):
        (tmp_path / str(number)).mkdir()
        write(one, tmp_path / str(number) / "signoff.json")
    page = tmp_path / "matrix.html"
    arguments = [str(tmp_path / str(n)) for n in range(5)]
    assert main(["matrix", *arguments, f"--html={page}"]) == 0
    said = capsys.readouterr().out
    assert "FWD-18 * P2  FAIL                 FAIL                 PASS" in said
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "default-src 'none'" in text
    assert main(["matrix", str(tmp_path)]) == 3


def of_s36(topology: str, *results: CheckResult, seed: bool = False) -> SignOff:
    parts = [requirement(f"S36.{n}", "P1", "s36", Held.WHERE_CHECKED) for n in ("K01", "N01")]
    rows = [*(SEED if seed else ()), *parts]
    about = replace(facts(), topology=topology, run=topology)
    return compose(about, rows, results, judge(about.kind, rows, results), FINISHED)


@pytest.mark.parametrize(
    ("k01", "n01", "told"),
    [
        ("PASS", "PASS", "PASS: 2 of 2 parts PASS"),
        ("PASS", "NOT TESTED", "PARTIAL: 1 of 2 parts PASS; NOT TESTED S36.N01"),
        ("PASS", "FAIL", "FAIL: 1 of 2 parts PASS; FAIL S36.N01"),
        ("NOT SUPPORTED", "NOT TESTED", "NOT SUPPORTED: 0 of 2 parts PASS; "),
    ],
)
def test_a_requirement_in_parts_is_what_its_parts_came_to(k01: str, n01: str, told: str) -> None:
    runs = [
        of_s36("a", check("PASS", "S29"), check(k01, "S36.K01"), seed=True),
        of_s36("b", check(n01, "S36.N01")),
    ]
    (line,) = lines_in_parts(runs)
    assert line.startswith(f"S36 on 1.10.2 (simulation): {told}")


def test_a_requirement_in_parts_is_untested_where_no_part_was_looked_at() -> None:
    assert not list(lines_in_parts([run("1.10-2", "fnat", check("PASS", "S29"), seed=True)]))
