"""--attach on a DPVS that somebody configured by hand, with the article's own commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.plan import make_plan
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.model.bench import Bench, load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import load_topology
from tests.softlab.labs import Lab

pytestmark = pytest.mark.real_build

ROOT = Path(__file__).parents[2]


@pytest.fixture
def by_hand(dpvs_home: Path, tmp_path: Path) -> Iterator[tuple[Lab, Bench]]:
    """A lab whose hosts were set up by plain ssh, no journal, no suite."""
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"device": "build", "dpvs_home": str(dpvs_home)}))
    lab = Lab(tmp_path / "lab", "--spec", str(spec))
    bench = load_bench(lab.directory / "bench.yaml")
    deployment = deploy(load_topology(ROOT / "topologies/fnat-two-arm.yaml"), bench, kni=False)
    plan = make_plan(deployment, facts(Version.parse(bench.dut.dpvs.version)))
    for stage in plan.stages:
        host = bench.hosts[stage.role]
        for change in stage.changes:
            lab.ssh(host, change.apply)
            if change.id == "dpvs.start":
                wait_for_dpvs(lab, bench)
    yield lab, bench
    lab.end()


def wait_for_dpvs(lab: Lab, bench: Bench) -> None:
    deadline = time.monotonic() + 30
    while True:
        answer = lab.try_ssh("lb01", f"timeout 5 {bench.dut.dpvs.home}/bin/dpip link show")
        if answer.returncode == 0:
            return
        assert time.monotonic() < deadline, f"dpvs does not answer: {answer.stderr}"


def attach(bench: Bench, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", f"--host={bench.path}", "--attach", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_was_set_up_by_hand_passes_and_nothing_is_written(by_hand: tuple[Lab, Bench]) -> None:
    lab, bench = by_hand
    # The rest of a lab host's root is the machine's own, where others may be at work.
    files = "find /etc /var/lib /usr/local /mnt /srv -xdev -newer /tmp/mark -type f"
    for host in bench.hosts.values():
        lab.ssh(host, "touch /tmp/mark")
    ran = attach(bench)
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAIL ", "BLOCKED "))]
    assert not failed, ran.stdout
    assert "is not as it was found" not in ran.stdout
    for host in bench.hosts.values():
        written = lab.ssh(host, files).split()
        assert not written, f"{host}: {written}"


def test_a_real_server_added_without_a_port_is_found(by_hand: tuple[Lab, Bench]) -> None:
    """The article's `ipvsadm -a … -r 192.168.229.1 -b`: port 0 from 1.9.4 on, refused traffic."""
    lab, bench = by_hand
    tool = f"{bench.dut.dpvs.home}/bin/ipvsadm"
    lab.ssh("lb01", f"{tool} -d -t 10.0.96.204:80 -r 192.168.229.1:80")
    lab.ssh("lb01", f"{tool} -a -t 10.0.96.204:80 -r 192.168.229.1 -b -w 1")
    ran = attach(bench, "-k", "scheduler_and_real_servers or answers_200", "--attempts=1")
    copied = facts(Version.parse(bench.dut.dpvs.version)).server_port_copied
    assert ("192.168.229.1', 0" in ran.stdout) is not copied, ran.stdout
    assert (ran.returncode == 0) is copied, ran.stdout
