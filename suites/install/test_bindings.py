"""NIC bindings: exactly the bench's NICs, no other (seed 2.2)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotSupported


@pytest.mark.requirement("S15")
def test_exactly_the_bench_s_nics_are_bound_to_dpdk(dut: DutState, deployment: Deployment) -> None:
    """Steps: `dpdk-devbind.py --status` and sysfs. Verify: both name exactly the bench's."""
    wanted = {nic.pci: nic.dpdk_driver for nic in deployment.bench.dut.nics if nic.pci}
    if not wanted:
        raise NotSupported("the bench's NICs are software ports: nothing is bound")
    seen = {
        device.slot: device.driver
        for device in dut.devbind
        if device.category == "Network" and device.binding == "dpdk"
    }
    drivers = {pci: dut.pci_driver(pci) for pci in wanted if pci}
    wrong = [
        f"{pci}: {wanted.get(pci) or 'no DPDK driver'} expected, {source} says "
        f"{told.get(pci) or 'none'}"
        for source, told in (("dpdk-devbind", seen), ("sysfs", drivers))
        for pci in sorted({*filter(None, wanted), *told})
        if wanted.get(pci) != told.get(pci)
    ]
    assert not wrong, "NICs are not bound as the bench says:\n" + "\n".join(wrong)


@pytest.mark.requirement("S15")
def test_no_other_nic_was_touched(before: DutState, dut: DutState, deployment: Deployment) -> None:
    """Steps: compare the drivers of all network devices before the run and now.

    Verify: only the bench's NICs differ.
    """
    ours = {nic.pci for nic in deployment.bench.dut.nics}
    changed = [
        f"{pci}: {device.driver or 'no driver'} before, {dut.pci_driver(pci)} now"
        for pci, device in before.pci_devices.items()
        if pci not in ours and dut.pci_driver(pci) != device.driver
    ]
    assert not changed, "NICs that are not the bench's were touched: " + "\n".join(changed)
