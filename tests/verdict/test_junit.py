"""JUnit of a run: what is added to pytest's file, and the file with a case per row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.junit import completed, junit_differences, rows_file
from dpvs_acceptance.verdict.outcomes import CheckResult
from dpvs_acceptance.verdict.signoff import SignOff
from tests.verdict.builders import FINISHED, check, facts, requirement

ROWS = tuple(requirement(name) for name in ("S01", "S12", "S29", "S30", "S33"))
RESULTS = (
    check("PASS", "S29", "S30", node="suites/a.py::test_ping[x::y]"),
    check("NOT SUPPORTED", "S12", node="suites/a.py::test_limit", message="ulimit: no"),
    check("FAIL", "S33", node="suites/a.py::TestToa::test_toa", message="no TOA"),
)
PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">
<testcase classname="suites.a" name="test_ping[x::y]"><properties>
<property name="requirement" value="S29" /><property name="requirement" value="S30" />
</properties></testcase>
<testcase classname="suites.a" name="test_limit"><properties>
<property name="requirement" value="S12" /></properties>
<skipped type="pytest.skip" message="ulimit: no">a.py:1</skipped></testcase>
<testcase classname="suites.a.TestToa" name="test_toa"><properties>
<property name="requirement" value="S33" /></properties>
<failure message="no TOA">long</failure></testcase>
</testsuite></testsuites>"""


def document(*results: CheckResult) -> SignOff:
    about = facts(Path("run"))
    return compose(about, ROWS, results, judge(about.kind, ROWS, results), FINISHED)


def properties(element: ET.Element) -> list[tuple[str | None, str | None]]:
    return [(one.get("name"), one.get("value")) for one in element.iterfind("properties/property")]


def test_the_file_says_what_was_tested_and_what_it_came_to() -> None:
    text = completed(PYTEST, document(*RESULTS))
    root = ET.fromstring(text)
    suite = dict(properties(next(root.iter("testsuite"))))
    assert suite["device"] == "lb01"
    assert suite["topology"] == "fnat-two-arm"
    assert suite["verdict"] == "NOT READY"
    assert suite["exit status"] == "1"
    ping, limit, toa = root.iter("testcase")
    assert [v for n, v in properties(ping) if n == "test_key"] == ["S29", "S30"]
    skipped = limit.find("skipped")
    assert skipped is not None
    assert skipped.attrib == {"type": "NOT SUPPORTED", "message": "NOT SUPPORTED: ulimit: no"}
    failure = toa.find("failure")
    assert failure is not None
    assert failure.get("type") == "FAIL"
    assert completed(text, document(*RESULTS)) == text


def test_not_supported_and_not_tested_are_told_apart() -> None:
    other = replace(RESULTS[1], outcome=check("NOT TESTED").outcome)
    text = completed(PYTEST, document(RESULTS[0], other, RESULTS[2]))
    assert 'type="NOT TESTED" message="NOT TESTED: ulimit: no"' in text
    assert "NOT SUPPORTED" not in text


def test_a_completed_file_agrees_and_an_altered_one_does_not() -> None:
    signoff = document(*RESULTS)
    text = completed(PYTEST, signoff)
    assert list(junit_differences(signoff, text)) == []
    forged = text.replace('name="verdict" value="NOT READY"', 'name="verdict" value="READY"')
    assert list(junit_differences(signoff, forged)) == [
        "junit.xml: verdict is 'READY', the document has 'NOT READY'"
    ]
    moved = text.replace('"test_key" value="S33"', '"test_key" value="S01"')
    (told,) = junit_differences(signoff, moved)
    assert "proves S33, but junit.xml says S01, S33" in told


def test_there_is_a_case_for_each_row_that_was_judged() -> None:
    root = ET.fromstring(rows_file(document(*RESULTS)))
    (suite,) = root.iter("testsuite")
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "0", "skipped": "2"}
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == [row.id for row in ROWS]
    assert dict(properties(cases["S33"]))["test_key"] == "S33"
    types = {name: [child.get("type") for child in case][1:] for name, case in cases.items()}
    assert types["S01"] == ["NOT TESTED"]
    assert types["S12"] == ["NOT SUPPORTED"]
    assert types["S29"] == []
    assert types["S33"] == ["FAIL"]
