"""What each forwarding mode asks of DPVS, of real servers and of clients, as the plan has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dpvs_acceptance.bringup.plan import Plan, make_plan
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.topology import Topology, load_topology

ROOT = Path(__file__).parents[2]


def placed(name: str, tmp_path: Path) -> Deployment:
    """A topology on a bench that has its hosts where the topology has them."""
    topology: Topology = load_topology(ROOT / f"topologies/{name}.yaml")
    data = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())
    for client, machine in topology.clients.items():
        data["clients"][client]["link"] = machine.link
    path = tmp_path / "bench.yaml"
    path.write_text(yaml.safe_dump(data))
    return deploy(topology, load_bench(path))


def plan_of(name: str, tmp_path: Path) -> Plan:
    return make_plan(placed(name, tmp_path), facts(Version.parse("1.10.2")))


def commands(plan: Plan, role: str) -> str:
    return "\n".join(
        change.apply for stage in plan.stages if stage.role == role for change in stage.changes
    )


@pytest.mark.parametrize(
    ("name", "role", "wanted"),
    [
        ("dr-one-arm", "dut", "ipvsadm -a -t 10.0.96.2:80 -r 10.0.96.151:80 -g -w 1"),
        ("dr-one-arm", "dut", "dpip addr add 10.0.96.12/24 dev dpdk1"),
        ("dr-one-arm", "rs1", "ip addr add 10.0.96.2/32 dev lo"),
        ("dr-one-arm", "rs1", "ip addr add 2001:db8:96::2/128 dev lo nodad"),
        ("dr-one-arm", "rs1", "echo 1 >/proc/sys/net/ipv4/conf/eth1/arp_ignore"),
        ("dr-one-arm", "rs1", "echo 2 >/proc/sys/net/ipv4/conf/eth1/arp_announce"),
        ("tunnel-one-arm", "dut", "-r '[2001:db8:96::151]:8053' -i -w 1"),
        ("tunnel-one-arm", "rs2", "modprobe ipip"),
        ("tunnel-one-arm", "rs2", "ip addr add 10.0.96.2/32 dev tunl0"),
        ("tunnel-one-arm", "rs2", "echo 0 >/proc/sys/net/ipv4/conf/tunl0/rp_filter"),
        ("tunnel-one-arm", "rs2", "ip addr add 2001:db8:96::2/128 dev ip6tnl0 nodad"),
        ("nat-one-arm", "dut", "ipvsadm -a -t 10.0.96.4:8080 -r 10.0.96.151:80 -m -w 1"),
        ("nat-one-arm", "rs1", "ip -4 rule add from 10.0.96.151 to 10.0.96.101 lookup 5390"),
        ("nat-one-arm", "rs1", "10.0.96.150 via 10.0.96.12 dev eth1 table 5390"),
        ("synproxy", "dut", "ipvsadm -A -t 10.0.96.204:80 -s rr -j enable"),
        ("vlan", "dut", "dpip vlan add dpdk0.229 link dpdk0 proto 802.1q id 229"),
        ("vlan", "dut", "-t 10.0.96.204:80 -F dpdk0.229"),
        ("vlan", "dut", "dpip addr add 10.0.96.204/32 dev dpdk1.96"),
        ("nat64", "dut", "-t '[2001:db8:96::64]:80' -r 192.168.229.1:80 -b"),
        ("snat-two-arm", "dut", "-H proto=icmp,src-range=192.168.229.0-192.168.229.255,oif=dpdk1"),
        ("snat-two-arm", "dut", "dpip addr add 10.0.96.211/32 dev dpdk1 sapool"),
        ("snat-two-arm", "dut", "-r 10.0.96.210:0 -w 100 -J"),
        ("snat-two-arm", "client1", "ip -4 route add 172.16.0.0/24 via 192.168.229.12 dev eth1"),
        ("snat-two-arm", "rs2", "ip -4 route add 10.0.96.0/24 via 172.16.0.254 dev eth1"),
    ],
)
def test_what_the_modes_need_is_in_the_plan(
    name: str, role: str, wanted: str, tmp_path: Path
) -> None:
    assert wanted in commands(plan_of(name, tmp_path), role)


def test_an_address_of_snat_is_added_once(tmp_path: Path) -> None:
    text = commands(plan_of("snat-two-arm", tmp_path), "dut")
    assert text.count("10.0.96.210/32 dev dpdk1 sapool") == 1


def test_no_real_server_of_fullnat_is_touched_but_for_its_addresses(tmp_path: Path) -> None:
    plan = plan_of("fnat-one-arm", tmp_path)
    changes = [change.id for stage in plan.peers if stage.role == "rs1" for change in stage.changes]
    assert changes == ["address.10.0.96.151", "address.2001:db8:96::151"]


def test_own_addresses_bring_the_routes_of_their_networks(tmp_path: Path) -> None:
    deployment = placed("dr-one-arm", tmp_path)
    declared = {str(route.destination) for route in deployment.declared_routes}
    assert "10.0.96.0/24" not in declared
    (route,) = (r for r in deployment.routes if str(r.destination) == "10.0.96.0/24")
    assert (route.port, route.scope, str(route.source)) == ("dpdk1", "link", "10.0.96.12")


@pytest.mark.parametrize(
    ("name", "service", "words"),
    [
        ("dr-one-arm", "web6", {("2001:db8:96::151", "Route"), ("2001:db8:96::152", "Route")}),
        ("nat64", "web64", {("192.168.229.1", "FullNat"), ("192.168.229.2", "FullNat")}),
    ],
)
def test_real_servers_are_expected_as_their_mode_lists_them(
    name: str, service: str, words: set[tuple[str, str]], tmp_path: Path
) -> None:
    deployment = placed(name, tmp_path)
    expected = deployment.targets(deployment.topology.service(service))
    assert {(str(one.address), one.forward) for one in expected} == words
