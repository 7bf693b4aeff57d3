"""Whenever a run is killed, --restore brings the hosts back to what they were before it.

The runner is a process that gets SIGKILL right before, in, and right after each step: of the
bring-up, and of its undo; every step, every time. Bring-up: what was killed is one step on top of
all that come before it, and is compared with the host before that step; DPVS's own settings, which
live in its process, are a step on top of a DPVS started by the same run. Undo: each restore is
itself killed at the next point, down to the first step, and then compared with the host at first.
The article's topology has most kinds of steps; those that others have beside it come from them.

Several labs share the steps, since a kill waits as much as it works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.daemon import ENDS_WITH_DPVS
from dpvs_acceptance.bringup.restore import restore
from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode, first_failure
from dpvs_acceptance.model.topology import load_topology
from reports.topologies import documented
from tests.softlab.labs import Lab

from .benched import Benched, benched, planned
from .killing import Killer, edit_undo, points, recorded_undo

# What is up already while a step on top of it is killed: not for --restore to find.
BELOW = "/var/lib/below"
LABS = 2
# By host and topology: the steps that are killed at are those whose ids begin like this.
STEPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "client2": {"fnat-two-arm": ("",)},
    "rs1": {"fnat-two-arm": ("",)},
    "rs2": {
        "nat-one-arm": ("route.",),
        "dr-one-arm": ("vip.",),
        # With this kernel rp_filter is as asked already: nothing is done that could be killed.
        "tunnel-one-arm": ("sysctl.net/ipv4/conf/eth1/", "module.ip", "link.", "vip."),
    },
    "dut": {"fnat-two-arm": ("",), "keepalived": ("keepalived.", "leg.")},
}


def _killed_at(change_id: str, role: str, topology: str) -> bool:
    return change_id.startswith(STEPS[role][topology])


@dataclass(frozen=True, slots=True)
class Site:
    """A lab, and whoever is killed there; of the steps it takes those that are its `turn`."""

    bench: Benched
    killer: Killer
    turn: int

    def takes(self, step: int) -> bool:
        return step % LABS == self.turn

    def planned(self, topology: str) -> Site:
        return replace(self, bench=self.bench.planned(topology))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Site]]:
    with ThreadPoolExecutor(LABS) as pool:
        labs = [*pool.map(Lab, [tmp_path_factory.mktemp("lab") for _ in range(LABS)])]
    sites = []
    for turn, lab in enumerate(labs):
        bench = benched(Path(lab.directory))
        config = bench.deployment.bench.ssh_config_path
        assert config is not None
        sites.append(Site(bench, Killer(config, tmp_path_factory.mktemp("killer") / "log"), turn))
    yield sites
    for site, lab in zip(sites, labs, strict=True):
        site.killer.close()
        site.bench.close()
        lab.end()


def _hold(host: Host) -> None:
    """The lock, taken from a runner that was killed; the next one may take it at once."""
    lock.acquire(host, "the test", lease=0)


def _restore(bench: Benched, role: str) -> list[str]:
    _hold(bench.hosts[role])
    said: list[str] = []
    assert restore({role: bench.hosts[role]}, said.append), said
    assert journal.leftovers(bench.hosts[role]) == []
    return said


def _apply(gate: WriteGate, *changes: Change) -> None:
    _hold(gate.host)
    failed = first_failure(gate.apply(changes))
    assert failed is None, failed


def test_killed_in_the_bring_up(sites: list[Site], capsys: pytest.CaptureFixture[str]) -> None:
    killed = _on_each_host(_kill_bring_up, sites)
    for role, steps in _steps(sites[0]).items():
        assert killed[role] == sum(len(points(change.apply)) for change in steps)
    with capsys.disabled():
        print(f"\nkilled at {_figures(killed)} of the bring-up, restored exactly")


def test_killed_in_the_undo(sites: list[Site], capsys: pytest.CaptureFixture[str]) -> None:
    killed = _on_each_host(_kill_undo, sites)
    for role, steps in _steps(sites[0]).items():
        assert killed[role] >= 3 * len(steps)
    with capsys.disabled():
        print(f"\nkilled at {_figures(killed)} of the undo, restored exactly")


def test_no_kind_of_step_is_left_out(sites: list[Site]) -> None:
    """A step of any topology that does not just go with dpvs looks like one that is killed at."""
    bench = sites[0].bench.deployment.bench
    known = {_shape(change) for steps in _steps(sites[0]).values() for change in steps}
    paths = documented()
    assert len(paths) > 10
    for path in paths:
        # Where a lab's clients are is the topology's to say.
        clients = {
            name: bench.clients[name].model_copy(update={"link": client.link})
            for name, client in load_topology(path).clients.items()
        }
        plan = planned(bench.model_copy(update={"clients": clients}), path.stem)[1]
        for change in (one for stage in plan.stages for one in stage.changes):
            assert change.undo == ENDS_WITH_DPVS or _shape(change) in known, (path, change.id)


def _shape(change: Change) -> str:
    """What a step does, whatever its addresses, numbers and paths."""
    return re.sub(r"[^ ']*[0-9./:][^ ']*", "…", change.apply.split("\n")[0])


def _steps(site: Site) -> dict[str, list[Change]]:
    """All steps that are killed at, by host."""
    return {
        role: [
            change
            for topology in topologies
            for change in site.planned(topology).bench.changes(role)
            if _killed_at(change.id, role, topology)
        ]
        for role, topologies in STEPS.items()
    }


def _figures(killed: dict[str, int]) -> str:
    each = ", ".join(f"{role} {number}" for role, number in killed.items())
    return f"{sum(killed.values())} points ({each})"


def test_a_devbind_killed_in_its_work(bench: Benched) -> None:
    """What dpdk-devbind.py does first keeps all other drivers away, until it does its last."""
    host, first = bench.hosts["dut"], bench.snapshot("dut")
    change = next(one for one in bench.changes("dut") if one.id.startswith("bind."))
    address = change.id.removeprefix("bind.")
    device = f"/sys/bus/pci/devices/{address}"
    halfway = (
        f"echo {address} >{device}/driver/unbind; echo uio_pci_generic >{device}/driver_override"
    )
    _hold(host)
    gate = WriteGate(host, WriteMode.WRITABLE, run="halfway")
    assert not gate.apply([replace(change, apply=halfway, timeout=1)])[0].ok
    assert f"  undone: {change.title}" in _restore(bench, "dut")
    assert differences(first, bench.snapshot("dut")) == ()
    lock.acquire(host, "the test", lease=0).release()


def _on_each_host(kill: Callable[[Site, str, str], int], sites: list[Site]) -> dict[str, int]:
    """Side by side: neither the labs nor their hosts depend on each other. Points by role."""

    def one_after_another(site: Site, role: str) -> int:
        return sum(kill(site.planned(topology), role, topology) for topology in STEPS[role])

    with ThreadPoolExecutor(len(STEPS) * len(sites)) as pool:
        asked = {
            role: [pool.submit(one_after_another, site, role) for site in sites] for role in STEPS
        }
        return {role: sum(one.result() for one in each) for role, each in asked.items()}


def _kill_bring_up(site: Site, role: str, topology: str) -> int:
    bench, host = site.bench, site.bench.hosts[role]
    first = before = bench.snapshot(role)
    below = WriteGate(host, WriteMode.WRITABLE, run="below", root=BELOW)
    on_top: list[Change] = []  # dpvs.start, and the settings behind it
    killed = 0
    for index, change in enumerate(bench.changes(role)):
        mine = site.takes(index) and _killed_at(change.id, role, topology)
        for name, text in points(change.apply).items() if mine else ():
            run = f"kill-{index}-{name}"
            site.killer.kill_applying(host, run, [*on_top, replace(change, apply=text)])
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
    return killed


def _kill_undo(site: Site, role: str, topology: str) -> int:
    """Other steps are undone in passing, on the way to the next point."""
    bench, host = site.bench, site.bench.hosts[role]
    first = bench.snapshot(role)
    _apply(WriteGate(host, WriteMode.WRITABLE, run="up"), *bench.changes(role))
    (left,) = journal.leftovers(host)
    killed = 0
    for entry in reversed(left.entries):
        if not (site.takes(entry.number) and _killed_at(entry.id, role, topology)):
            continue
        undo = recorded_undo(host, "up", entry.number)
        for text in points(undo).values():
            edit_undo(host, "up", entry.number, text)
            site.killer.kill_undoing(host, "up")
            killed += 1
        edit_undo(host, "up", entry.number, undo)
    _restore(bench, role)
    assert differences(first, bench.snapshot(role)) == ()
    return killed
