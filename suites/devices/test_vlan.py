"""VLAN devices on DPVS's ports, and the kni of each (DEV-04, DEV-12)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import VlanDevice, parse_vlans
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.operator import Operator

COUNT = 5


@pytest.mark.requirement("DEV-04")
def test_each_vlan_is_on_its_port_and_up(
    operator: Operator, dut: DutState, deployment: Deployment, vlan_name: str
) -> None:
    """Steps: `dpip vlan show`, `dpip link show`.

    Verify: the device has the port, protocol and id that are declared; up, with the port's MAC.
    """
    device, port = deployment.device(vlan_name), deployment.port(vlan_name)
    answer = operator.ask(f"dpip vlan show link {port.name}")
    # This table alone is printed on stderr.
    seen = parse_vlans(answer.words, answer.command)
    wanted = VlanDevice(device, port.name, "802.1q", deployment.topology.links[vlan_name].vlan or 0)
    assert seen == (wanted,), f"VLANs on {port.name}: {wanted} expected, {seen or 'none'} seen"
    link = dut.link(device)
    assert (link.status, link.mac) == ("UP", port.nic.mac), (
        f"{device}: UP with MAC {port.nic.mac} expected, {link.status} with {link.mac} seen"
    )


@pytest.mark.requirement("DEV-04")
@pytest.mark.traffic
def test_a_vip_on_a_vlan_answers(scene: Scene, deployment: Deployment, vlan_vip: str) -> None:
    """Steps: echo requests to the VIP from a client in the VLAN, behind a trunk without any other.

    Verify: each answered once by the port, its checksums and payload right: both ways tagged, or
    the trunk had not passed them.
    """
    link = next(n for n, vips in deployment.topology.vips.items() if vlan_vip in map(str, vips))
    client = next(n for n, one in deployment.topology.clients.items() if one.link == link)
    mac = deployment.port(link).nic.mac
    result = ping(scene.stations[client], vlan_vip, mac=mac, count=COUNT)
    assert not result.problems, f"VIP {vlan_vip} on {link}: " + "; ".join(result.problems)


@pytest.mark.requirement("DEV-12")
def test_each_vlan_has_a_kni_of_its_own(
    dut: DutState, deployment: Deployment, facts: VersionFacts, vlan_name: str
) -> None:
    """Steps: `ip addr` on the DUT.

    Verify: the VLAN's kni is there beside the port's, up, with the port's MAC and its addresses.
    """
    if not deployment.kni:
        raise NotSupported(dut.kni_probe(facts))
    name, link = deployment.kni_device(vlan_name), deployment.topology.links[vlan_name]
    device = dut.net_devices.get(name)
    assert device is not None, f"{name} does not exist on the DUT"
    assert device.operstate != "down", f"{name} is down"
    mac = deployment.port(vlan_name).nic.mac
    assert device.mac == mac, f"{name}: MAC {mac} expected, seen {device.mac}"
    wanted = {str(address) for address in (link.kni.both if link.kni else ())}
    seen = {str(address.ip) for address in dut.interface_addresses.get(name, ())}
    assert wanted <= seen, f"{name}: addresses {sorted(wanted)} expected, seen {sorted(seen)}"
