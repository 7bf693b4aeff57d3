"""The map NIC name - MAC - PCI address, model and speed (seed 1.1.1, 1.1.3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotSupported


@pytest.mark.requirement("S03")
def test_the_nic_map_was_recorded_and_is_the_bench_s(
    before: DutState, dut: DutState, deployment: Deployment
) -> None:
    """Steps: take the map from the snapshot made before anything was bound.

    Verify: name, MAC and PCI address of every NIC of the bench belong together there. A NIC that
    was bound before the run has no name any more; then its port's MAC is what can be compared.
    """
    wrong = []
    for port in deployment.ports:
        seen = before.net_devices.get(port.nic.name)
        if seen is None and port.nic.pci and port.nic.pci in before.pci_devices:
            link = dut.link(port.name)
            if link.mac != port.nic.mac:
                wrong.append(
                    f"{port.name} ({port.nic.pci}): MAC {port.nic.mac} expected, {link.mac} seen"
                )
            continue
        if seen is None:
            wrong.append(f"{port.nic.name}: no such interface and no device {port.nic.pci}")
            continue
        wanted = (port.nic.mac, port.nic.pci)
        found = (seen.mac, seen.pci if port.nic.pci else None)
        if wanted != found:
            wrong.append(f"{port.nic.name}: expected MAC and PCI {wanted}, seen {found}")
    assert not wrong, "the NIC map is not the bench's: " + "\n".join(wrong)


@pytest.mark.requirement("S03")
def test_each_port_is_the_nic_that_the_bench_means(dut: DutState, deployment: Deployment) -> None:
    """Steps: read the ports' MACs. Verify: port order put each link on its own NIC (#815, #959)."""
    swapped = [
        f"{port.name} should be {port.nic.name}, {port.nic.mac}: seen {dut.link(port.name).mac}"
        for port in deployment.ports
        if dut.link(port.name).mac != port.nic.mac
    ]
    assert not swapped, "ports are not the NICs expected: " + "\n".join(swapped)


@pytest.mark.requirement("S04")
def test_nics_are_of_the_model_that_the_bench_names(dut: DutState, deployment: Deployment) -> None:
    """Steps: read vendor and device of each NIC. Verify: they are the bench's."""
    nics = [nic for nic in deployment.bench.dut.nics if nic.pci and nic.model]
    if not nics:
        raise NotSupported("the bench's NICs are software ports: they have no PCI model")
    wrong = []
    for nic in nics:
        seen = dut.pci_devices.get(nic.pci or "")
        if seen is None or seen.model != nic.model:
            wrong.append(
                f"{nic.pci}: expected {nic.model}, seen {seen.model if seen else 'nothing'}"
            )
    assert not wrong, "NIC models differ from the bench: " + "\n".join(wrong)


@pytest.mark.requirement("S04")
def test_the_link_speed_is_what_the_bench_says(
    dut: DutState, deployment: Deployment, link_name: str
) -> None:
    """Steps: `dpip link show`. Verify: speed of the link's port."""
    port = deployment.port(link_name)
    seen = dut.link(port.name).speed_mbps
    assert seen == port.nic.speed, (
        f"{port.name} ({link_name}): {port.nic.speed} Mbps expected, {seen} seen"
    )
