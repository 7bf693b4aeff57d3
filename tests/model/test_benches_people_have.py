"""Benches and topologies that people have, declared and planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dpvs_acceptance.bringup.configuration import configuration
from dpvs_acceptance.bringup.plan import make_plan
from dpvs_acceptance.dpvs.conf import ConfSpec
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]
VERSION = facts(Version.parse("1.9.10"))
Data = dict[str, Any]


class Files:
    """The example bench and the article's topology, to be changed and then placed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bench: Data = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())
        self.topology: Data = yaml.safe_load((ROOT / "topologies/fnat-two-arm.yaml").read_text())

    @property
    def nics(self) -> list[Data]:
        nics: list[Data] = self.bench["dut"]["nics"]
        return nics

    def placed(self) -> Deployment:
        for name in ("bench", "topology"):
            (self._folder / f"{name}.yaml").write_text(yaml.safe_dump(getattr(self, name)))
        topology = load_topology(self._folder / "topology.yaml")
        return deploy(topology, load_bench(self._folder / "bench.yaml"))

    def commands(self, role: str = "dut") -> str:
        plan = make_plan(self.placed(), VERSION)
        return "\n".join(c.apply for s in plan.stages if s.role == role for c in s.changes)

    def conf(self) -> ConfSpec:
        return configuration(self.placed(), VERSION)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    ("driver", "workers", "given", "flow", "redirect"),
    [
        ("ixgbe", 2, {}, True, False),
        ("virtio-pci", 1, {}, False, False),
        ("e1000e", 2, {}, False, True),
        ("igb", 2, {"redirect": False}, False, False),
        ("igb", 2, {"flow_enable": True}, True, False),
        ("i40e", 2, {"flow_enable": False}, False, True),
    ],
)
def test_flow_rules_are_asked_of_nics_that_have_them(
    files: Files, driver: str, workers: int, given: Data, flow: bool, redirect: bool
) -> None:
    for nic in files.nics:
        nic["kernel_driver"] = driver
    dut = files.bench["dut"]
    dut |= given
    dut["lcores"]["workers"] = dut["lcores"]["workers"][:workers]
    conf = files.conf()
    assert (conf.sa_pool_flow, conf.conn_redirect) == (flow, redirect)


def test_a_bench_can_say_that_its_nics_have_flow_rules_or_not(files: Files) -> None:
    files.nics[0]["rte_flow"] = False
    assert not files.conf().sa_pool_flow


def test_real_servers_behind_a_gateway_of_the_lan_have_a_route_and_no_second_default(
    files: Files,
) -> None:
    files.topology["links"]["lan"]["gateway"] = "192.168.229.254"
    far = {"network": "10.200.0.0/24", "behind": "lan", "router": "10.200.0.254"}
    files.topology["remote_networks"]["far"] = far
    text = files.commands()
    assert "dpip route add 10.200.0.0/24 via 192.168.229.254 dev dpdk0" in text
    assert text.count("route add default") == 2  # one of each family
    assert "default via 192.168" not in text


def test_static_routes(files: Files) -> None:
    files.topology["links"]["lan"]["routes"] = [{"to": "10.9.0.0/16", "via": "192.168.229.3"}]
    assert "dpip route add 10.9.0.0/16 via 192.168.229.3 dev dpdk0" in files.commands()
    files.topology["links"]["lan"]["routes"] = [{"to": "10.9.0.0/16", "via": "10.0.96.3"}]
    with pytest.raises(DeclarationError, match=r"10\.0\.96\.3 is not in the link's network"):
        files.placed()


def test_a_vip_may_have_the_prefix_of_its_network(files: Files) -> None:
    files.topology["vips"]["wan"][0] = "10.0.96.204/24"
    text = files.commands()
    assert "dpip addr add 10.0.96.204/24 dev dpdk1" in text
    # Adding the address adds the route.
    assert "dpip route add 10.0.96.0/24" not in text
    routes = {(str(r.destination), r.scope) for r in files.placed().routes}
    assert {("10.0.96.0/24", "link"), ("10.0.96.204/32", "host")} <= routes
    files.topology["vips"]["wan"][0] = "10.0.96.204/33"
    with pytest.raises(DeclarationError, match="no prefix length"):
        files.placed()


def test_a_routed_vip_is_in_no_network_of_its_link(files: Files) -> None:
    files.topology["vips"]["wan"][0] = "203.0.113.7"
    for service in files.topology["services"]:
        service["vip"] = service["vip"].replace("10.0.96.204", "203.0.113.7")
    with pytest.raises(DeclarationError, match=r"a routed VIP needs an address of DPVS"):
        files.placed()
    files.topology["links"]["wan"]["own"] = {"address": "10.0.96.12"}
    assert "dpip addr add 203.0.113.7/32 dev dpdk1" in files.commands()
    assert "route add 203.0.113.7/32 via 10.0.96.12 dev eth1" in files.commands("client1")
    assert "route add 203.0.113.7/32 via 172.16.0.254 dev eth1" in files.commands("client2")


def test_several_vlans_on_one_nic(files: Files) -> None:
    files.bench["dut"]["nics"] = [files.nics[1] | {"link": "wan", "links": ["lan"]}]
    with pytest.raises(DeclarationError, match="links wan, lan share eth4 and are no VLANs"):
        files.placed()
    files.topology["links"]["wan"]["vlan"] = 100
    files.topology["links"]["lan"]["vlan"] = 200
    text = files.commands()
    assert "dpip vlan add dpdk0.100 link dpdk0 proto 802.1q id 100" in text
    assert "dpip vlan add dpdk0.200 link dpdk0 proto 802.1q id 200" in text
    assert "-F dpdk0.200" in text


def test_two_ports_on_one_function_and_long_pci_domains(files: Files) -> None:
    for nic in files.nics:
        nic |= {"pci": "10000:04:00.0", "kernel_driver": "mlx4_core", "dpdk_driver": "mlx4_core"}
    text = files.commands()
    assert text.count("-a 10000:04:00.0") == 1
    assert "devbind" not in text
    files.nics[0]["dpdk_driver"] = "vfio-pci"
    files.nics[1]["dpdk_driver"] = "vfio-pci"
    with pytest.raises(DeclarationError, match="used twice"):
        files.placed()


def test_mtu_timeout_of_messages_log_and_links_of_any_name(files: Files) -> None:
    links = files.topology["links"]
    links["lan"]["mtu"] = 9000
    files.bench["dut"]["sync_msg_timeout_us"] = 50000
    files.topology["dpvs"] |= {"log_level": "WARNING", "log_file": "/var/log/dpvs/new/dpvs.log"}
    conf = files.conf()
    assert {one.name: one.mtu for one in conf.devices} == {"dpdk0": 9000, "dpdk1": 1500}
    assert conf.msg_timeout_us == 50000
    assert "mkdir -p /var/log/dpvs/new" in files.commands()
    files.topology["dpvs"]["log_file"] = None
    assert files.conf().log_file is None
    assert "log_file" not in files.commands()


def test_hugepages_of_one_gigabyte(files: Files) -> None:
    files.topology["hugepages"] = {"size_kb": 1048576, "per_node": 8, "mount": "/mnt/huge1g"}
    text = files.commands()
    assert "echo 8 >/sys/devices/system/node/node1/hugepages/hugepages-1048576kB" in text
    assert "mount -t hugetlbfs -o pagesize=1G nodev /mnt/huge1g" in text
    assert "--huge-dir=/mnt/huge1g" in text
