"""Runs that are refused, killed, restored: what a person sees, and what becomes of the hosts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.restore import restore
from dpvs_acceptance.hosts import deadman, journal, lock
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode, first_failure
from dpvs_acceptance.hosts.snapshot import Snapshot

from . import runs
from .benched import ROOT, Benched

SOME = "suites/platform/test_cpu_and_memory.py"


@pytest.fixture
def first(bench: Benched) -> Iterator[dict[str, Snapshot]]:
    """The hosts before the test, and that they are so again after it."""
    first = {role: bench.snapshot(role) for role in bench.hosts}
    yield first
    _as_at_first(bench, first)


def _as_at_first(bench: Benched, first: dict[str, Snapshot]) -> None:
    for role, host in bench.hosts.items():
        assert differences(first[role], bench.snapshot(role)) == ()
        assert not host.run(f"ls -R {journal.ROOT}").ok, "something is left of the run"


def _wait(what: Callable[[], bool], seconds: float, why: str) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)


@contextmanager
def _killed_with_dpvs_up(bench: Benched, *more: str) -> Iterator[None]:
    """A run that got SIGKILL when it had started dpvs."""
    process = subprocess.Popen(
        runs.command(bench.deployment.bench.path, SOME, *more),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        running = f"grep -q '^# id dpvs.start' {journal.ROOT}/journal/*/* && pgrep -x dpvs"
        _wait(lambda: bench.hosts["dut"].run(running).ok, 60, "dpvs was not started")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("first")
def test_a_bench_that_names_the_management_nic_is_refused(bench: Benched) -> None:
    text = bench.deployment.bench.path.read_text()
    bad = bench.deployment.bench.path.with_name("eth0.yaml")
    bad.write_text(
        text.replace(
            '"name": "eth2", "mac": "02:00:00:04:00:00"',
            '"name": "eth0", "mac": "02:00:00:ff:00:10"',
        ).replace(
            '"pci": "0000:04:00.0", "kernel_driver": "ixgbe"',
            '"pci": "0000:01:00.0", "kernel_driver": "igb"',
        )
    )
    ran = runs.run(bad, SOME)
    assert (
        "nothing was changed: lb01: the bench gives 0000:01:00.0 (eth0) to DPVS, but eth0 has the "
        "address 10.255.0.10 that ssh came in on"
    ) in ran.stdout
    assert not [one for one in runs.transcript(ran.stdout) if "changes:" in one["title"]]


@pytest.mark.usefixtures("first")
def test_a_second_run_is_refused_while_the_first_is_at_work(bench: Benched) -> None:
    with lock.acquire(bench.hosts["dut"], "alice@her-machine, run 7"):
        ran = runs.run(bench.deployment.bench.path, SOME)
    assert "nothing was changed: dut: in use by alice@her-machine, run 7 since 20" in ran.stdout
    assert ", from 10.255.0.254" in ran.stdout


def test_what_a_killed_run_left_is_refused_and_restored(
    bench: Benched, first: dict[str, Snapshot]
) -> None:
    path = bench.deployment.bench.path
    with _killed_with_dpvs_up(bench):
        # Its lease would end in a minute or two.
        for host in bench.hosts.values():
            host.run(f"rm -f {journal.ROOT}/lock")
        ran = runs.run(path, SOME)
        assert (
            "nothing was changed: a killed run has left its changes; undo them with "
            f"`pytest --host={path} --restore`"
        ) in ran.stdout
        assert "dut: run " in ran.stdout
        restored = runs.run(path, "--restore")
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert "  undone: start dpvs and wait until it answers" in restored.stdout
        assert "report:" not in restored.stdout
        _as_at_first(bench, first)
    again = runs.run(path, "--restore")
    assert again.returncode == 0
    assert "dut: nothing was left" in again.stdout


def test_the_dead_man_switch_restores_the_dut_alone(
    bench: Benched, first: dict[str, Snapshot]
) -> None:
    dut = bench.hosts["dut"]
    with _killed_with_dpvs_up(bench, "--dead-man=4"):
        _wait(lambda: bool(deadman.fired(dut)), 30, "it did not fire")
        _wait(lambda: not dut.run(f"[ -e {journal.ROOT}/lock ]").ok, 30, "it did not end")
        assert differences(first["dut"], bench.snapshot("dut")) == ()
        restored = runs.run(bench.deployment.bench.path, "--restore")
        assert restored.returncode == 0
        assert "lb01: the dead-man switch of run" in restored.stdout.replace("dut:", "lb01:")


@pytest.mark.usefixtures("first")
def test_a_folder_that_is_no_run_s_is_named_and_nothing_of_it_is_done(bench: Benched) -> None:
    """What a host says reaches no shell: the name of a folder in its journal."""
    host, folder = bench.hosts["rs1"], f"{journal.ROOT}/journal/x; touch $(echo run)"
    assert host.run(f"mkdir -p '{folder}' && echo 'touch /run/y' >'{folder}/0001.undo'").ok
    said: list[str] = []
    lock.acquire(host, "the test")
    try:
        assert not restore({"rs1": host}, said.append)
        assert "NOT undone: invalid name of a run: 'x; touch $(echo run)'" in said[-1], said
        assert not host.run("[ -e run ] || [ -e /run/y ]").ok
    finally:
        host.run(f"rm -rf {journal.ROOT}")


@pytest.mark.parametrize("role", ["client1", "dut"])
def test_a_host_that_is_not_reached_does_not_keep_the_others_from_being_restored(
    bench: Benched, first: dict[str, Snapshot], role: str
) -> None:
    target = bench.deployment.bench.hosts[role]
    config = bench.deployment.bench.path.parent / "ssh_config"
    away = config.with_name("away_ssh_config")
    away.write_text(f"Host {target}\n    ProxyCommand false\n{config.read_text()}")
    path = bench.deployment.bench.path.with_name("away.yaml")
    path.write_text(bench.deployment.bench.path.read_text().replace('"ssh_c', '"away_ssh_c'))
    for name in ("client1", "rs1", "dut"):
        lock.acquire(bench.hosts[name], "who is dead", lease=0)
        gate = WriteGate(bench.hosts[name], WriteMode.WRITABLE, run="dead")
        assert first_failure(gate.apply(bench.changes(name)[:1])) is None
    ran = runs.run(path, "--restore")
    try:
        assert ran.returncode == 2, ran.stdout + ran.stderr
        assert f"NOT restored: {role}: cannot be connected" in ran.stdout
        for name, host in bench.hosts.items():
            left = [one.run for one in journal.leftovers(host)]
            assert left == (["dead"] if name == role else []), ran.stdout
    finally:
        restored = runs.run(bench.deployment.bench.path, "--restore")
    assert restored.returncode == 0, restored.stdout
    _as_at_first(bench, first)


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("kind", "more", "armed"),
    [
        ("simulation", ("--dead-man=8",), True),
        ("simulation", (), False),
    ],
)
def test_a_run_with_the_switch_leaves_nothing(
    bench: Benched, kind: str, more: tuple[str, ...], armed: bool
) -> None:
    path = bench.deployment.bench.path.with_name(f"{kind}.yaml")
    text = bench.deployment.bench.path.read_text()
    path.write_text(text.replace('kind: "simulation"', f'kind: "{kind}"'))
    ran = runs.run(path, SOME, *more)
    assert "\nPARTIAL\n" in ran.stdout, ran.stdout[-2000:]
    # Sent before the first change, ended at the end.
    sent = [one["command"] for one in runs.transcript(ran.stdout) if one["kind"] == "run"]
    assert any("dpvs-acceptance-dead-man" in command for command in sent) == armed
    assert not bench.hosts["dut"].run("pgrep -f dpvs-acceptance-dead-ma[n]").ok


@pytest.mark.parametrize("more", [("--restore", "--attach"), ("--restore", "--plan")])
def test_restore_goes_with_no_other_mode(bench: Benched, more: tuple[str, ...]) -> None:
    ran = runs.run(bench.deployment.bench.path, *more)
    assert ran.returncode == 3
    assert "--restore changes hosts" in ran.stderr


def test_restore_of_a_lab_of_its_own_is_refused() -> None:
    ran = runs.run(Path("softlab"), "--restore")
    assert ran.returncode == 3
    assert "name a bench with --host" in ran.stderr
