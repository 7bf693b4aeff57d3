"""Bonds of a bench: what is refused, what a deployment makes of them, and their dpvs.conf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dpvs_acceptance.bringup.configuration import configuration, render_configuration
from dpvs_acceptance.bringup.plan import make_plan
from dpvs_acceptance.dpvs.conf import check, parse, read_spec
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]
FIRST, SECOND = "0000:82:00.0", "0000:82:00.1"
BOND = {"name": "bond0", "link": "wan", "mode": 1, "members": [FIRST, SECOND]}


def bench_file(tmp_path: Path, version: str = "1.10.2", **bond: Any) -> Path:
    """The example with a second NIC beside the one on wan, both of them members of bond0."""
    data = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())
    data["dut"]["dpvs"]["version"] = version
    nics = data["dut"]["nics"]
    del nics[1]["link"]
    nics.append({**nics[1], "name": "eth5", "mac": "aa:bb:cc:23:33:36", "pci": SECOND})
    data["dut"]["bonds"] = [BOND | bond]
    path = tmp_path / "bench.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def placed(path: Path) -> Deployment:
    return deploy(load_topology(ROOT / "topologies/fnat-two-arm.yaml"), load_bench(path))


def rendered(deployment: Deployment) -> str:
    return render_configuration(deployment, facts(Version.parse(deployment.bench.dut.dpvs.version)))


@pytest.mark.parametrize(
    ("bond", "words"),
    [
        ({"members": [FIRST]}, "dut.bonds.0.members: bond0 needs two members or more"),
        ({"members": [FIRST, FIRST]}, f"members.1: {FIRST} is a member of bond0 already"),
        ({"mode": 7}, "dut.bonds.0.mode: 7 is no mode of a bond: expected one of 0 (balance-rr)"),
        (
            {"primary": "0000:04:00.0"},
            f"primary: 0000:04:00.0 is no member of bond0: {FIRST}, {SECOND}",
        ),
        (
            {"members": [FIRST, "0000:99:00.0"]},
            "members.1: no NIC of dut.nics has the PCI address or vdev 0000:99:00.0",
        ),
        ({"members": [FIRST, "0000:04:00.0"]}, "members.1: 0000:04:00.0 is on link 'lan' itself"),
        ({"link": "lan"}, "bonds.0.link: eth2 and bond0 are both on link 'lan'"),
        ({"dedicated_queues": False}, "dedicated_queues: only mode 4 (802.3ad) has"),
        ({"name": "trunk"}, "dut.bonds.0.name: expected text of the form"),
    ],
)
def test_a_bond_that_is_none_is_one_sentence(
    tmp_path: Path, bond: dict[str, Any], words: str
) -> None:
    path = bench_file(tmp_path, **bond)
    with pytest.raises(DeclarationError) as refused:
        load_bench(path)
    (sentence,) = str(refused.value).splitlines()
    assert sentence.startswith(f"{path}:")
    assert words in sentence


def test_a_nic_is_a_member_of_one_bond_only(tmp_path: Path) -> None:
    path = bench_file(tmp_path)
    data = yaml.safe_load(path.read_text())
    data["dut"]["bonds"].append(BOND | {"name": "bond1", "link": "lan"})
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(DeclarationError, match=r"members\.0: 0000:82:00\.0 is a member of bond0"):
        load_bench(path)


def test_further_links_of_a_nic_count_as_well(tmp_path: Path) -> None:
    path = bench_file(tmp_path)
    data = yaml.safe_load(path.read_text())
    data["dut"]["nics"][1]["links"] = ["dmz"]
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(DeclarationError, match=r"members\.0: 0000:82:00\.0 is on link 'dmz'"):
        load_bench(path)
    del data["dut"]["nics"][1]["links"]
    data["dut"]["nics"][0]["links"] = ["wan"]
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(DeclarationError, match="eth2 and bond0 are both on link 'wan'"):
        load_bench(path)


def test_a_bond_of_unknown_speeds_has_none(tmp_path: Path) -> None:
    path = bench_file(tmp_path, mode=4)
    data = yaml.safe_load(path.read_text())
    data["dut"]["nics"][2]["speed"] = None
    path.write_text(yaml.safe_dump(data))
    (bond,) = placed(path).bonds
    assert bond.speed is None


def test_the_bond_is_the_port_of_its_link(tmp_path: Path) -> None:
    deployment = placed(bench_file(tmp_path, primary=SECOND))
    assert [(p.name, p.link) for p in deployment.ports] == [("dpdk0", "lan"), ("bond0", "wan")]
    assert [p.name for p in deployment.nic_ports] == ["dpdk0", "dpdk1", "dpdk2"]
    (bond,) = deployment.bonds
    assert [member.name for member in bond.members] == ["dpdk1", "dpdk2"]
    assert bond.nic.mac == "aa:bb:cc:23:33:36", "the primary member's MAC is the bond's"
    vip = next(owned for owned in deployment.addresses if owned.use == "vip")
    assert vip.port == deployment.device("wan") == "bond0"


@pytest.mark.parametrize(("mode", "speed"), [(0, 20000), (1, 10000), (3, 10000), (4, 20000)])
def test_the_speed_of_a_bond_is_that_of_one_member_or_of_all(
    tmp_path: Path, mode: int, speed: int
) -> None:
    (bond,) = placed(bench_file(tmp_path, mode=mode)).bonds
    assert bond.speed == speed


@pytest.mark.parametrize("version", ["1.8.10", "1.9.10", "1.10.2"])
def test_the_configuration_says_the_same_when_it_is_read_again(
    tmp_path: Path, version: str
) -> None:
    deployment = placed(bench_file(tmp_path, version, mode=4, primary=SECOND))
    known = facts(Version.parse(version))
    text = rendered(deployment)
    conf = parse(text, "dpvs.conf")
    wanted = configuration(deployment, known)
    assert read_spec(conf) == wanted
    assert wanted.bonds[0].members == ("dpdk1", "dpdk2")
    assert not check(conf, version=Version.parse(version), ports=4, lcores={0, 1, 2})
    assert ("numa_node" in text) == (version != "1.8.10"), text
    served = {port.port for worker in wanted.workers for port in worker.ports}
    assert served == {"dpdk0", "bond0"}, "the members are served under the bond's name"


def test_what_a_version_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    deployment = placed(bench_file(tmp_path, "1.8.10", mode=4, dedicated_queues=False, numa_node=1))
    with pytest.raises(DeclarationError) as refused:
        rendered(deployment)
    where = f"{deployment.bench.path} with topology 'fnat-two-arm': dpvs.conf of DPVS 1.8.10"
    assert str(refused.value).splitlines() == [
        f"{where} has no netif_defs/bonding/numa_node: 1.9.0 and later has it",
        f"{where} has no netif_defs/bonding/options: 1.8.12 and later has it",
    ]


def test_dedicated_queues_are_switched_off_where_the_bench_says_so(tmp_path: Path) -> None:
    text = rendered(placed(bench_file(tmp_path, mode=4, dedicated_queues=False)))
    assert "options dedicated_queues=off" in " ".join(text.split())


def test_every_member_is_bound_and_given_back(tmp_path: Path) -> None:
    deployment = placed(bench_file(tmp_path))
    plan = make_plan(deployment, facts(Version.parse("1.10.2")))
    bound = [c.id for stage in plan.dut for c in stage.changes if c.id.startswith("bind.")]
    assert bound == ["bind.0000:04:00.0", f"bind.{FIRST}", f"bind.{SECOND}"]


def test_members_may_be_software_ports(tmp_path: Path) -> None:
    path = bench_file(tmp_path)
    data = yaml.safe_load(path.read_text())
    keep = ("name", "mac", "link")
    data["dut"]["nics"] = [
        {name: nic[name] for name in keep if name in nic} | {"vdev": f"net_af_packet{at}"}
        for at, nic in enumerate(data["dut"]["nics"])
    ]
    data["dut"]["bonds"] = [BOND | {"members": ["net_af_packet1", "net_af_packet2"]}]
    path.write_text(yaml.safe_dump(data))
    (bond,) = placed(path).bonds
    assert [member.nic.name for member in bond.members] == ["eth4", "eth5"]
