"""The sign-off document on paper: what stands where, nothing over the margin, nothing fetched."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import weasyprint

from reports import build, build_pdf
from reports.paper import make_pdf
from tests.reports.evidence import line, recorded_topology, write_run
from tests.reports.test_evidence_shown import failed
from tests.reports.test_report import SEED
from tests.verdict.builders import check

MARGIN = 15 / 25.4 * 72
"""In points, as the PDF counts."""
A4 = 595.28


def text_of(pdf: Path, *more: str) -> str:
    command = ["pdftotext", "-layout", *more, str(pdf), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def facts_of(pdf: Path) -> dict[str, str]:
    command = ["pdfinfo", "-isodates", str(pdf)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: value.strip() for name, _, value in (x.partition(":") for x in said.splitlines())}


def made(directory: Path, language: str = "") -> Path:
    build_pdf(build(directory, language), directory)
    return directory / "signoff.pdf"


def test_the_first_page_is_the_decision(tmp_path: Path) -> None:
    write_run(tmp_path, SEED, failed(tmp_path), topology=recorded_topology())
    pdf = made(tmp_path)
    first = text_of(pdf, "-l", "1")
    for words in ("NOT READY", "S33 (P1) FAIL: lost", "lb01", "1.10-2", "Released by"):
        assert words in first, words
    assert re.search(r"PASS +1\b", first)
    assert "Requirement" not in first
    rest = text_of(pdf, "-f", "2")
    for words in ("Requirement", "Failures", "Where to look", "10.0.0.48", "How to reproduce"):
        assert words in rest, words
    facts = facts_of(pdf)
    assert facts["CreationDate"] == "2026-01-02T03:04:25Z"
    assert facts["Tagged"] == "yes"
    assert facts["Page size"].startswith("595.2")
    assert facts["Title"] == "NOT READY: lb01, fnat-two-arm"


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    write_run(tmp_path, SEED, failed(tmp_path), topology=recorded_topology())
    first = made(tmp_path).read_bytes()
    assert made(tmp_path).read_bytes() == first


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_runs_over_the_margin(tmp_path: Path, language: str) -> None:
    long = "x" * 700 + "\n" * 30 + "字" * 600
    message = f"m\n  expected: {long}\n  seen:     {long}"
    node = "suites/a.py::test_" + "long_" * 60
    results = [check("FAIL", "S33", node=node, message=message), check("PASS", "S25")]
    skipped = check("NOT SUPPORTED", "S01", message="y" * 400)
    results.append(replace(skipped, probe="/dev/" + "z" * 400))
    asked = line(1, check=node, host="h" * 60, command="c" * 900, stdout="d" * 900)
    write_run(tmp_path, SEED, tuple(results), transcript=(asked,))
    boxes = text_of(made(tmp_path, language), "-bbox")
    words = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)"[^>]*>(.*?)</', boxes)
    assert len(words) > 300
    for left, right, word in words:
        assert float(left) >= MARGIN - 1, word
        assert float(right) <= A4 - MARGIN + 1, word
    if language == "zh":
        assert "不可上线" in boxes


def test_nothing_is_fetched(tmp_path: Path) -> None:
    outside = tmp_path / "outside.svg"
    outside.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="20">taken</text></svg>')
    html = f'<p>words</p><img src="{outside.as_uri()}">'
    weasyprint.HTML(string=html).write_pdf(tmp_path / "control.pdf")
    assert "taken" in text_of(tmp_path / "control.pdf")
    (tmp_path / "ours.pdf").write_bytes(make_pdf(html))
    assert text_of(tmp_path / "ours.pdf").split() == ["words"]
