"""Kills a runner with SIGKILL at a chosen point of its work on a host.

A point is a FIFO on the host: the work opens it for writing, which lasts until the test has it open
for reading; then the runner is killed. Where the FIFO is not there, a point is nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import IO

from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import Change

from .benched import ROOT

FIFO = "/run/kill-point"
# Where the work is when the runner dies, and does not go on.
PAUSE = f"[ ! -p {FIFO} ] || {{ echo >{FIFO}; sleep 3600; }}"
# It goes on, until somebody ends it; but no further than to the end of this one step.
PASS_BY = f"passed=; [ ! -p {FIFO} ] || {{ echo >{FIFO}; passed=yes; }}"
STOP = '[ -z "$passed" ] || sleep 3600'


def points(text: str) -> dict[str, str]:
    """`text`, sh, with a point right before it, in it, and right after it."""
    found = {
        "before": f"{PAUSE}\n{text}",
        "in": f"{PASS_BY}\n(\n{text}\n) || exit\n{STOP}",
        "after": f"(\n{text}\n) || exit\n{PAUSE}",
    }
    # Where it is one command after another, also between them; quotes and blocks stay whole.
    if re.fullmatch(r"[^'\"<|;{}()\n]*( && [^'\"<|;{}()\n]*)+", text):
        first, _, rest = text.partition(" && ")
        found["between"] = f"{first} && {{ {PAUSE}; }} && {rest}"
    return found


class Killer:
    """Starts runners, kills them; for one thread per host."""

    def __init__(self, ssh_config: Path, log: Path) -> None:
        self._ssh_config = ssh_config
        self._log = log
        self._lock = threading.Lock()
        self._stderr: IO[bytes] = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.safety.killed_runner"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )

    def close(self) -> None:
        self._process.communicate(timeout=10)
        self._stderr.close()

    def kill_applying(self, host: Host, run: str, changes: Sequence[Change]) -> None:
        """Kill a runner that makes `changes`, when it reaches the point in one of them."""
        plain = [{f.name: getattr(one, f.name) for f in fields(Change)} for one in changes]
        self._kill(host, run, plain)

    def kill_undoing(self, host: Host, run: str) -> None:
        """Kill a runner that undoes the journal of `run`, when it reaches the point there."""
        self._kill(host, run, None)

    def _kill(self, host: Host, run: str, changes: list[dict[str, object]] | None) -> None:
        order = {
            "host": host.target,
            "ssh_config": str(self._ssh_config),
            "run": run,
            "changes": changes,
        }
        assert host.run(f"mkfifo {FIFO}").ok
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            runner = int(self._process.stdout.readline())
        # timeout, because a runner that fails before the point never opens the other end.
        reached = host.run(
            f"timeout 15 head -n 1 {FIFO} >/dev/null; s=$?; rm {FIFO}; exit $s", timeout=20
        )
        with contextlib.suppress(ProcessLookupError):  # it has said why, below
            os.kill(runner, signal.SIGKILL)
        assert reached.ok, f"the point in {run} was not reached: {self._log.read_text()}"


def undo_file(run: str, number: int) -> str:
    return f"{journal.folder(journal.ROOT, run)}/{number:04}.undo"


def recorded_undo(host: Host, run: str, number: int) -> str:
    """The text of a recorded undo, without its heading and its checksum."""
    return host.run(f"grep -v '^# ' {undo_file(run, number)}").stdout


def edit_undo(host: Host, run: str, number: int, text: str) -> None:
    """Write `text` in the place of a recorded undo; its heading stays."""
    file = undo_file(run, number)
    done = host.run(
        f"(umask 077; grep '^# ' {file} | sed '/^# end /d' >{file}.new && cat >>{file}.new && "
        f'sum="# end $(cksum <{file}.new)" && echo "$sum" >>{file}.new && mv {file}.new {file})',
        stdin=text.encode() + b"\n",
    )
    assert done.ok, done.stderr
