"""What only a machine with a kernel of its own shows: real bindings, a real undo, a real reboot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode, first_failure
from tests.safety import runs
from tests.safety.benched import ROOT, benched
from tests.softlab.labs import Lab

from .listed import listing

SECONDS = 600.0


def wait_for(lab: Lab, command: str, seconds: float = SECONDS) -> None:
    """Ask lb01 until a command succeeds there; it may be unreachable meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            done = lab.try_ssh("lb01", command, seconds=30)
            if done.returncode == 0:
                return
            said = done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            said = "no answer"
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {command}: {said}"
        time.sleep(0.5)  # between two looks, up to the deadline


def signoff(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((runs.directory(output) / "signoff.json").read_text())
    return found


def test_platform_and_installation_hold_and_all_is_undone(lab: Lab) -> None:
    before = listing(lab)
    ran = runs.run(
        lab.directory / "bench.yaml",
        *("suites/platform", "suites/install", "suites/closing"),
        seconds=SECONDS,
    )
    assert "is not as it was found" not in ran.stdout, ran.stdout[-3000:]
    seen = {row["id"]: row["outcome"] for row in signoff(ran.stdout)["requirements"]}
    wanted = [f"S{number:02}" for number in range(1, 17)]
    assert {name: seen[name] for name in wanted} == dict.fromkeys(wanted, "PASS"), ran.stdout
    assert listing(lab) == before


def test_the_dead_man_switch_undoes_a_killed_run(lab: Lab) -> None:
    before = listing(lab)
    bench = lab.directory / "bench.yaml"
    run = subprocess.Popen(
        runs.command(bench, "--dead-man=60"),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        # With something to undo: the survey before starts a dpvs too, to ask for its version.
        wait_for(lab, "ls /var/lib/dpvs-acceptance/journal/*/*.undo && pgrep -x dpvs")
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    wait_for(lab, "! pgrep -x dpvs && ! ls /var/lib/dpvs-acceptance/journal/*/*.undo 2>/dev/null")
    # The other hosts, and the lock, are left for this.
    restored = runs.run(bench, "--restore", seconds=SECONDS)
    assert restored.returncode == 0, restored.stdout
    assert listing(lab) == before


def test_what_is_to_last_is_there_after_a_reboot_and_a_cut_run_is_restored(
    lab: Lab, booted: list[str]
) -> None:
    bench = benched(lab.directory)
    stages = {stage.name: stage for stage in bench.plan.dut}
    lock.acquire(bench.hosts["dut"], "a run that is cut", lease=0)
    gate = WriteGate(bench.hosts["dut"], WriteMode.WRITABLE, run="rebooted")
    assert first_failure(gate.apply(stages["platform"].changes)) is None
    # Where a boot would start dpvs: after the line that the bring-up has written.
    lab.ssh("lb01", "echo 'ulimit -n >/run/limit-of-rc-local' >>/etc/rc.local")
    boot = lab.ssh("lb01", "cat /proc/sys/kernel/random/boot_id").strip()
    lab.try_ssh("lb01", "systemctl reboot")
    bench.close()
    another = f'[ "$(cat /proc/sys/kernel/random/boot_id)" != {boot} ]'
    wait_for(lab, f"{another} && [ -e /run/limit-of-rc-local ]")
    topology = bench.deployment.topology
    mounted = lab.ssh("lb01", f"findmnt -n -o FSTYPE {topology.hugepages.mount}").strip()
    assert mounted == "hugetlbfs", "S10: the mount of /etc/fstab is not there after the boot"
    limit = int(lab.ssh("lb01", "cat /run/limit-of-rc-local"))
    assert limit >= topology.open_files, "S12: the limit is not that of rc.local after the boot"
    restored = runs.run(lab.directory / "bench.yaml", "--restore", seconds=SECONDS)
    assert restored.returncode == 0, restored.stdout
    assert listing(lab) == booted
