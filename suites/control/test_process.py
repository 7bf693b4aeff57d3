"""The dpvs process and its threads (deployment guide, 2.4)."""

from __future__ import annotations

from dpvs_acceptance.testbed import LoadBalancer
from fixtures.checks import requirement


@requirement("S22", core=True)
def test_exactly_one_dpvs_runs(lb: LoadBalancer) -> None:
    """Steps: processes called dpvs, the pid file. Verify: one process, named by the pid file."""
    pids = [process.pid for process in lb.state.processes]
    assert len(pids) == 1, f"one dpvs process expected, seen {pids or 'none'}"
    named = lb.state.pid_file
    assert named == pids[0], f"the pid file names process {named}, dpvs is process {pids[0]}"


@requirement("S22")
def test_workers_are_pinned_to_their_cpus(lb: LoadBalancer) -> None:
    """Steps: names and allowed CPUs of dpvs's threads. Verify: one per worker, on its CPUs."""
    threads = {thread.name: thread.cpus for thread in lb.state.dpvs_process.threads}
    wrong = []
    for worker in lb.deployment.workers:
        name = lb.version.worker_thread.format(worker.lcore.id)
        if threads.get(name) != frozenset(worker.lcore.cpus):
            wrong.append(
                f"{name}: CPUs {worker.lcore.cpus} expected, "
                f"{threads.get(name, 'no such thread')} seen"
            )
    assert not wrong, "workers are not pinned as the bench says: " + "\n".join(wrong)
