"""Kernel modules: uio, the PMD's, and the kernel side of KNI (deployment guide, 2.2)."""

from __future__ import annotations

from dpvs_acceptance.testbed import KNI, KNI_DECLARED, PCI_NICS, LoadBalancer
from fixtures.checks import needs, requirement

# The modules that a driver needs; vfio-pci needs no uio.
NEEDED = {"igb_uio": ("uio", "igb_uio"), "uio_pci_generic": ("uio", "uio_pci_generic")}


@requirement("S13", core=True)
@needs(PCI_NICS)
def test_the_modules_of_the_pmd_are_loaded(lb: LoadBalancer) -> None:
    """Steps: lsmod. Verify: each NIC's DPDK driver is loaded, and uio where the driver needs it."""
    drivers = {nic.dpdk_driver for nic in lb.bench.dut.nics if nic.dpdk_driver}
    wanted = [m for d in sorted(drivers) for m in NEEDED.get(d, (d.replace("-", "_"),))]
    missing = [module for module in wanted if module not in lb.state.modules]
    assert not missing, f"kernel modules not loaded: {', '.join(missing)}"


@requirement("S14", core=True)
@needs(KNI_DECLARED, KNI)
def test_the_kernel_side_of_kni_is_ready(lb: LoadBalancer) -> None:
    """Steps: rte_kni's carrier parameter, or vhost_net and its device file from 1.10 on.

    Verify: kni devices of this version can exist, with carrier.
    """
    if lb.version.kni_kind == "rte_kni":
        assert "rte_kni" in lb.state.modules, "rte_kni is not loaded"
        parameter = lb.host.file("/sys/module/rte_kni/parameters/carrier")
        carrier = parameter.content_string.strip() if parameter.exists else ""
        assert carrier == "on", (
            f"rte_kni was loaded without carrier=on: its parameter is {carrier!r}"
        )
    else:
        # systemd makes the device file at each boot, with or without the module.
        assert lb.host.file("/sys/module/vhost_net").exists, (
            "vhost_net is not loaded: modprobe vhost_net"
        )
        assert lb.host.file("/dev/vhost-net").exists, (
            "/dev/vhost-net is missing: modprobe vhost_net"
        )
