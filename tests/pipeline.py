"""One run of the software lab as a pipeline makes it, for all tests that look at a stored run.

The steps are those of GitHub's example, as they stand; the other examples have the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CI = ROOT / "docs/ci"
CHECKS = ("suites/control", "suites/forwarding", "suites/client_address/test_toa.py")
"""Not all, for want of time: those that a replay repeats wholly."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    clone: Path
    summary: str
    """Of the job, as GitHub shows it."""
    said: tuple[str, ...]
    """What each step wrote, in order."""

    @property
    def run(self) -> Path:
        """The run's directory; nothing in it may be changed."""
        return (self.clone / "reports/latest").resolve()


def github() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CI / "github-actions.yml").read_text())
    return found


def in_clone(clone: Path, text: str, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A script as a runner starts it."""
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", text],
        cwd=clone,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as a runner has it."""
    return make_clone(tmp_path_factory.mktemp("runner") / "dpvs-acceptance")


def make_clone(clone: Path) -> Path:
    """The tree at `clone`: what is tracked, and the environment of an earlier run."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    (clone / ".venv").symlink_to((ROOT / ".venv").resolve())
    return clone


@pytest.fixture(scope="session")
def pipeline(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    (job,) = github()["jobs"].values()
    summary = tmp_path_factory.mktemp("job") / "summary.md"
    variables = {
        "BENCH": "softlab",
        "PROFILE": "full",
        "PYTEST_ADDOPTS": " ".join(["-p", "no:cacheprovider", *CHECKS]),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    said = []
    for step in job["steps"]:
        if "run" in step:
            ran = in_clone(clone, step["run"], variables)
            assert ran.returncode == 0, (step["run"], ran.stdout[-3000:], ran.stderr[-2000:])
            said.append(ran.stdout)
    return Pipeline(clone, summary.read_text(), tuple(said))
