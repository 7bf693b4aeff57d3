"""The dpvs process and its threads (seed 2.4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState


@pytest.mark.requirement("S22")
def test_exactly_one_dpvs_runs(dut: DutState) -> None:
    """Steps: processes called dpvs, the pid file. Verify: one, and the pid file names it."""
    pids = [process.pid for process in dut.processes]
    assert len(pids) == 1, f"one dpvs process expected, seen {pids or 'none'}"
    assert dut.pid_file == pids[0], f"the pid file names {dut.pid_file}, dpvs is process {pids[0]}"


@pytest.mark.requirement("S22")
def test_workers_are_pinned_to_their_cpus(
    dut: DutState, deployment: Deployment, facts: VersionFacts
) -> None:
    """Steps: names and allowed CPUs of dpvs's threads. Verify: one per worker, on its CPUs."""
    threads = {thread.name: thread.cpus for thread in dut.dpvs_process.threads}
    wrong = []
    for worker in deployment.workers:
        name = facts.worker_thread.format(worker.lcore.id)
        if threads.get(name) != frozenset(worker.lcore.cpus):
            wrong.append(
                f"{name}: CPUs {worker.lcore.cpus} expected, "
                f"{threads.get(name, 'no such thread')} seen"
            )
    assert not wrong, "workers are not pinned as the bench says: " + "\n".join(wrong)
