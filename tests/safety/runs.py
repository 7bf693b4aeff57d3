"""Whole runs of the suite, as a person starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .benched import ROOT


def command(bench: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "pytest", f"--host={bench}", "-p", "no:cacheprovider", *more]


def run(bench: Path, *more: str, seconds: float = 180) -> subprocess.CompletedProcess[str]:
    """The suite against `bench`, until it ends."""
    return subprocess.run(
        command(bench, *more),
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def directory(output: str) -> Path:
    """The run's directory, as its last lines name it."""
    line = next(line for line in output.splitlines() if line.startswith("report: "))
    return Path(line.removeprefix("report: ")).parent


def transcript(output: str) -> list[dict[str, Any]]:
    path = directory(output) / "evidence" / "transcript.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
