"""Rows by catalogue in every report: what nobody looked at is there, and drowns nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dpvs_acceptance.model.known import load_known
from dpvs_acceptance.model.requirement import load_requirements
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.facts import DeviceKind
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.known import known_in
from dpvs_acceptance.verdict.signoff import write
from dpvs_acceptance.verdict.unjudged import UnjudgedCatalogue, unjudged
from reports import build, build_pdf
from reports.building import read_page
from tests.reports.test_paper import text_of
from tests.reports.test_report import Elements
from tests.verdict.builders import STARTED, check, facts

ROOT = Path(__file__).parents[2]
BOTH = load_requirements([ROOT / "requirements" / f"{name}.yaml" for name in ("seed", "upstream")])
KNOWN = load_known([ROOT / "requirements" / "known" / "dpvs.yaml"], {row.id for row in BOTH})
DELETE = "suites/tools/x.py::test_a_local_address_is_added_listed_and_deleted"


@pytest.fixture(scope="module", params=["en", "zh"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    about = replace(
        facts(directory, DeviceKind.SOFTWARE_LAB), dpvs="1.9-6", language=str(request.param)
    )
    results = [check("PASS", row.id) for row in BOTH if row.catalogue == "seed"]
    results += [check("PASS", "FWD-01"), check("NOT SUPPORTED", "DEV-10", message="no vhost-net")]
    results.append(check("FAIL", "ADM-05", node=DELETE, message="`ipvsadm -Q`: no service"))
    known = known_in(KNOWN, about.dpvs)
    verdict = judge(about.kind, BOTH, results, known=known)
    ended = STARTED + timedelta(seconds=20)
    write(compose(about, BOTH, results, verdict, ended, known), directory / "signoff.json")
    build_pdf(build(directory), directory)
    return directory


def test_the_pages_model_counts_what_decides_and_keeps_the_rest(run: Path) -> None:
    page = read_page(run)
    seed, upstream = page.groups
    assert [len(g.requirements) for g in page.groups] == [36, 3]
    assert [len(g.unchecked) for g in page.groups] == [0, 169]
    assert "36" in seed.title
    assert "172" in upstream.title
    assert sum(number for _, number in page.counts) == 39
    assert len(page.not_shown) == 1
    bonding = upstream.unchecked[0]
    assert (bonding.id, bonding.priority) == ("DEV-01", "P1")
    assert bonding.needs.startswith("bonding")
    (failed,) = page.failed
    assert "#958" in failed.known


def test_the_page_has_each_row_once_and_the_unchecked_ones_folded(run: Path) -> None:
    page = Elements((run / "index.html").read_text(encoding="utf-8"))
    for row in BOTH:
        assert page.text.count(row.id) >= 1, row.id
    assert page.text.count("KAD-37") == 1
    folded = [attrs for tag, attrs in page.tags if attrs.get("class") == "unchecked"]
    assert len(folded) == 1
    assert "open" not in folded[0]
    assert "#958" in page.text


def test_the_merge_requests_text_has_them_too(run: Path) -> None:
    text = (run / "signoff.md").read_text(encoding="utf-8")
    assert text.count("| KAD-37 | P3 |") == 1
    assert "<details>" in text
    assert "958" in text


def test_the_paper_has_the_rows_that_were_checked(run: Path) -> None:
    text = text_of(run / "signoff.pdf")
    for name in ("ADM-05", "DEV-10", "S36", "#958"):
        assert name in text, name
    assert re.search("3 .*172", text), "how many rows there are"
    assert "KAD-37" not in text


@pytest.fixture(scope="module", params=["en", "zh"])
def beside(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that the seed judges; one of its checks proves a row of upstream as well."""
    directory = tmp_path_factory.mktemp("unjudged")
    about = replace(facts(directory), language=str(request.param))
    seed, upstream = ([r for r in BOTH if r.catalogue == name] for name in ("seed", "upstream"))
    results = [check("PASS", row.id) for row in seed if row.id not in ("S30", "S36")]
    results.append(check("PASS", "S30", "FWD-01", "FWD-06"))
    left = UnjudgedCatalogue(
        "upstream", "topology x is judged by seed", "--requirements=upstream", tuple(upstream)
    )
    more = unjudged([left], results, {"FWD-01": 1, "FWD-06": 4})
    verdict = judge(about.kind, seed, results)
    ended = STARTED + timedelta(seconds=20)
    document = compose(about, seed, results, verdict, ended, unjudged=more)
    write(document, directory / "signoff.json")
    build_pdf(build(directory), directory)
    return directory


def test_rows_that_do_not_judge_are_on_the_page_folded_and_counted_apart(beside: Path) -> None:
    page = read_page(beside)
    assert sum(number for _, number in page.counts) == 36
    (group,) = page.unjudged
    told = {row.id: (row.badge.key, row.checks, row.shown_at) for row in group.rows}
    assert len(told) == 172
    assert told["FWD-01"] == ("pass", "1 / 1", ("S30",))
    assert told["FWD-06"] == ("not-tested", "1 / 4", ("S30",))
    assert told["DEV-01"] == ("not-tested", "–", ())
    html = Elements((beside / "index.html").read_text(encoding="utf-8"))
    (folded,) = [attrs for _, attrs in html.tags if attrs.get("class") == "unjudged"]
    assert "open" not in folded
    # On the first screen, and where they are folded.
    assert html.text.count(group.title) == 2
    for row in group.rows:
        assert html.text.count(row.id) >= 1, row.id
    targets = {str(attrs.get("href")) for tag, attrs in html.tags if tag == "a"}
    ids = {attrs.get("id") for _, attrs in html.tags}
    assert {"#S30", "#not-judged"} <= targets
    assert {one[1:] for one in targets if one.startswith("#")} <= ids


def test_they_are_in_the_language_of_the_report(beside: Path) -> None:
    page = read_page(beside)
    (group,) = page.unjudged
    text = (beside / "signoff.md").read_text(encoding="utf-8")
    assert text.count("| KAD-37 | P3 |") == 1
    if page.language == "zh":
        assert group.title == "upstream: 172 条 (通过 1, 未测试 171)"
        assert group.why == "拓扑 x 按 seed 判定"
        assert "### 未参与本次判定的要求" in text
    else:
        assert group.title == "upstream: 172 rows (PASS 1, NOT TESTED 171)"
        assert "### Not judged by this run" in text


def test_on_paper_they_are_counted_and_left_out(beside: Path) -> None:
    text = text_of(beside / "signoff.pdf")
    assert re.search("upstream: 172 ", text)
    for name in ("DEV-01", "KAD-37", "V172-30", "FWD-06"):
        assert name not in text, name


def test_a_run_of_the_seed_alone_looks_as_ever(tmp_path: Path) -> None:
    rows = tuple(row for row in BOTH if row.catalogue == "seed")
    about = facts(tmp_path)
    verdict = judge(about.kind, rows, [check("PASS", "S29")])
    ended = STARTED + timedelta(seconds=20)
    write(compose(about, rows, [check("PASS", "S29")], verdict, ended), tmp_path / "signoff.json")
    (group,) = read_page(tmp_path).groups
    assert (group.title, len(group.requirements), group.unchecked) == ("", 36, ())
    assert read_page(tmp_path).unjudged == ()
