"""A lab as the tests see it: a process to start and end, hosts to reach by ssh."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def command(directory: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "softlab", "up", "--dir", str(directory), *more]


def start_time(pid: int) -> str | None:
    """When a process started; None if it is gone, or dead and only not yet taken note of.

    The latter is for the machine's own init, whose child it is then; some take two seconds to it.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


@dataclass(frozen=True, slots=True)
class Traces:
    """What a lab is on the machine: its processes (pid, start time) and its namespaces."""

    processes: frozenset[tuple[int, str]]
    namespaces: frozenset[str]

    def left(self) -> list[str]:
        """Those that are still there.

        A namespace stays as long as a process is in it or a mount names it. That no other process
        is in it cannot be asked: the kernel gives its number to the next one, whoever makes that.
        """
        found = [f"process {pid}" for pid, start in self.processes if start_time(pid) == start]
        mounts = Path("/proc/self/mountinfo").read_text()
        return found + [name for name in self.namespaces if name in mounts]


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return found


def traces(supervisor: int) -> Traces:
    """Everything below a supervisor, itself included."""
    parents = _parents()
    family = {supervisor}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    own = {str(path.readlink()) for path in Path("/proc/self/ns").iterdir()}
    processes: set[tuple[int, str]] = set()
    namespaces: set[str] = set()
    for pid in family:
        start = start_time(pid)
        if start is None:
            continue
        processes.add((pid, start))
        try:
            namespaces.update(str(path.readlink()) for path in Path(f"/proc/{pid}/ns").iterdir())
        except OSError:
            continue
    return Traces(frozenset(processes), frozenset(namespaces - own))


def wait_until_gone(what: Traces, seconds: float) -> list[str]:
    """What is left after at most `seconds`: empty as soon as nothing is."""
    deadline = time.monotonic() + seconds
    while (left := what.left()) and time.monotonic() < deadline:
        time.sleep(0.01)  # between two looks, up to the deadline
    return left


class Lab:
    """A running lab. `seconds`: how long it took from nothing to its ready line."""

    def __init__(self, directory: Path, *more: str) -> None:
        self.directory = directory
        # One connection per host, as all who use a lab have; its socket's path has to be short.
        self.control = Path(tempfile.mkdtemp(prefix="softlab-test-"))
        weakref.finalize(self, shutil.rmtree, self.control, ignore_errors=True)  # however it ends
        began = time.monotonic()
        self.process = subprocess.Popen(
            command(directory, *more),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that Ctrl-C can be sent to its group alone
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.seconds = time.monotonic() - began
        if line != f"ready {directory}/bench.yaml\n":
            _, errors = self.process.communicate()
            raise AssertionError(f"no ready line but {line!r}; it said: {errors}")

    def ssh(self, host: str, text: str, stdin: str = "", seconds: float = 20) -> str:
        """Run a command on a host; its output. A non-zero status is an error with its words."""
        done = self.try_ssh(host, text, stdin, seconds)
        assert done.returncode == 0, f"{host}: {text}: {done.returncode}: {done.stderr}"
        return done.stdout

    def try_ssh(
        self, host: str, text: str, stdin: str = "", seconds: float = 20
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *("ssh", "-F", str(self.directory / "ssh_config")),
                *("-o", "ControlMaster=auto", "-o", "ControlPersist=yes"),
                *("-o", f"ControlPath={self.control}/%n", host, text),
            ],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def hang_up(self) -> None:
        """End the connections: a virtual machine that is switched off does not."""
        for path in self.control.iterdir():
            command = ["ssh", "-F", str(self.directory / "ssh_config"), "-o", f"ControlPath={path}"]
            subprocess.run([*command, "-O", "exit", path.name], capture_output=True, timeout=20)

    def end(self) -> float:
        """End the lab by the end of its stdin; returns how long that took."""
        began = time.monotonic()
        self.process.communicate(timeout=20)
        assert self.process.returncode == 0
        seconds = time.monotonic() - began
        self._no_connection_left()
        return seconds

    def kill(self, number: signal.Signals) -> int:
        """Send a signal to the supervisor's whole process group, as a terminal does."""
        os.killpg(self.process.pid, number)
        self.process.communicate(timeout=20)
        self._no_connection_left()
        return self.process.returncode

    def _no_connection_left(self) -> None:
        """The hosts' sshd is gone, so each connection must have noticed and ended by itself."""
        deadline = time.monotonic() + 2
        while (left := list(self.control.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.01)  # between two looks, up to the deadline
        assert left == [], "a connection to a host outlived the lab"
