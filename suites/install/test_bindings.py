"""NIC bindings: exactly the bench's NICs, no other (deployment guide, 2.2)."""

from __future__ import annotations

from dpvs_acceptance.testbed import PCI_NICS, LoadBalancer
from fixtures.checks import needs, requirement


@requirement("S15", core=True)
@needs(PCI_NICS)
def test_exactly_the_nics_of_the_bench_are_bound_to_dpdk(lb: LoadBalancer) -> None:
    """Steps: `dpdk-devbind.py --status` and sysfs. Verify: both list exactly the bench's NICs.

    A bifurcated driver (mlx5_core) stays a kernel driver: sysfs alone tells it.
    """
    wanted = {nic.pci: nic.dpdk_driver for nic in lb.bench.dut.nics if nic.pci}
    shared = {nic.pci for nic in lb.bench.dut.nics if nic.bifurcated}
    bound = {
        device.slot: device.driver
        for device in lb.state.devbind
        if device.category == "Network" and device.binding == "dpdk"
    }
    drivers = {pci: lb.state.pci_driver(pci) for pci in wanted}
    wrong = [
        f"{pci}: {wanted.get(pci) or 'no DPDK driver'} expected, {source} has "
        f"{seen.get(pci) or 'none'}"
        for source, seen, left_out in (("dpdk-devbind", bound, shared), ("sysfs", drivers, set()))
        for pci in sorted({*wanted, *seen} - left_out)
        if wanted.get(pci) != seen.get(pci)
    ]
    assert not wrong, "NICs are not bound as the bench says:\n" + "\n".join(wrong)


@requirement("S15")
def test_no_other_nic_was_rebound(lb: LoadBalancer) -> None:
    """Steps: compare the drivers of all network devices before the run and now.

    Verify: only the bench's NICs differ.
    """
    ours = {nic.pci for nic in lb.bench.dut.nics}
    changed = [
        f"{pci}: {device.driver or 'no driver'} before, {lb.state.pci_driver(pci)} now"
        for pci, device in lb.before.pci_devices.items()
        if pci not in ours and lb.state.pci_driver(pci) != device.driver
    ]
    assert not changed, "NICs that are not the bench's were rebound: " + "\n".join(changed)
