"""Whether settings survive a reboot, derived from the files that are read at boot, in their order.

The deployment guide makes the mount of hugetlbfs and the descriptor limit permanent. It
sets hugepages and loads modules by hand; they are checked only if a boot file mentions them.
"""

from __future__ import annotations

from dpvs_acceptance.observed.boot import lasting
from dpvs_acceptance.observed.boot.lasting import AfterBoot
from dpvs_acceptance.testbed import LoadBalancer
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported
from fixtures.checks import requirement

# What a driver stands on; vfio-pci needs no uio.
NEEDED = {"igb_uio": ("uio", "igb_uio"), "uio_pci_generic": ("uio", "uio_pci_generic")}


@requirement("S10")
def test_hugetlbfs_is_mounted_at_boot(lb: LoadBalancer) -> None:
    """Steps: fstab, mount units, rc.local, units, cron, in a boot's order. Verify: hugetlbfs of the
    topology's page size is mounted at its mount point in the end, with nothing on top."""
    answer = _hugetlbfs(lb)
    assert answer.holds, f"after a reboot hugetlbfs is missing: {answer}"


@requirement("S12")
def test_the_descriptor_limit_is_set_at_boot(lb: LoadBalancer) -> None:
    """Steps: rc.local, limits.conf and limits.d, systemd's units and defaults, in the order of a
    boot.

    Verify: if dpvs is started at boot, it has the limit; if not, one of these gives the limit to
    the user who starts it by hand.
    """
    wanted = lb.topology.open_files
    answer = lasting.open_files(lb.state.boot, wanted)
    assert answer.holds, f"after a reboot the descriptor limit of {wanted} is lost: {answer}"


@requirement("S09")
def test_no_boot_file_sets_other_hugepages(lb: LoadBalancer) -> None:
    """Steps: kernel command line, sysctl.d, tmpfiles.d, rc.local, units, cron, in a boot's order.

    Verify: if any of them is about hugepages, each node has those of the topology in the end.
    """
    answer = _hugepages(lb)
    assert answer.holds or not answer.named, f"after a reboot hugepages are missing: {answer}"


@requirement("S13")
def test_no_boot_file_keeps_the_modules_of_the_pmd_out(lb: LoadBalancer) -> None:
    """Steps: modules-load.d, modprobe.d, kernel command line, rc.local, units, in a boot's order.

    Verify: if any of them is about uio or a NIC's DPDK driver, that is loaded in the end.
    """
    answers = _drivers(lb)
    if not answers:
        raise NotSupported("the bench's NICs are software ports: no kernel driver is involved")
    lost = [str(one) for one in answers.values() if one.named and not one.holds]
    assert not lost, "after a reboot modules are missing: " + "\n".join(lost)


@requirement("S14")
def test_no_boot_file_keeps_the_kernel_side_of_kni_out(lb: LoadBalancer) -> None:
    """Steps: the same files. Verify: if any of them is about rte_kni (vhost_net from 1.10 on), that
    is loaded in the end, rte_kni with carrier=on."""
    if not any(link.kni for link in lb.topology.links.values()):
        raise NotApplicable("the topology declares no kni")
    if not lb.deployment.kni:
        raise NotSupported(lb.state.kni_probe(lb.version))
    in_kernel = lb.version.kni_kind == "rte_kni"
    name, wanted = ("rte_kni", {"carrier": "on"}) if in_kernel else ("vhost_net", None)
    answer = lasting.module(lb.state.boot, name, wanted)
    assert answer.holds or not answer.named, f"after a reboot {name} is missing: {answer}"


@requirement("S22")
def test_a_boot_that_starts_dpvs_has_made_ready_for_it(lb: LoadBalancer) -> None:
    """Steps: units, rc.local, cron, in the order of a boot.

    Verify: if dpvs is started at boot, it is started once, as root, and certainly after hugepages,
    hugetlbfs and the modules of the PMD.
    """
    needs = {"hugepages": _hugepages(lb), "hugetlbfs": _hugetlbfs(lb), **_drivers(lb)}
    answer = lasting.started_in_order(lb.state.boot, needs)
    assert answer.holds, f"dpvs is not started at boot: {answer}"


def _hugetlbfs(lb: LoadBalancer) -> AfterBoot:
    wanted = lb.topology.hugepages
    return lasting.hugetlbfs(lb.state.boot, wanted.mount, wanted.size_kb)


def _hugepages(lb: LoadBalancer) -> AfterBoot:
    nodes, size_kb = lb.bench.dut.numa_nodes, lb.topology.hugepages.size_kb
    return lasting.hugepages(lb.state.boot, nodes, size_kb, lb.deployment.hugepages_per_node)


def _drivers(lb: LoadBalancer) -> dict[str, AfterBoot]:
    """By module: the NICs' DPDK drivers, and what they stand on."""
    drivers = {nic.dpdk_driver for nic in lb.bench.dut.nics if nic.dpdk_driver}
    names = [m for d in sorted(drivers) for m in NEEDED.get(d, (d.replace("-", "_"),))]
    return {name: lasting.module(lb.state.boot, name) for name in names}
