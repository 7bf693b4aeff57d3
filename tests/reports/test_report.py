from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dpvs_acceptance.model.requirement import Requirement, load_requirements
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.facts import DeviceKind, ProblemKind, RunProblem
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.manifest import PAGES
from dpvs_acceptance.verdict.outcomes import Attempt, CheckResult, Outcome
from dpvs_acceptance.verdict.signoff import write
from reports import build
from reports.language import reason
from reports.pieces import link, prose
from tests.verdict.builders import STARTED, check, facts, requirement

ROOT = Path(__file__).parents[2]
SEED = load_requirements([ROOT / "requirements" / "seed.yaml"])
HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=y>{{ 7*7 }}\x1b[2J\udcff\u202e'\"&"
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Elements(HTMLParser):
    """The page's elements; fails on one that is closed without being open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def make(
    tmp_path: Path,
    *results: CheckResult,
    requirements: tuple[Requirement, ...] = SEED,
    fault: str = "",
) -> str:
    about = replace(facts(tmp_path, DeviceKind.SIMULATION), fault=fault)
    problems = [RunProblem(ProblemKind.FAULT, f"fault {fault}")] if fault else []
    verdict = judge(about.kind, requirements, results, problems)
    finished = STARTED + timedelta(seconds=20.5)
    write(compose(about, requirements, results, verdict, finished), tmp_path / "signoff.json")
    build(tmp_path)
    return (tmp_path / "index.html").read_text(encoding="utf-8")


MIXED = (
    check("PASS", "S25"),
    replace(
        check("FAIL", "S29", message="2 of 4 echoes lost\n  expected: 4"),
        evidence=("captures/S29 client1.pcap",),
    ),
    replace(
        check("FLAKY", "S30", message="no answer"),
        attempts=(Attempt(Outcome.FAIL, 1.0, "no answer"), Attempt(Outcome.PASS, 1.0)),
    ),
    check("BLOCKED", "S31", message="rs2 is gone"),
    replace(check("NOT SUPPORTED", "S01", message="no smt here"), probe="cat: smt: No such file"),
    check("FAIL", node="suites/x.py::stray", message="worker died"),
)


def test_the_page_shows_the_verdict_each_requirement_and_what_to_look_at(tmp_path: Path) -> None:
    page = Elements(make(tmp_path, *MIXED))
    for text in (
        "NOT READY",
        "S29 (P1) FAIL: 2 of 4 echoes lost",
        "lb01 (simulation)",
        "20.5 s",
        "0000:04:00.0",
        "no smt here",
        "cat: smt: No such file",
        "not covered by this run",
        "suites/x.py::stray",
        "Attempt 2",
        "pytest --host=softlab suites/test_a.py::test_s29",
        next(r.hint for r in SEED if r.id == "S29").replace("`", ""),
        *(r.statement.replace("`", "") for r in SEED),
    ):
        assert text in page.text, text
    # A requirement that holds needs no hint.
    assert next(r.hint for r in SEED if r.id == "S25").replace("`", "") not in page.text
    for outcome in set(Outcome) - {Outcome.PARTIAL, Outcome.NOT_APPLICABLE}:
        assert outcome in page.text


def test_every_anchor_leads_somewhere_once(tmp_path: Path) -> None:
    page = Elements(make(tmp_path, *MIXED))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {str(attrs["href"]) for tag, attrs in page.tags if tag == "a"}
    assert {t[1:] for t in targets if t.startswith("#")} <= set(ids)
    assert {t for t in targets if not t.startswith("#")} == {
        "signoff.json",
        "junit.xml",
        "captures/S29%20client1.pcap",
    }


def test_the_page_asks_nothing_of_any_other_place(tmp_path: Path) -> None:
    html = make(tmp_path, *MIXED)
    assert "http://" not in html
    assert "https://" not in html
    assert not re.search(r"@import|url\(|//[a-z]", html)
    page = Elements(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "base"}
    assert not [attrs for _, attrs in page.tags if "src" in attrs]


def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    bad = CheckResult(
        HOSTILE,
        Outcome.FAIL,
        1.0,
        HOSTILE,
        HOSTILE * 3,
        ("S29",),
        (HOSTILE, "javascript:alert(1)", "../../etc/passwd", "/etc/passwd"),
        HOSTILE,
        (Attempt(Outcome.FAIL, 1.0, HOSTILE, HOSTILE, (HOSTILE,)),),
    )
    skipped = replace(bad, outcome=Outcome.NOT_SUPPORTED, requirements=("S01",))
    html = make(tmp_path, bad, skipped, replace(bad, requirements=()), fault=HOSTILE)
    page = Elements(html)
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert not [c for c in html if ord(c) < 32 and c != "\n"]
    assert "\u202e" not in html
    for tag, attrs in page.tags:
        href = attrs.get("href") or ""
        assert not re.match(r"[a-z]+:|/|\.\.", href), (tag, href)


@pytest.mark.parametrize(
    ("path", "href"),
    [
        ("captures/a.pcap", "captures/a.pcap"),
        ("a b#c?.txt", "a%20b%23c%3F.txt"),
        ("javascript:x", "javascript%3Ax"),
        ("/etc/passwd", ""),
        ("a/../../b", ""),
        ("a\\b", ""),
        ("", ""),
    ],
)
def test_only_files_of_the_run_are_linked_to(path: str, href: str) -> None:
    assert link(path).href == href


def test_commands_in_a_sentence_are_set_apart() -> None:
    assert prose("look at `a b`, then") == ((False, "look at "), (True, "a b"), (False, ", then"))
    assert prose("no command") == ((False, "no command"),)
    assert prose("one ` alone") == ((False, "one ` alone"),)


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    first = make(tmp_path, *MIXED)
    build(tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == first
    # Another process hashes strings differently: no set may decide an order.
    subprocess.run([sys.executable, "-m", "reports", "build", str(tmp_path)], cwd=ROOT, check=True)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == first
    there = sorted((*PAGES, "pages.sha256", "signoff.json"))
    assert sorted(p.name for p in tmp_path.iterdir()) == there


def test_150_requirements_are_built_in_under_a_second(tmp_path: Path) -> None:
    many = tuple(requirement(f"X{n:03}") for n in range(150))
    results = [check("FAIL" if n % 5 == 0 else "PASS", r.id) for n, r in enumerate(many)]
    results = [replace(r, details="line\n" * 100) for r in results]
    make(tmp_path, *results, requirements=many)
    began = time.perf_counter()
    build(tmp_path)
    assert time.perf_counter() - began < 1


def test_a_directory_without_a_sign_off_is_one_sentence(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "reports", "build", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "signoff.json" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_a_partial_row_does_not_show_is_said_in_chinese() -> None:
    said = "without 1 of 2 checks, NOT SUPPORTED: `ulimit -n`: hard limit 20000"
    told = reason(said, "zh")
    assert told == "2 项检查中有 1 项没有结果，不支持: `ulimit -n`: hard limit 20000"
    assert reason(said, "en") == said
