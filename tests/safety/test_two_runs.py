"""Two runs on one bench, or on two benches that share hosts: never both at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.restore import restore
from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode, first_failure
from dpvs_acceptance.hosts.snapshot import Snapshot

from . import runs
from .benched import ROOT, Benched

SOME = "suites/platform/test_cpu_and_memory.py"
CHECKED = "PASS S02"  # the last of its checks that passes anywhere


@pytest.fixture
def first(bench: Benched) -> Iterator[dict[str, Snapshot]]:
    """The hosts before the test, and that they are so again after it."""
    first = {role: bench.snapshot(role) for role in bench.hosts}
    yield first
    for role, host in bench.hosts.items():
        assert differences(first[role], bench.snapshot(role)) == ()
        assert not host.run(f"ls -R {journal.ROOT}").ok, "something is left of the run"


def _wait(what: Callable[[], bool], seconds: float, why: str) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("role", "more"), [("client1", ()), ("rs2", ()), ("client1", ("--attach",))]
)
def test_a_run_is_refused_where_any_host_is_another_run_s(
    bench: Benched, role: str, more: tuple[str, ...]
) -> None:
    """As of two benches with DUTs of their own and the same clients and real servers."""
    with lock.acquire(bench.hosts[role], "alice@her-machine, run 7 on bench 2"):
        ran = runs.run(bench.deployment.bench.path, SOME, *more)
        for other in bench.hosts:
            if other != role:
                lock.look(bench.hosts[other])
    said = f"nothing was changed: {role}: in use by alice@her-machine, run 7 on bench 2 since 20"
    assert said in ran.stdout, ran.stdout[-2000:]
    assert ran.returncode == 2
    sent = runs.transcript(ran.stdout)
    assert not [one for one in sent if "changes:" in one["title"] or one["kind"] == "open"]


@pytest.mark.usefixtures("first")
def test_restore_leaves_a_living_run_alone_and_restores_the_others(bench: Benched) -> None:
    """Neither its changes nor its processes: of a host that is locked nothing is undone."""
    for name, lease in (("client1", 0), ("rs1", 600)):
        lock.acquire(bench.hosts[name], f"the run on {name}", lease=lease)
        gate = WriteGate(bench.hosts[name], WriteMode.WRITABLE, run="either")
        assert first_failure(gate.apply(bench.changes(name)[:1])) is None
    ran = runs.run(bench.deployment.bench.path, "--restore")
    assert ran.returncode == 2, ran.stdout
    assert "NOT restored: rs1: in use by the run on rs1 since" in ran.stdout
    assert [len(journal.leftovers(bench.hosts[name])) for name in ("client1", "rs1")] == [0, 1]
    assert all(one.ok for one in WriteGate(bench.hosts["rs1"], gate.mode, run="either").undo())
    bench.hosts["rs1"].run(f"rm {journal.ROOT}/lock; rmdir {journal.ROOT}")


def test_a_run_that_was_suspended_beyond_its_lease_changes_nothing_more(
    bench: Benched, first: dict[str, Snapshot], tmp_path: Path
) -> None:
    """Stopped with DPVS up; another one takes its hosts and restores them; then it goes on."""
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            runs.command(bench.deployment.bench.path, "suites/platform"),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(lambda: CHECKED in log.read_text(), 90, "no check was made")
        os.kill(process.pid, signal.SIGSTOP)
        refused = runs.run(bench.deployment.bench.path, SOME)
        assert f"in use by root@{os.uname().nodename} (process {process.pid})" in refused.stdout
        for host in bench.hosts.values():
            host.run(f"sed -i 's/^lease [0-9]*/lease 1/' {journal.ROOT}/lock")
        locks = lock.acquire_all(bench.hosts, "bob, who restores")
        said: list[str] = []
        assert restore(bench.hosts, said.append), said
        for role in bench.hosts:
            assert differences(first[role], bench.snapshot(role)) == ()
        os.kill(process.pid, signal.SIGCONT)
        status = process.wait(90)
        shown = log.read_text()
        assert status == 2, shown[-3000:]
        assert "\nBLOCKED\n" in shown
        for role in bench.hosts:
            assert f"blocked: {role}: this run has lost its lock, it is now bob, who" in shown
            assert differences(first[role], bench.snapshot(role)) == ()
        assert lock.release_all(locks.values()) == []
    finally:
        process.kill()
        process.wait()
