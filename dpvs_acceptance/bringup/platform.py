"""Steps that prepare a machine for DPVS (deployment guide 2.1.3 to 2.2)."""

from __future__ import annotations

import shlex

from dpvs_acceptance.bringup.interfaces import keep
from dpvs_acceptance.bringup.reboot import mount_at_boot, run_at_boot
from dpvs_acceptance.bringup.shell import (
    loaded,
    sh,
    unload,
    unload_what_modprobe_loads,
)
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.nics import Nic


def hugepages(deployment: Deployment) -> list[Change]:
    """Hugepages on every NUMA node and hugetlbfs, also after a reboot (guide 2.1.3)."""
    wanted = deployment.topology.hugepages
    mount = wanted.mount
    mounted = f"grep -qE {shlex.quote(f'^[^ ]+ {mount} hugetlbfs ')} /proc/mounts"
    options = " -o pagesize=1G" if wanted.size_kb == 1048576 else ""
    changes = []
    for node in deployment.bench.dut.numa_nodes:
        pool = (
            f"/sys/devices/system/node/node{node}/hugepages/"
            f"hugepages-{wanted.size_kb}kB/nr_hugepages"
        )
        enough = f'[ "$(cat {pool})" -ge {deployment.hugepages_per_node} ]'
        changes.append(
            Change(
                id=f"hugepages.node{node}",
                title=f"reserve {deployment.hugepages_per_node} hugepages on NUMA node {node}",
                done=enough,
                capture_undo=_give_back(node, wanted.size_kb, pool),
                apply=f"echo {deployment.hugepages_per_node} >{pool}",
                verify=f"echo node{node} has $(cat {pool}) pages; {enough}",
            )
        )
    changes.append(
        Change(
            id="hugetlbfs.mount",
            title=f"mount hugetlbfs on {mount}",
            done=mounted,
            capture_undo=(
                f"echo {shlex.quote(f'! {mounted} || umount {mount}')}; "
                f"[ -d {mount} ] || echo '[ ! -d {mount} ] || rmdir {mount}'"
            ),
            apply=f"mkdir -p {mount} && mount -t hugetlbfs{options} nodev {mount}",
        )
    )
    changes.append(mount_at_boot("hugetlbfs.fstab", mount, wanted.size_kb))
    return changes


def _give_back(node: int, size_kb: int, pool: str) -> str:
    """Prints the undo of a pool, which waits until the kernel has the pages back.

    Pages in use stay as surplus pages, without an error: the undo then names the files that may
    hold them.
    """
    said = f"node{node} has $(cat {pool}) hugepages of {size_kb} kB, not $was as before"
    files = (
        "$(awk '$3 == \"hugetlbfs\" { print $2 }' /proc/mounts | "
        "while read -r d; do ls -d $d/* 2>/dev/null; done | head -n 3 | tr '\\n' ' ')"
    )
    undo = (
        f"echo $was >{pool}; n=0; "
        f'while [ "$(cat {pool})" -gt $was ] && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done; '
        f'[ "$(cat {pool})" -le $was ] || '
        f'{{ echo "{said}: still in use, files of hugetlbfs: {files}"; exit 1; }}'
    )
    return f'echo "was=$(cat {pool})"; echo {shlex.quote(undo)}'


def open_files(deployment: Deployment) -> list[Change]:
    """The descriptor limit after a reboot (guide 2.1.4); dpvs gets it at its start."""
    return [run_at_boot("limits.reboot", f"ulimit -n {deployment.topology.open_files}")]


def modules(deployment: Deployment, facts: VersionFacts) -> list[Change]:
    """uio, the PMD's module, and the kernel side of KNI (guide 2.2).

    Modules that DPDK builds come from the bench's `modules_dir`, or without it from /lib/modules.
    """
    directory = deployment.bench.dut.dpvs.modules_dir
    drivers = sorted({nic.dpdk_driver for nic in deployment.bench.dut.nics if nic.dpdk_driver})
    changes = []
    for driver in drivers:
        if driver == "igb_uio":
            changes += [_modprobe("uio"), _built(directory, driver)]
        else:
            changes.append(_modprobe(driver))
        if driver == "vfio-pci":
            changes.append(_without_iommu())
    if not deployment.kni:
        return changes
    if facts.kni_kind == "rte_kni":
        changes.append(_built(directory, "rte_kni", "carrier=on"))
    else:
        # On a machine with systemd the device file is there without the module.
        changes.append(
            Change(
                id="module.vhost_net",
                title="load kernel module vhost_net for the kni devices",
                done="[ -e /sys/module/vhost_net ] && [ -e /dev/vhost-net ]",
                capture_undo=unload_what_modprobe_loads("vhost_net"),
                apply="modprobe vhost_net",
            )
        )
    return changes


def _modprobe(module: str, *parameters: str) -> Change:
    return Change(
        id=f"module.{module}",
        title=f"load kernel module {module}",
        done=loaded(module.replace("-", "_")),
        capture_undo=unload_what_modprobe_loads(module),
        apply=sh("modprobe", module, *parameters),
    )


def _built(directory: str | None, module: str, *parameters: str) -> Change:
    if directory is None:
        return _modprobe(module, *parameters)
    return Change(
        id=f"module.{module}",
        title=f"load kernel module {module}",
        done=loaded(module),
        undo=unload(module),
        apply=sh("insmod", f"{directory}/{module}.ko", *parameters),
    )


def _without_iommu() -> Change:
    """With no IOMMU, vfio refuses every device unless this mode is on."""
    mode = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
    return Change(
        id="vfio.noiommu",
        title="let vfio work without an IOMMU, where none is on",
        done=f'[ -n "$(ls /sys/class/iommu 2>/dev/null)" ] || [ "$(cat {mode})" = Y ]',
        capture_undo=f'echo "! [ -e {mode} ] || echo $(cat {mode} || echo N) >{mode}"',
        apply=(
            f"[ -e {mode} ] || {{ echo 'no IOMMU is on, and this kernel has no mode of vfio "
            "without one (CONFIG_VFIO_NOIOMMU): boot with intel_iommu=on or amd_iommu=on, or "
            f"declare another dpdk_driver'; exit 1; }}; echo Y >{mode}"
        ),
    )


def bindings(deployment: Deployment) -> list[Change]:
    """Binds the bench's PCI NICs to their DPDK drivers, never by force (guide 2.2).

    A bifurcated driver, such as mlx5_core, serves DPDK and the kernel at once: it stays.
    """
    devbind = deployment.bench.dut.dpvs.devbind or "dpdk-devbind.py"
    nics = deployment.bench.dut.nics
    return [_bind(one, devbind) for one in nics if one.pci is not None and not one.bifurcated]


def _bind(nic: Nic, devbind: str) -> Change:
    device = f"/sys/bus/pci/devices/{nic.pci}"
    driver = f"{device}/driver"
    bound = f'[ "$(basename "$(readlink {driver})")" = {nic.dpdk_driver} ]'
    # A killed dpdk-devbind.py leaves a driver_override that prevents any other driver.
    back = (
        f"! [ -e {device}/driver_override ] || echo >{device}/driver_override; "
        f"{sh(devbind, '-b', nic.kernel_driver, nic.pci)}; "
        # Its exit status is 0 also where a driver did not take the device.
        f'now=$(basename "$(readlink {driver})"); [ "$now" = {nic.kernel_driver} ] || '
        f'{{ echo "{nic.pci} has driver ${{now:-none}}, not {nic.kernel_driver}"; false; }}'
    )
    return Change(
        id=f"bind.{nic.pci}",
        title=f"bind {nic.pci} ({nic.name}, {nic.mac}) to {nic.dpdk_driver}",
        done=bound,
        capture_undo=f"echo {shlex.quote(f'{{ {back}; }} || exit')}\n{keep(nic.name)}",
        apply=f"ip link set dev {nic.name} down && {sh(devbind, '-b', nic.dpdk_driver, nic.pci)}",
    )
