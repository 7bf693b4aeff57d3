"""Whenever a run is killed, --restore brings the hosts back to what they were before it.

The runner is a process that gets SIGKILL right before, in, and right after each step: of the
bring-up, and of its undo. Bring-up: what was killed is one step on top of all that come before it,
and is compared with the host before that step; DPVS's own settings, which live in its process, are
a step on top of a DPVS started by the same run. Undo: each restore is itself killed at the next
point, down to the first step, and then compared with the host at first.

The settings in DPVS (addresses, routes, services) all have the same undo, nothing: they go with its
process. Of them every third is killed at, once; with KILL_POINTS=all each, at every point.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from dpvs_acceptance.bringup.daemon import ENDS_WITH_DPVS
from dpvs_acceptance.bringup.restore import restore
from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.gate import Change, Mode, WriteGate, first_failure

from .benched import Benched
from .killing import Killer, edit_undo, points

# What is up already while a step on top of it is killed: not for --restore to find.
BELOW = "/var/lib/below"
ROLES = ("client2", "rs1", "dut")


@pytest.fixture(scope="module")
def killer(bench: Benched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    config = bench.deployment.bench.ssh_config_path
    assert config is not None
    killer = Killer(config, tmp_path_factory.mktemp("killer") / "stderr")
    yield killer
    killer.close()


def _restore(bench: Benched, role: str) -> list[str]:
    said: list[str] = []
    assert restore({role: bench.hosts[role]}, said.append), said
    assert journal.leftovers(bench.hosts[role]) == []
    return said


def _apply(gate: WriteGate, *changes: Change) -> None:
    failed = first_failure(gate.apply(changes))
    assert failed is None, failed


def test_killed_in_the_bring_up(bench: Benched, killer: Killer) -> None:
    _on_each_host(_kill_bring_up, bench, killer)


def test_killed_in_the_undo(bench: Benched, killer: Killer) -> None:
    _on_each_host(_kill_undo, bench, killer)


def test_a_devbind_killed_in_its_work(bench: Benched) -> None:
    """What dpdk-devbind.py does first keeps all other drivers away, until it does its last."""
    host, first = bench.hosts["dut"], bench.snapshot("dut")
    change = next(one for one in bench.changes("dut") if one.id.startswith("bind."))
    address = change.id.removeprefix("bind.")
    device = f"/sys/bus/pci/devices/{address}"
    halfway = (
        f"echo {address} >{device}/driver/unbind; echo uio_pci_generic >{device}/driver_override"
    )
    gate = WriteGate(host, Mode.WRITABLE, run="halfway")
    assert not gate.apply([replace(change, apply=halfway, timeout=1)])[0].ok
    assert f"  undone: {change.title}" in _restore(bench, "dut")
    assert differences(first, bench.snapshot("dut")) == ()


def _on_each_host(
    kill: Callable[[Benched, Killer, str], int], bench: Benched, killer: Killer
) -> None:
    """Side by side: the hosts do not depend on each other."""
    with ThreadPoolExecutor(len(ROLES)) as pool:
        counts = pool.map(partial(kill, bench, killer), ROLES)
        for role, killed in zip(ROLES, counts, strict=True):
            print(f"{role}: killed at {killed} points, restored exactly")


def _chosen(text: str, undo: str, index: int) -> dict[str, str]:
    """The points of a step that are killed at."""
    found = points(text)
    if undo != ENDS_WITH_DPVS or os.environ.get("KILL_POINTS") == "all":
        return found
    return {"in": found["in"]} if index % 3 == 0 else {}


def _kill_bring_up(bench: Benched, killer: Killer, role: str) -> int:
    first = before = bench.snapshot(role)
    below = WriteGate(bench.hosts[role], Mode.WRITABLE, run="below", root=BELOW)
    on_top: list[Change] = []  # dpvs.start, and the settings behind it
    killed = 0
    for index, change in enumerate(bench.changes(role)):
        for name, text in _chosen(change.apply, change.undo or "", index).items():
            run = f"kill-{index}-{name}"
            killer.kill_applying(bench.hosts[role], run, [*on_top, replace(change, apply=text)])
            said = _restore(bench, role)
            assert f"  undone: {change.title}" in said, (name, said)
            assert differences(before, bench.snapshot(role)) == (), (change.title, name)
            killed += 1
        if on_top or change.id == "dpvs.start":
            on_top.append(change)
        else:
            _apply(below, change)
            before = bench.snapshot(role)
    assert all(one.ok for one in below.undo())
    assert differences(first, bench.snapshot(role)) == ()
    assert killed >= len(bench.changes(role))
    return killed


def _kill_undo(bench: Benched, killer: Killer, role: str) -> int:
    host = bench.hosts[role]
    first = bench.snapshot(role)
    _apply(WriteGate(host, Mode.WRITABLE, run="up"), *bench.changes(role))
    (left,) = journal.leftovers(host)
    killed = 0
    for entry in reversed(left.entries):
        for text in _chosen(entry.undo, entry.undo, entry.number).values():
            edit_undo(host, "up", entry.number, text)
            killer.kill_undoing(host, "up")
            killed += 1
        edit_undo(host, "up", entry.number, entry.undo)
    _restore(bench, role)
    assert differences(first, bench.snapshot(role)) == ()
    assert killed >= len(left.entries)
    return killed
