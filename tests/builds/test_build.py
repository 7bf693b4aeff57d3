"""The suite on a real DPVS build, and the simulated DPVS held against it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dpvs_acceptance.model.topology import load_topology
from recordings.compare import packet_differences, text_differences
from recordings.recorder import record

pytestmark = pytest.mark.real_build

ROOT = Path(__file__).parents[2]
# What a build on software ports cannot show, whatever the version; S05: on a machine whose kernel
# has no loadable modules.
SOFTWARE_PORTS = {"S05", "S13", "S14", "S21", "S24"}
# Speed negotiation, offloads and NUMA node of a veth are not those of an 82599.
OTHER_NICS = {"dpip-link-show", "dpip-link-show-cpu"}


def run_suite(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", f"--dpvs-home={home}", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def signoff_of(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    line = next(line for line in ran.stdout.splitlines() if line.startswith("report: "))
    page = Path(line.removeprefix("report: "))
    result: dict[str, Any] = json.loads((page.parent / "signoff.json").read_text())
    return result


@pytest.mark.parametrize("ports", ["af_packet", "tap"])
def test_no_requirement_fails_on_the_build(dpvs_home: Path, ports: str) -> None:
    ran = run_suite(dpvs_home, f"--software-ports={ports}")
    signoff = signoff_of(ran)
    outcomes = {row["id"]: row["outcome"] for row in signoff["requirements"]}
    failed = [i for i, outcome in outcomes.items() if outcome in ("FAIL", "BLOCKED", "FLAKY")]
    assert not failed, ran.stdout
    missing = {i for i, outcome in outcomes.items() if outcome == "NOT SUPPORTED"}
    assert missing <= SOFTWARE_PORTS, ran.stdout
    assert signoff["device"]["kind"] == "software lab"


def test_ports_that_a_lab_has_none_of_are_one_sentence(dpvs_home: Path) -> None:
    ran = run_suite(dpvs_home, "--software-ports=memif", "suites/control/test_process.py")
    assert "blocked: softlab: a lab has no ports of net_memif: its other end is" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_fault_that_the_build_cannot_have_says_why_and_the_others_are_caught(
    dpvs_home: Path, tmp_path: Path
) -> None:
    """By state, by a restart of dpvs, by what its machine has not."""
    names = ["nic-bound-to-nothing", "vip-missing", "port-down", "fewer-descriptors"]
    chosen = f"--fault-matrix={','.join(names)}"
    ran = run_suite(dpvs_home, chosen, f"--fault-report={tmp_path}")
    rows = json.loads((tmp_path / "matrix.json").read_text())["rows"]
    fates = {row["fault"]: row["fate"] for row in rows}
    assert fates == dict.fromkeys(names, "killed") | {names[0]: "cannot be made"}, ran.stdout
    why = next(row["reason"] for row in rows if row["fault"] == names[0])
    assert "no PCI device is behind them" in why
    assert ran.returncode == 0, ran.stdout


def test_two_runs_side_by_side_do_not_disturb_each_other(dpvs_home: Path) -> None:
    pool = Path("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages")
    before = pool.read_text()
    command = [sys.executable, "-m", "pytest", f"--dpvs-home={dpvs_home}", "-k", "http or spread"]
    runs = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    said = [run.communicate()[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(said)
    assert pool.read_text() == before, "hugepages were left behind"


def test_the_simulated_dpvs_prints_and_sends_what_the_build_does(dpvs_home: Path) -> None:
    topology = load_topology(ROOT / "topologies/fnat-two-arm.yaml")
    real = record(topology, dpvs_home, "")
    simulated = record(topology, None, real.version)
    texts = {
        name: lines
        for name, lines in text_differences(real, simulated).items()
        if name not in OTHER_NICS
    }
    assert not texts
    assert not packet_differences(real, simulated)
