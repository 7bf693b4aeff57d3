"""Ways in which a run is brought to its end from outside, at a moment of one of its phases."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import runs
from .benched import ROOT

SUITE = "suites/forwarding/test_icmp.py"
PHASES = {
    "survey": r"\] survey",
    "bring-up": r"dut: platform: \d+ changes",
    "checks": r"test_the_vip_answers_icmp_echo.* PASS",
    "undo": r"\] undo",
}
"""What a run prints when it comes to a phase."""


class Run:
    """A run of the suite in a process of its own, whose output is read as it comes."""

    def __init__(self, bench: Path, folder: Path, *more: str) -> None:
        """`folder` holds its reports and all of its temporary files."""
        self.reports = folder / "reports"
        temporary = folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        self.temporary = temporary
        self.said = ""
        # Ctrl-C is ignored by what a shell starts in the background, and that is inherited.
        heard = ["env", "--default-signal=INT", "--default-signal=HUP"]
        self.process = subprocess.Popen(
            [*heard, *runs.command(bench, SUITE, "-v", f"--reports={self.reports}", *more)],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while not self.process.stdout.closed:
            try:
                data = os.read(self.process.stdout.fileno(), 65536)
            except (OSError, ValueError):
                return
            with self._changed:
                self.said += data.decode("utf-8", "replace")
                self._changed.notify_all()
            if not data:
                return

    def wait_for(self, phase: str, seconds: float = 120) -> None:
        """Until the run comes to a phase."""
        with self._changed:
            came = self._changed.wait_for(lambda: re.search(PHASES[phase], self.said), seconds)
        assert came, f"{phase} was not come to:\n{self.said}"

    def end(self, seconds: float = 120) -> int:
        """Its exit status."""
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def latest(self) -> Path:
        return self.reports / "latest"

    def signoff(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads((self.latest / "signoff.json").read_text())
        return plain


@dataclass(frozen=True, slots=True)
class Blow:
    """`words`: as docs/safety.md names it; `deal` does it; `says`: a pattern in the verdict."""

    words: str
    deal: Callable[[Run], None]
    says: str


def _signals(*numbers: signal.Signals) -> Callable[[Run], None]:
    def deal(run: Run) -> None:
        for number in numbers:
            run.process.send_signal(number)
            time.sleep(0.3)  # a person's second Ctrl-C, not one that the kernel makes one of two

    return deal


def _close_pipe(run: Run) -> None:
    assert run.process.stdout is not None
    # The reader is in the middle of a read: another end in its place closes the pipe at once.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, run.process.stdout.fileno())
    os.close(nothing)


def _pipe_and_ctrl_c(run: Run) -> None:
    _close_pipe(run)
    run.process.send_signal(signal.SIGINT)


def _fill(run: Run) -> None:
    with (run.temporary / "full").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
BLOWS = {
    "TERM": Blow("SIGTERM", _signals(TERM), "interrupted by SIGTERM"),
    "HUP": Blow("SIGHUP", _signals(HUP), "interrupted by SIGHUP"),
    "INT": Blow("SIGINT (Ctrl-C)", _signals(INT), "interrupted by SIGINT"),
    "INT INT": Blow("SIGINT twice", _signals(INT, INT), "interrupted by SIGINT"),
    "TERM INT HUP": Blow(
        "SIGTERM, SIGINT, SIGHUP", _signals(TERM, INT, HUP), "interrupted by SIGTERM"
    ),
    "pipe": Blow(
        "broken pipe", _close_pipe, "interrupted: its output cannot be written (Broken pipe)"
    ),
    "pipe INT": Blow("broken pipe and SIGINT", _pipe_and_ctrl_c, "interrupted"),
    "disk": Blow("the runner's disk is full", _fill, "No space left on device"),
}


@contextmanager
def small_disk(folder: Path, size: str = "24m") -> Iterator[Path]:
    """A file system of its own, which can be filled."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
