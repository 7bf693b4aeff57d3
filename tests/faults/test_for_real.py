"""A handful of faults of both kinds, made for real on a lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab of network namespaces needs root")

FAULTS = (
    "hugetlbfs-not-mounted",
    "vip-missing",
    "dpip-line-cut",
    "toa-wrong-address",
    "echo-replies-doubled",
)


def run(*arguments: str, seconds: float = 180) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )


def test_faults_are_caught_by_what_they_name(tmp_path: Path) -> None:
    done = run(f"--fault-matrix={','.join(FAULTS)}", f"--fault-report={tmp_path}")
    matrix = json.loads((tmp_path / "matrix.json").read_text())
    assert [row["fault"] for row in matrix["rows"]] == list(FAULTS), done.stdout[-2000:]
    for row in matrix["rows"]:
        assert row["fate"] == "killed", row
        assert not row["false_alarms"], row
        assert not row["errors"], row
        assert all(one["message"] for one in row["caught"]), row
    assert not matrix["control"], matrix["control"]
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "index.html").is_file()


def test_a_sample_is_made_and_each_survivor_has_its_reason(tmp_path: Path) -> None:
    done = run("--fault-sample=8", "--fault-seed=1", f"--fault-report={tmp_path}", seconds=600)
    matrix = json.loads((tmp_path / "matrix.json").read_text())
    assert len(matrix["rows"]) == 8, done.stdout[-2000:]
    fates = {row["fate"] for row in matrix["rows"]}
    assert fates <= {"killed", "killed by another", "survived"}, matrix["rows"]
    assert "killed" in fates
    for row in matrix["rows"]:
        assert not row["errors"], row
        words = "no check sent|frames were affected" if row["kind"] == "wire" else ""
        assert row["fate"] != "survived" or re.search(words, row["reason"]), row


def test_a_run_with_a_fault_says_so_and_can_never_be_ready() -> None:
    done = run("--fault=pid-file-stale", "suites/control/test_process.py")
    assert "FAULT INJECTED: pid-file-stale" in done.stdout
    assert "the fault pid-file-stale was injected" in done.stdout
    assert "the pid file names process 1" in done.stdout
    assert "NOT READY" in done.stdout
    assert "not undone" not in done.stdout
    assert done.returncode == 1


REFUSED = {
    "--fault=no-such-fault": "there is no fault of this name",
    "--fault=vip-missing --attach": "only with --host=softlab",
    "--fault=vip-missing --host=benches/lb01.example.yaml": "only with --host=softlab",
    "--fault-matrix=no-such-*": "no fault has such a name",
}


def test_a_fault_that_cannot_be_made_is_refused() -> None:
    """One process for all: most of the time of each would be Python's own start."""
    program = (
        "import sys, pytest\n"
        "print([int(pytest.main(line.split())) for line in sys.argv[1:]], flush=True)\n"
    )
    command = [sys.executable, "-c", program, *(f"-p no:cacheprovider {one}" for one in REFUSED)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.stdout.splitlines()[-1] == str([3] * len(REFUSED)), done.stdout + done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    for line, words in zip(told, REFUSED.values(), strict=True):
        assert words in line


def test_what_a_site_may_choose_otherwise_turns_nothing_red() -> None:
    suites = (f"suites/{name}" for name in ("platform", "install", "control"))
    done = run("--topology=faults/topologies/variations.yaml", *suites)
    bad = [line for line in done.stdout.splitlines() if re.match("(FAIL|BLOCKED|FLAKY) ", line)]
    assert not bad, bad
    assert re.search(r"\b[3-9]\d passed", done.stdout), done.stdout[-2000:]
