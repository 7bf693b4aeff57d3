"""Runs that are brought to their end at random moments; after each, every host is as it was.

`python -m benchmarks.endings [COUNT [SEED]]`, or `make endings`: signals, broken pipes, full disks,
suspension, and SIGKILL with `--restore` behind it. DPVS_HOME=DIR: on a lab with this build. Exit 1
if anything is left.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.snapshot import Snapshot
from tests.safety import runs
from tests.safety.benched import Benched, benched
from tests.safety.blows import BLOWS, Run, small_disk
from tests.softlab.labs import Lab

COUNT, SEED = 200, 1


def _kill(run: Run) -> None:
    run.process.send_signal(signal.SIGKILL)


def _stop(run: Run) -> None:
    """Suspended for a moment, as by a machine that sleeps; then asked to end."""
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    run.process.send_signal(signal.SIGCONT)
    run.process.send_signal(signal.SIGTERM)


ENDINGS: dict[str, Callable[[Run], None]] = {
    **{name: blow.deal for name, blow in BLOWS.items()},
    "KILL": _kill,
    "STOP CONT TERM": _stop,
}


def _left(bench: Benched, first: Mapping[str, Snapshot]) -> list[str]:
    """What is not as it was at first, on any host."""
    found = []
    for role, host in bench.hosts.items():
        found += [f"{role}: {line}" for line in differences(first[role], bench.snapshot(role))]
        said = host.run(f"find {journal.ROOT} 2>/dev/null; pgrep -f dpvs-acceptance-dead-ma[n]")
        found += [f"{role}: {line}" for line in said.stdout.splitlines()]
    return found


def _restored(bench: Benched) -> list[str]:
    """`--restore`, which waits for the lock of the run that was killed."""
    ran = runs.run(bench.deployment.bench.path, "--restore")
    return [] if ran.returncode == 0 else [f"--restore: exit {ran.returncode}: {ran.stdout}"]


def one(bench: Benched, first: Mapping[str, Snapshot], name: str, seconds: float) -> list[str]:
    """One run, ended in this way so many seconds after its start; what is left, and what it said
    wrongly."""
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder) / "disk") as disk:
        run = Run(bench.deployment.bench.path, disk, "--dead-man=20")
        try:
            time.sleep(seconds)
            over = run.process.poll() is not None
            if not over:
                ENDINGS[name](run)
            status = run.end()
        finally:
            run.kill()
        wrong = _restored(bench) if name == "KILL" and not over else []
        wrong += _left(bench, first)
        if "Traceback" in run.said and name != "KILL":
            wrong.append(run.said[run.said.index("Traceback") :][:2000])
        if not over and name != "KILL" and status not in (1, 2, 0, -1, -2, -15):
            wrong.append(f"exit status {status}")
    return wrong


def _lab(folder: Path) -> Lab:
    home = os.environ.get("DPVS_HOME")
    if not home:
        return Lab(folder / "lab")
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"device": "build", "dpvs_home": home}))
    return Lab(folder / "lab", "--spec", str(spec))


def main() -> None:
    count, seed = (*map(int, sys.argv[1:]), *(COUNT, SEED)[len(sys.argv) - 1 :])
    chance = random.Random(seed)  # noqa: S311 - chosen, not secret
    ended: Counter[str] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        lab = _lab(Path(folder))
        bench = benched(Path(lab.directory))
        try:
            first = {role: bench.snapshot(role) for role in bench.hosts}
            begin = time.monotonic()
            with small_disk(Path(folder) / "whole") as disk:
                Run(bench.deployment.bench.path, disk).end(300)
            whole = time.monotonic() - begin
            for number in range(1, count + 1):
                name, seconds = chance.choice(sorted(ENDINGS)), chance.uniform(0.5, whole)
                wrong = one(bench, first, name, seconds)
                ended[name] += 1
                bad += bool(wrong)
                print(f"{number}: {name} after {seconds:.1f} s: {wrong or 'restored'}", flush=True)
        finally:
            bench.close()
            lab.end()
    kinds = ", ".join(f"{name} {number}" for name, number in sorted(ended.items()))
    print(f"seed {seed}: {count - bad} of {count} restored exactly ({kinds})")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
