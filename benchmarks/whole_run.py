"""From `pytest` to the verdict on the software lab, its start and end included."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The lock is renewed by the clock, as often as the run is long.
STAGES = ("connect", "survey", "bring-up", "readers", "undo", "compare")


def measure(runs: int) -> Iterator[tuple[str, str, str]]:
    """Seconds of whole runs, and from the last one's transcript the round trips per stage."""
    seconds = []
    for _ in range(runs):
        begin = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q"], cwd=ROOT, capture_output=True, check=False
        )
        seconds.append(time.monotonic() - begin)
        if ran.returncode:
            sys.exit(f"bench: a run ended with {ran.returncode}:\n{ran.stdout.decode()[-2000:]}")
    yield (
        f"pytest to verdict, softlab, {runs} runs",
        "at most 20 s on 2 cores",
        f"median {statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})",
    )
    most = round_trips(ROOT / "reports/latest/evidence/transcript.jsonl").most_common(1)[0]
    yield (
        "round trips to one host in one stage of bring-up, undo or comparison",
        "at most 3",
        f"{most[1]} ({most[0][1]}, {most[0][0]})",
    )


def round_trips(transcript: Path) -> Counter[tuple[str, str]]:
    """Commands by (stage, host); those of checks are left out."""
    entries = map(json.loads, transcript.read_text().splitlines())
    return Counter(
        (entry["phase"], entry["host"])
        for entry in entries
        if entry["kind"] == "run" and entry["phase"] in STAGES
    )
