"""The plan of a deployment: what the article does by hand, each step with its undo."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dpvs_acceptance.bringup.configuration import configuration, render_configuration
from dpvs_acceptance.bringup.daemon import command_line
from dpvs_acceptance.bringup.plan import Plan, describe, make_plan
from dpvs_acceptance.dpvs.conf import check, parse, read_spec
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.model.bench import TimeLimits, load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]
VERSIONS = ["1.8.10", "1.9.10", "1.10.2"]


def placed(tmp_path: Path, version: str, **changes: Any) -> Deployment:
    data = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())
    data["dut"]["dpvs"]["version"] = version
    data["dut"] |= changes
    path = tmp_path / "bench.yaml"
    path.write_text(yaml.safe_dump(data))
    return deploy(load_topology(ROOT / "topologies/fnat-two-arm.yaml"), load_bench(path))


def plan_of(deployment: Deployment) -> Plan:
    return make_plan(deployment, facts(Version.parse(deployment.bench.dut.dpvs.version)))


def commands(plan: Plan) -> str:
    return "\n".join(change.apply for stage in plan.stages for change in stage.changes)


def test_the_article_s_commands_are_in_the_plan(tmp_path: Path) -> None:
    text = commands(plan_of(placed(tmp_path, "1.8-10")))
    for command in (
        "echo 28672 >/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
        "mount -t hugetlbfs nodev /mnt/huge",
        "modprobe uio",
        "rte_kni.ko carrier=on",
        "dpdk-devbind.py -b igb_uio 0000:04:00.0",
        "dpip addr add 10.0.96.204/32 dev dpdk1",
        "dpip route add 192.168.229.0/24 dev dpdk0",
        "dpip route add default via 10.0.96.254 dev dpdk1",
        "ipvsadm -A -t 10.0.96.204:80 -s rr",
        "ipvsadm -a -t 10.0.96.204:80 -r 192.168.229.1:80 -b",
        "ipvsadm --add-laddr -z 192.168.229.204 -t 10.0.96.204:80 -F dpdk0",
        "insmod /opt/toa/toa.ko",
    ):
        assert command in text


@pytest.mark.parametrize("version", VERSIONS)
def test_the_configuration_says_what_was_declared_and_dpvs_would_accept_it(
    tmp_path: Path, version: str
) -> None:
    deployment = placed(tmp_path, version)
    known = facts(Version.parse(version))
    tree = parse(render_configuration(deployment, known), "dpvs.conf")
    assert not [problem for problem in check(tree, version=known.version) if problem.fatal]
    said, wanted = read_spec(tree), configuration(deployment, known)
    assert said.devices == wanted.devices
    assert said.workers == wanted.workers
    assert (said.log_level, said.log_file) == ("DEBUG", "/var/log/dpvs.log")


def test_each_version_is_started_in_its_own_words(tmp_path: Path) -> None:
    started = {
        version: command_line(placed(tmp_path, version), facts(Version.parse(version)))
        for version in VERSIONS
    }
    assert "--master-lcore 0" in started["1.8.10"]
    assert " -x " not in started["1.8.10"]
    for version in ("1.9.10", "1.10.2"):
        assert "-x /var/run/dpvs.ipc -- " in started[version]
        assert "--main-lcore 0" in started[version]
        assert "-a 0000:04:00.0" in started[version]


def test_software_ports_need_no_pci_and_no_flow_rules(tmp_path: Path) -> None:
    nics = [
        {"name": "eth2", "mac": "02:00:00:00:00:01", "vdev": "net_af_packet0", "link": "lan"},
        {"name": "eth4", "mac": "02:00:00:00:00:02", "vdev": "net_af_packet1", "link": "wan"},
    ]
    deployment = placed(tmp_path, "1.10.2", nics=nics)
    known = facts(Version.parse("1.10.2"))
    words = shlex.split(command_line(deployment, known))
    assert "--no-pci" in words
    assert "--vdev=net_af_packet1,iface=eth4" in words
    assert not configuration(deployment, known).sa_pool_flow
    assert "devbind" not in commands(plan_of(deployment))


def test_every_change_has_an_undo_and_a_name_of_its_own(tmp_path: Path) -> None:
    plan = plan_of(placed(tmp_path, "1.10.2"))
    for stage in plan.stages:
        ids = [change.id for change in stage.changes]
        assert len(set(ids)) == len(ids), f"{stage.role} {stage.name}: {ids}"
        assert all(change.undo or change.capture_undo for change in stage.changes)


def test_a_change_has_the_time_limit_of_its_kind_and_its_undo_too(tmp_path: Path) -> None:
    deployment = placed(tmp_path, "1.10.2")
    slow = deployment.bench.model_copy(update={"time_limits": TimeLimits(bindings=300, start=90)})
    plan = plan_of(replace(deployment, bench=slow))
    limits = {one.id: one.timeout for stage in plan.dut for one in stage.changes}
    assert limits["bind.0000:04:00.0"] == 300
    assert limits["dpvs.start"] == 90
    assert limits["module.uio"] == 60
    assert limits["dpvs.conf"] == limits["vip.10.0.96.204"] == 10


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_folder_of_modules_they_come_from_modprobe(tmp_path: Path, version: str) -> None:
    deployment = placed(tmp_path, version)
    dpvs = deployment.bench.dut.dpvs.model_copy(update={"modules_dir": None})
    dut = deployment.bench.dut.model_copy(update={"dpvs": dpvs})
    bench = deployment.bench.model_copy(update={"dut": dut})
    text = commands(plan_of(replace(deployment, bench=bench)))
    assert "None" not in text
    assert "modprobe igb_uio" in text
    assert ("modprobe rte_kni carrier=on" in text) == (version != "1.10.2")
    assert "insmod /opt/dpvs" not in text


def test_a_bifurcated_driver_keeps_its_nic(tmp_path: Path) -> None:
    nics = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())["dut"]["nics"]
    for nic in nics:
        nic |= {"kernel_driver": "mlx5_core", "dpdk_driver": "mlx5_core"}
    text = commands(plan_of(placed(tmp_path, "1.10.2", nics=nics)))
    assert "devbind" not in text
    assert "-a 0000:04:00.0" in text


def test_binding_is_never_forced(tmp_path: Path) -> None:
    assert "--force" not in commands(plan_of(placed(tmp_path, "1.8.10")))


def test_a_plan_is_described_for_people(tmp_path: Path) -> None:
    deployment = placed(tmp_path, "1.10.2")
    lines = list(describe(plan_of(deployment), deployment))
    assert "== lb01 (dut): platform" in lines
    assert any(line.strip().startswith("undo: ") for line in lines)
