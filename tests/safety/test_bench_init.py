"""`bench init`, as a person types it: a bench file from the software lab's hosts, by real ssh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import load_topology
from tests.softlab.labs import Lab

from .benched import ROOT, Benched

HOSTS = ("--dut=lb01", "--client=client1", "--client=client2", "--rs=rs1", "--rs=rs2")


def init(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    config = f"--ssh-config={lab.directory}/ssh_config"
    done = subprocess.run(
        [sys.executable, "-m", "dpvs_acceptance", "bench", "init", *HOSTS, config, *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_from_ssh_names_to_a_bench_that_can_be_deployed(
    lab: Lab, bench: Benched, tmp_path: Path
) -> None:
    before = bench.snapshot("dut")
    path = tmp_path / "ours.yaml"
    done = init(lab, "--link=eth4:wan", "--link=eth2:lan", f"--output={path}")
    assert done.returncode == 0, done.stderr
    assert f"next: pytest --host={path} --plan" in done.stderr
    written, real = load_bench(path), bench.deployment.bench
    assert written.hosts == real.hosts
    assert written.dut.dpvs.version == real.dut.dpvs.version
    assert written.dut.dpvs.modules_dir == real.dut.dpvs.modules_dir
    by_name = {nic.name: nic for nic in real.dut.nics}
    assert [nic.name for nic in written.dut.nics] == ["eth2", "eth4"]
    for nic in written.dut.nics:
        # Of DPDK's drivers the one that the host has: igb_uio was built there.
        assert nic.dpdk_driver == "igb_uio"
        as_written = by_name[nic.name].model_copy(update={"dpdk_driver": nic.dpdk_driver})
        assert nic == as_written
    assert {one.interface for one in written.clients.values()} == {"eth1"}
    assert "left out: eth0" in path.read_text()
    assert deploy(load_topology(ROOT / "topologies/fnat-two-arm.yaml"), written).ports
    assert [str(one) for one in differences(before, bench.snapshot("dut"))] == []
    again = init(lab, f"--output={path}")
    assert (again.returncode, "exists: remove it" in again.stderr) == (3, True)


def test_what_it_cannot_know_is_asked_for(lab: Lab) -> None:
    done = init(lab)
    assert done.returncode == 1
    assert "which NIC is on link wan? --link=NIC:wan, of eth2, eth3, eth4, eth5" in done.stderr
    # DPVS would take every NIC of the list: none is in it before somebody has chosen.
    assert "\n    - name: eth" not in done.stdout
    assert "    # - name: eth2" in done.stdout
    wrong = init(lab, "--link=eth0:wan")
    assert (wrong.returncode, "the DUT's NICs for DPVS are eth2" in wrong.stderr) == (3, True)


def test_a_host_that_cannot_be_reached_is_named(lab: Lab) -> None:
    done = init(lab, "--link=eth4:lan9")
    assert (done.returncode, "has wan, lan" in done.stderr) == (3, True)
    words = [sys.executable, "-m", "dpvs_acceptance", "bench", "init", "--dut=nowhere.invalid"]
    gone = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert gone.returncode == 2
    assert "nowhere.invalid" in gone.stderr
    assert "Traceback" not in gone.stderr
