"""A real run, forged: each field of its document, each file, and as well as a forger can."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dpvs_acceptance.verdict.manifest import PAGES
from dpvs_acceptance.verdict.verifying import (
    Verification,
    replay_by_pytest,
    suite_catalogues,
    verify,
)
from tests.verdict import forging

ROOT = Path(__file__).parents[2]
Found = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default run, on the software lab."""
    reports = tmp_path_factory.mktemp("reports")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--reports={reports}", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    return (reports / "latest").resolve()


@pytest.fixture(scope="module")
def replayed(original: Path) -> Found:
    return replay_by_pytest(original)


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    skipped = shutil.ignore_patterns("allure-results")
    return shutil.copytree(original, tmp_path / original.name, symlinks=True, ignore=skipped)


@pytest.fixture
def check(replayed: Found) -> Callable[[Path], Verification]:
    """The evidence that checks are repeated on is compared by digest: once is enough."""
    catalogues = suite_catalogues()
    return lambda run: verify(run, lambda _: replayed, catalogues)


Check = Callable[[Path], Verification]


def test_an_untouched_run_has_nothing_to_name(run: Path, check: Check) -> None:
    found = check(run)
    assert found.problems == ()
    assert found.verdict == "PASSED ON SIMULATION"
    assert found.replayed > 80


def test_each_field_of_the_document(run: Path, check: Check) -> None:
    path = run / "signoff.json"
    text = path.read_text()
    unnoticed = []
    places = forging.each_field(json.loads(text))
    assert len(places) > 100
    for steps in places:
        document = json.loads(text)
        *inside, last = steps
        value = forging.at(document, steps)
        forging.at(document, tuple(inside))[last] = forging.forged(value, forging.schema_at(steps))
        path.write_text(json.dumps(document))
        forging.rehash(run)
        problems = check(run).problems
        name = next(step for step in reversed(steps) if isinstance(step, str))
        told = (problem for problem in problems if "signoff.json" in problem)
        if not any(name in problem or "cannot be read" in problem for problem in told):
            unnoticed.append(f"{steps}: {problems}")
    assert not unnoticed, "\n".join(unnoticed)


def test_each_field_of_record_and_manifest(run: Path, check: Check) -> None:
    unnoticed = []
    for name in ("record.json", "manifest.json"):
        path = run / name
        text = path.read_text()
        for steps in forging.each_field(json.loads(text)):
            plain = json.loads(text)
            *inside, last = steps
            value = forging.at(plain, steps)
            forging.at(plain, tuple(inside))[last] = forging.forged(
                value, {"items": {"type": "string"}}
            )
            path.write_text(json.dumps(plain))
            if name == "record.json":
                forging.rehash(run)
            if not check(run).problems:
                unnoticed.append(f"{name}: {steps}")
        path.write_text(text)
        forging.rehash(run)
    assert not unnoticed, "\n".join(unnoticed)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


FORGERIES: dict[str, Callable[[Path], None]] = {
    "a bit flipped": _flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]) and None,
    "removed": Path.unlink,
}


def test_each_file(run: Path, check: Check) -> None:
    unnoticed = []
    pages = (*PAGES, "manifest.json", "pages.sha256")
    files = [one for one in sorted(run.rglob("*")) if one.is_file() and one.name not in pages]
    assert len(files) > 50
    ways, seen = list(FORGERIES), set()
    for number, path in enumerate(files):
        # Captures are many and alike: one of each check is forged, in one way; the others in all.
        chosen = [ways[number % len(ways)]] if "captures" in path.parts else ways
        if "captures" in path.parts and path.parent in seen:
            continue
        seen.add(path.parent)
        data = path.read_bytes()
        for way in chosen if data else ():
            FORGERIES[way](path)
            forging.rehash(run)
            if not any(path.name in problem for problem in check(run).problems):
                unnoticed.append(f"{path.relative_to(run)}: {way}")
            path.write_bytes(data)
    for name in pages:
        data = (run / name).read_bytes()
        FORGERIES["removed"](run / name)
        if not any(name in problem for problem in check(run).problems):
            unnoticed.append(f"{name}: removed")
        (run / name).write_bytes(data)
    added = run / "evidence" / "captures" / "test_of_nothing"
    added.mkdir()
    (added / "more.pcap").write_bytes(b"x")
    forging.rehash(run)
    problems = check(run).problems
    assert "evidence/captures/test_of_nothing/more.pcap: is not in record.json" in problems
    assert "evidence/captures/test_of_nothing: is of no check of the document" in problems
    assert not unnoticed, "\n".join(unnoticed)


def _record(run: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((run / "record.json").read_text())
    return plain


def _named(found: Verification, *words: str) -> bool:
    return any(all(word in problem for word in words) for problem in found.problems)


def test_an_outcome_that_is_forged_everywhere_is_not_what_the_evidence_makes(
    run: Path, check: Check
) -> None:
    plain = _record(run)
    limit = next(one for one in plain["checks"] if "descriptor_limit]" in one["nodeid"] + "]")
    assert limit["phases"][1]["outcome"] == "NOT SUPPORTED"
    for phase in limit["phases"]:
        phase.update(outcome="PASS", message="", probe="")
    junit = run / "junit.xml"
    text = junit.read_text()
    case = text.index('name="test_the_running_dpvs_has_the_descriptor_limit"')
    begin, end = text.index("<skipped", case), text.index("</skipped>", case) + len("</skipped>")
    text = text[:begin] + text[end:]
    said = text.index('value="NOT SUPPORTED"', case)
    text = text[:said] + text[said:].replace("NOT SUPPORTED", "PASS", 1)
    junit.write_text(text)
    forging.reissue(run, plain)
    found = check(run)
    assert found.verdict == "PASSED ON SIMULATION"
    assert len(found.problems) == 1
    assert _named(found, limit["nodeid"], "PASS is written, on the stored evidence it is NOT SUPP")


def test_a_check_that_is_left_out_everywhere_is_missed(run: Path, check: Check) -> None:
    plain = _record(run)
    gone = plain["checks"].pop(40)["nodeid"]
    junit = run / "junit.xml"
    text = junit.read_text()
    name = gone.split("::", 1)[1].replace("[", "[")
    begin = text.rindex("<testcase", 0, text.index(f'name="{name}"'))
    junit.write_text(text[:begin] + text[text.index("</testcase>", begin) + 11 :])
    forging.reissue(run, plain)
    assert _named(check(run), gone, "is a check of this suite for the topology, but not in the doc")


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("kind", "hardware", "device.kind: 'hardware' is written, the evidence says 'simulation'"),
        ("dpvs", "1.9-10", "device.dpvs: '1.9-10' is written, the evidence says"),
        ("kernel", "5.10.0", "device.kernel: '5.10.0' is written"),
        ("host", "lb02", "device.host: 'lb02' is written"),
        ("dpdk", "20.11", "device.dpdk: '20.11' is written"),
        ("topology", "nat64", "topology: nat64 is written, the evidence says fnat-two-arm"),
        ("nics", [], "device.nics: 0 are written, the evidence has 4"),
        ("started", "2026-01-01T00:00:00Z", "is not named after its start"),
        ("command", "pytest --lenient", "lenient: 'False' is written, the command says --lenient"),
        ("fault", "no-toa", "fault: 'no-toa' is written, and the problems say otherwise"),
    ],
)
def test_a_fact_that_is_forged_everywhere_does_not_fit_the_evidence(
    run: Path, check: Check, fact: str, value: Any, words: str
) -> None:
    plain = _record(run)
    plain["facts"][fact] = value
    forging.reissue(run, plain)
    assert _named(check(run), words), check(run).problems


def test_a_simulation_that_is_called_hardware_everywhere_is_none(run: Path, check: Check) -> None:
    plain = _record(run)
    plain["facts"]["kind"] = "hardware"
    bench = run / "evidence/declared/bench.json"
    bench.write_text(bench.read_text().replace('"kind": "simulation"', '"kind": "hardware"'))
    forging.reissue(run, plain)
    words = "the bench says hardware: it runs on the kernel of another machine of the bench"
    assert _named(check(run), words), check(run).problems


def test_a_marker_that_is_forged_everywhere_is_not_the_suites(run: Path, check: Check) -> None:
    plain = _record(run)
    limit = next(one for one in plain["checks"] if one["core"] == ["S12"])
    limit["core"] = []
    forging.reissue(run, plain)
    assert _named(check(run), limit["nodeid"], "core: none is written, the suite says S12")


def test_other_catalogues_than_the_topologys_are_named(run: Path, check: Check) -> None:
    plain = _record(run)
    plain["judged_by"] = ["edges"]
    forging.reissue(run, plain)
    assert _named(check(run), "judged by edges, and the stored topology says seed")
