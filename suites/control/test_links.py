"""Ports and their kni devices (seed 2.4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported

MTU = 1500


@pytest.mark.requirement("S23")
def test_each_link_is_up(dut: DutState, deployment: Deployment, link_name: str) -> None:
    """Steps: `dpip link show`. Verify: up, full duplex, speed, MTU and MAC of the link's port."""
    port = deployment.port(link_name)
    link = dut.link(port.name)
    seen = (link.status, link.duplex, link.speed_mbps, link.mtu, link.mac)
    wanted = ("UP", "full-duplex", port.nic.speed, MTU, port.nic.mac)
    assert seen == wanted, (
        f"{port.name} ({link_name}): expected state, duplex, Mbps, MTU, MAC {wanted}, seen {seen}"
    )


@pytest.mark.requirement("S24", "kni")
def test_each_kni_is_up_with_its_mac_and_addresses(
    dut: DutState, deployment: Deployment, facts: VersionFacts, link_name: str
) -> None:
    """Steps: `ip addr` on the DUT. Verify: the kni is up with carrier, port's MAC, addresses."""
    if not deployment.kni:
        if deployment.topology.links[link_name].kni is None:
            raise NotApplicable(f"the topology declares no kni on {link_name}")
        raise NotSupported(dut.kni_probe(facts))
    port = deployment.port(link_name)
    device = dut.net_devices.get(port.kni)
    assert device is not None, f"{port.kni} does not exist on the DUT"
    assert device.operstate != "down", f"{port.kni} is down"
    assert device.carrier, f"{port.kni} has no carrier"
    assert device.mac == port.nic.mac, f"{port.kni}: MAC {port.nic.mac} expected, seen {device.mac}"
    link, kni = deployment.topology.links[link_name], deployment.kni_device(link_name)
    wanted = {str(address) for address in (link.kni.both if link.kni else ())}
    seen = {str(address.ip) for address in dut.interface_addresses.get(kni, ())}
    assert wanted <= seen, f"{kni}: addresses {sorted(wanted)} expected, seen {sorted(seen)}"
