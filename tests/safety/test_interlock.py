"""A plan that touches what carries ssh, or what is in use, is refused; named by both names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.interlock import refusals
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.topology import load_topology

from .crafted import MACHINE_ID, Device, Function, Machine

ROOT = Path(__file__).parents[2]
ETH2, ETH4 = "0000:04:00.0", "0000:82:00.0"
MAC2, MAC4 = "aa:bb:cc:23:33:33", "aa:bb:cc:23:33:35"


@pytest.fixture
def deployment() -> Deployment:
    return deploy(
        load_topology(ROOT / "topologies/fnat-two-arm.yaml"),
        load_bench(ROOT / "benches/lb01.example.yaml"),
    )


def _dut() -> Machine:
    """The example bench's DUT as its owner describes it: ssh comes in on eth0."""
    return Machine(
        devices={
            "lo": Device(addresses=("127.0.0.1/8",)),
            "eth0": Device(pci="0000:01:00.0", addresses=("10.255.0.10/24",)),
            "eth2": Device(mac=MAC2, pci=ETH2),
            "eth4": Device(mac=MAC4, pci=ETH4, addresses=("fe80::1/64",)),
        },
        functions={
            "0000:01:00.0": Function(("eth0",)),
            ETH2: Function(("eth2",)),
            ETH4: Function(("eth4",)),
        },
    )


def _peer() -> Machine:
    return Machine(devices={"eth0": Device(addresses=("10.255.0.10/24",)), "eth1": Device()})


def _refusals(deployment: Deployment, dut: Machine, client1: Machine | None = None) -> list[str]:
    machines = {role: _peer() for role in deployment.bench.hosts} | {"dut": dut}
    if client1 is not None:
        machines["client1"] = client1
    return refusals(deployment, {role: one.snapshot(role) for role, one in machines.items()})


def test_the_bench_as_described_may_be_brought_up(deployment: Deployment) -> None:
    assert _refusals(deployment, _dut()) == []


def _carries(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["eth2"].addresses = ("192.0.2.2/24",)


def _way_back(dut: Machine) -> None:
    dut.route = "eth2"


def _bond_member(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["bond0"] = Device(addresses=("192.0.2.2/24",))
    dut.devices["eth2"].master = "bond0"


def _vlan_on_bridge(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["br0.7"] = Device(lowers=("br0",), addresses=("192.0.2.2/24",))
    dut.devices["br0"] = Device(lowers=("eth2",))


def _other_function(dut: Machine) -> None:
    dut.devices["eth0"].pci = "0000:04:00.1"
    dut.functions["0000:04:00.1"] = dut.functions.pop("0000:01:00.0")


def _veth_in_a_bridge(dut: Machine) -> None:
    """The management address is on one end of a veth, the other end is in a bridge with the NIC."""
    dut.server = "192.0.2.2"
    dut.devices["mgmt"] = Device(kind="veth", over="mgmt-p", addresses=("192.0.2.2/24",))
    dut.devices["mgmt-p"] = Device(kind="veth", over="mgmt", master="br0")
    dut.devices["br0"] = Device(kind="bridge")
    dut.devices["eth2"].master = "br0"


def _ovs_named(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["br-ex"] = Device(kind="openvswitch", addresses=("192.0.2.2/24",))
    dut.devices["eth2"].master = "ovs-system"
    dut.ovs = (
        "bridge br-ex\n port patch-a\n peer patch-b\nbridge br-up\n port eth2\n port patch-b\n"
    )


def _ovs_unnamed(dut: Machine) -> None:
    """ovs-vsctl is not there, or does not answer."""
    _ovs_named(dut)
    dut.ovs = ""


def _macvlan(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["mv0"] = Device(kind="macvlan", over="eth2", addresses=("192.0.2.2/24",))


def _vrf(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["vrf-m"] = Device(kind="vrf", addresses=("192.0.2.2/32",))
    dut.devices["eth2"].master = "vrf-m"


def _team(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["team0"] = Device(kind="team", addresses=("192.0.2.2/24",))
    dut.devices["eth2"].master = "team0"


def _wireguard(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    dut.devices["wg0"] = Device(kind="wireguard", addresses=("192.0.2.2/24",))
    dut.tunnels = "wg0 203.0.113.7 eth2\n"


def _vxlan_over_a_device(dut: Machine) -> None:
    dut.server = "192.0.2.2"
    kind = "vxlan id 5 group 239.1.1.1 dev eth2 srcport 0 0 dstport 4789"
    dut.devices["vx0"] = Device(kind=kind, addresses=("192.0.2.2/24",))


def _reverse_tunnel(dut: Machine) -> None:
    dut.client, dut.server = "127.0.0.1", "127.0.0.1"
    dut.session = "by 203.0.113.7 eth2 ssh\n"


def _second_way_back(dut: Machine) -> None:
    """Policy routing: with our address as its source a packet goes another way."""
    dut.session = "route eth0\nroute eth2\n"


def _iommu_group(dut: Machine) -> None:
    dut.functions["0000:01:00.0"].iommu_group = 17
    dut.functions[ETH2].iommu_group = 17


def _virtual_function(dut: Machine) -> None:
    dut.functions["0000:01:00.0"].physical = ETH2


def _under_another_name(dut: Machine) -> None:
    """The kernel names changed places since the bench was written."""
    dut.devices["eth0"], dut.devices["eth2"] = dut.devices["eth2"], dut.devices["eth0"]
    dut.functions[ETH2], dut.functions["0000:01:00.0"] = Function(("eth0",)), Function(("eth2",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_carries, "eth2 has the address 192.0.2.2 that ssh came in on"),
        (_way_back, "eth2 is the way back to 10.255.0.254, ssh's client"),
        (_bond_member, "bond0 is on top of eth2; bond0 has the address 192.0.2.2"),
        (_vlan_on_bridge, "br0 is on top of eth2; br0.7 is on top of br0; br0.7 has the address"),
        (_other_function, "it is another function of the device of 0000:04:00.1; eth0 has"),
        (
            _veth_in_a_bridge,
            "br0 is on top of eth2; mgmt-p is a port of br0; mgmt-p is the other end of",
        ),
        (
            _ovs_named,
            "eth2 is a port of br-up; br-ex is connected with br-up; br-ex has the address",
        ),
        (_ovs_unnamed, "eth2 is a port of Open vSwitch, as br-ex is; br-ex has the address"),
        (_macvlan, "mv0 is on top of eth2; mv0 has the address"),
        (_vrf, "vrf-m is on top of eth2; vrf-m has the address"),
        (_team, "team0 is on top of eth2; team0 has the address"),
        (_wireguard, "eth2 is the way to 203.0.113.7, the far end of wg0; wg0 has the address"),
        (_vxlan_over_a_device, "vx0 is on top of eth2; vx0 has the address"),
        (
            _reverse_tunnel,
            "eth2 is the way to 203.0.113.7, by which ssh on the host carries the ssh",
        ),
        (_second_way_back, "eth2 is the way back to 10.255.0.254, ssh's client"),
        (_iommu_group, "it is in the IOMMU group 17 of 0000:01:00.0; eth0 has the address"),
        (_virtual_function, "it is the physical function of 0000:01:00.0; eth0 has the address"),
        (_under_another_name, "eth2 has the address 10.255.0.10 that ssh came in on"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_what_carries_ssh_is_refused_naming_both(
    deployment: Deployment, change: Callable[[Machine], None], words: str
) -> None:
    dut = _dut()
    change(dut)
    found = _refusals(deployment, dut)
    assert any(
        one.startswith("lb01: the bench gives 0000:04:00.0 (eth2) to DPVS, but ") and words in one
        for one in found
    ), found


def _bridge_without_us(dut: Machine) -> None:
    dut.devices["br1"] = Device(kind="bridge")
    dut.devices["eth2"].master = "br1"


def _vxlan_by_the_management_nic(dut: Machine) -> None:
    dut.devices["vx0"] = Device(kind="vxlan id 5 remote 10.255.0.9 srcport 0 0 dstport 4789")
    dut.tunnels = "vx0 10.255.0.9 eth0\n"


def _two_bridges_of_ovs(dut: Machine) -> None:
    dut.devices["br-ex"] = Device(kind="openvswitch", addresses=("10.255.0.10/24",))
    dut.devices["eth0"] = Device(pci="0000:01:00.0", master="ovs-system")
    dut.devices["eth2"].master = "ovs-system"
    dut.ovs = "bridge br-ex\n port eth0\nbridge br-lan\n port eth2\n"


def _veth_of_a_container(dut: Machine) -> None:
    dut.devices["veth7"] = Device(kind="veth", over="if2", master="docker0")
    dut.devices["docker0"] = Device(kind="bridge")


def _management_in_a_vrf(dut: Machine) -> None:
    dut.devices["eth0"].master = "vrf-m"
    dut.devices["vrf-m"] = Device(kind="vrf")
    dut.devices["eth2"].master = "vrf-m"


@pytest.mark.parametrize(
    "change",
    [
        _bridge_without_us,
        _vxlan_by_the_management_nic,
        _two_bridges_of_ovs,
        _veth_of_a_container,
        _management_in_a_vrf,
    ],
)
def test_what_has_nothing_to_do_with_ssh_is_not_refused(
    deployment: Deployment, change: Callable[[Machine], None]
) -> None:
    dut = _dut()
    change(dut)
    assert _refusals(deployment, dut) == []


def test_what_would_be_deleted_with_a_nic_is_refused(deployment: Deployment) -> None:
    dut = _dut()
    dut.devices["eth2.7"] = Device(kind="vlan protocol 802.1Q id 7", over="eth2")
    (found,) = _refusals(deployment, dut)
    assert "eth2.7 (vlan) is on top of eth2, and would be deleted when DPVS takes eth2" in found


def test_a_nic_of_somebody_else_s_is_refused_until_it_is_given_up(deployment: Deployment) -> None:
    dut = _dut()
    dut.devices["eth2"].addresses = ("192.0.2.9/24", "2001:db8::9/64")
    dut.routes = ("default via 192.0.2.1 dev eth2", "default via fe80::2 dev eth4")
    found = _refusals(deployment, dut)
    assert len(found) == 3
    assert "the address 192.0.2.9/24, 2001:db8::9/64 is on eth2" in found[0]
    assert "the default route 0.0.0.0/0 via 192.0.2.1 dev eth2 is on eth2" in found[1]
    assert "the default route ::/0 via fe80::2 dev eth4 is on eth4" in found[2]
    assert all("give_up_address: true" in one for one in found)
    bench = deployment.bench
    nics = tuple(nic.model_copy(update={"give_up_address": True}) for nic in bench.dut.nics)
    given_up = bench.model_copy(update={"dut": bench.dut.model_copy(update={"nics": nics})})
    assert _refusals(deploy(deployment.topology, given_up), dut) == []


def test_an_address_on_what_stands_on_a_nic_counts_too(deployment: Deployment) -> None:
    dut = _dut()
    dut.devices["eth2.100"] = Device(lowers=("eth2",), addresses=("192.0.2.9/24",))
    (found,) = _refusals(deployment, dut)
    assert "the address 192.0.2.9/24 is on eth2.100, which is on top of eth2" in found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda dut: setattr(dut.devices["eth2"], "mac", "02:00:00:00:00:99"),
            r"eth2 has MAC 02:00:00:00:00:99, the bench says aa:bb:cc:23:33:33",
        ),
        (
            lambda dut: dut.functions.pop(ETH4),
            r"there is no network device at 0000:82:00.0, the bench says eth4 is",
        ),
        (
            lambda dut: dut.functions.update({ETH4: Function(("ens9",))}),
            r"0000:82:00.0 is ens9 here, the bench says eth4",
        ),
        (
            lambda dut: setattr(dut, "dpvs", (77, 78)),
            r"a dpvs is running already \(process 77, 78\).*--attach",
        ),
        (lambda dut: setattr(dut, "server", None), r"no ssh session in this session"),
        (lambda dut: setattr(dut, "server", "192.0.2.77"), r"no interface has 192.0.2.77"),
    ],
)
def test_what_is_not_the_bench_s_is_refused(
    deployment: Deployment, change: Callable[[Machine], object], said: str
) -> None:
    dut = _dut()
    change(dut)
    (found,) = _refusals(deployment, dut)
    assert re.search(f"^lb01: .*{said}", found), found


def test_another_keepalived_is_refused_where_it_would_configure_dpvs() -> None:
    bench = load_bench(ROOT / "benches/lb01.example.yaml")
    dut = _dut()
    dut.processes = (
        "    1     0 Tue Dec  1 10:00:00 2026 /sbin/init\n"
        "  812     1 Tue Dec  1 10:00:05 2026 /usr/sbin/keepalived\n"
    )
    for name, refused in (("keepalived", True), ("fnat-two-arm", False)):
        deployment = deploy(load_topology(ROOT / f"topologies/{name}.yaml"), bench)
        words = "lb01: a keepalived is running already (process 812): stop it first"
        assert _refusals(deployment, dut) == [words] * refused


def test_another_machine_under_this_name_is_refused(deployment: Deployment) -> None:
    dut = deployment.bench.dut
    for known, refused in ((MACHINE_ID, 0), ("0" * 32, 1)):
        named = dut.model_copy(update={"machine_id": known})
        bench = deployment.bench.model_copy(update={"dut": named})
        found = _refusals(deploy(deployment.topology, bench), _dut())
        assert len(found) == refused
        assert all(MACHINE_ID in one and known in one for one in found)


def test_a_client_does_not_lose_its_way_back_to_us(deployment: Deployment) -> None:
    """The suite runs on a machine of the tested network, and ssh comes in by a gateway."""
    client = _peer()
    client.client = "10.0.96.200"
    (found,) = _refusals(deployment, _dut(), client)
    assert found.startswith("client1: eth1 would get the route to 10.0.96.0/24, which contains ssh")


def test_a_client_s_tested_interface_is_not_the_one_ssh_comes_in_on(
    deployment: Deployment,
) -> None:
    client = _peer()
    client.devices["eth1"].addresses = ("10.255.0.99/24",)
    client.server = "10.255.0.99"
    (found,) = _refusals(deployment, _dut(), client)
    assert found.startswith("client1: the bench names eth1 as the tested interface, but eth1 has")
