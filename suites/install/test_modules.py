"""Kernel modules: uio, the PMD's, and the kernel side of KNI (seed 2.2)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported

# What a driver stands on; vfio-pci needs no uio.
NEEDED = {"igb_uio": ("uio", "igb_uio"), "uio_pci_generic": ("uio", "uio_pci_generic")}


@pytest.mark.requirement("S13")
def test_the_modules_of_the_pmd_are_loaded(dut: DutState, deployment: Deployment) -> None:
    """Steps: lsmod. Verify: each NIC's DPDK driver, and uio below it where it needs that."""
    drivers = {nic.dpdk_driver for nic in deployment.bench.dut.nics if nic.dpdk_driver}
    if not drivers:
        raise NotSupported("the bench's NICs are software ports: no kernel driver is involved")
    wanted = [m for d in sorted(drivers) for m in NEEDED.get(d, (d.replace("-", "_"),))]
    missing = [module for module in wanted if module not in dut.modules]
    assert not missing, f"kernel modules not loaded: {', '.join(missing)}"


@pytest.mark.requirement("S14")
def test_the_kernel_side_of_kni_is_ready(
    dut: DutState, deployment: Deployment, facts: VersionFacts
) -> None:
    """Steps: rte_kni's carrier parameter, or /dev/vhost-net from 1.10 on.

    Verify: kni devices of this version can exist, with carrier.
    """
    if not any(link.kni for link in deployment.topology.links.values()):
        raise NotApplicable("the topology declares no kni")
    if not deployment.kni:
        raise NotSupported(dut.kni_probe(facts))
    if facts.kni_kind == "rte_kni":
        assert "rte_kni" in dut.modules, "rte_kni is not loaded"
        assert dut.kni_carrier == "on", (
            f"rte_kni was loaded without carrier=on: its parameter says {dut.kni_carrier!r}"
        )
    else:
        assert dut.has_vhost_net, "/dev/vhost-net is missing: modprobe vhost_net"
