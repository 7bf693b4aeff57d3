"""What hosts say of themselves, as far as a bench file has it. Pure: reads one snapshot of each.

What carries the ssh session is left out. What a host cannot know, such as which link a NIC is
plugged into, is left to the person who writes the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from dpvs_acceptance.bringup.management import management_path, pci_devices
from dpvs_acceptance.hosts import facts, iproute, netfacts
from dpvs_acceptance.hosts.snapshot import Snapshot

_BIFURCATED = re.compile(r"mlx[45]_core|mana")
_DPDK_DRIVERS = ("igb_uio", "uio_pci_generic", "vfio-pci")
_WORKERS = 2
_PAGE_KB = 2048


@dataclass(frozen=True, slots=True)
class FoundNic:
    """A NIC of the DUT. why_not: why DPVS must not have it, or empty; `in_use`: its addresses."""

    name: str
    mac: str
    pci: str
    model: str
    kernel_driver: str
    dpdk_driver: str
    speed: int | None
    numa_node: int
    why_not: str = ""
    in_use: str = ""


@dataclass(frozen=True, slots=True)
class FoundDut:
    """The DUT: NICs, CPUs of the lcores (master first), NUMA nodes, hugepages, DPVS."""

    machine_id: str
    nics: tuple[FoundNic, ...]
    cpus: tuple[int, ...]
    numa_nodes: tuple[int, ...]
    hugepages_per_node: int
    home: str | None
    devbind: str | None
    modules_dir: str | None


def found_dut(seen: Snapshot) -> FoundDut:
    """SnapshotError, FactError where the host does not say what has to be known."""
    nodes = facts.numa_nodes(seen.text("numa"))
    nics = tuple(_nics(seen))
    home, devbind = _installed(seen)
    return FoundDut(
        machine_id=seen.text("machine_id").strip(),
        nics=nics,
        cpus=_cpus(seen, nodes, nics),
        numa_nodes=tuple(node.id for node in nodes) or (0,),
        hugepages_per_node=min((_pages(node) for node in nodes), default=1024),
        home=home,
        devbind=devbind,
        modules_dir=_modules(seen),
    )


def tested_interfaces(seen: Snapshot) -> tuple[str, ...]:
    """The interfaces of a client or real server that may be the tested one: not ssh's, not
    software without a link of its own."""
    carried = management_path(seen).interfaces
    devices = netfacts.net_devices(seen.text("net devices"))
    links = iproute.links(seen.text("ip link"))
    return tuple(
        name
        for name, device in devices.items()
        if name != "lo"
        and name not in carried
        and (device.pci is not None or name.split("@")[0].startswith(("eth", "en", "wan", "lan")))
        and name in links
    )


def _nics(seen: Snapshot) -> list[FoundNic]:
    line = management_path(seen)
    devices = netfacts.net_devices(seen.text("net devices"))
    infos = {*facts.module_infos(seen.text("modinfo"))}
    infos |= {"igb_uio"} if _modules(seen) else set()
    iommu = any(function.iommu_group is not None for function in pci_devices(seen).values())
    found = []
    for pci, function in sorted(pci_devices(seen).items()):
        for name in function.interfaces or ("",):
            device = devices.get(name)
            driver = function.driver or ""
            why = line.functions.get(pci) or line.interfaces.get(name) or ""
            if not name or driver in _DPDK_DRIVERS:
                why = f"it has driver {driver or 'none'} and no interface: bind it back first"
            found.append(
                FoundNic(
                    name=name or "unknown",
                    mac=device.mac if device else "00:00:00:00:00:00",
                    pci=pci,
                    model=function.model,
                    kernel_driver=driver,
                    dpdk_driver=_dpdk_driver(driver, infos, iommu=iommu),
                    speed=device.speed if device else None,
                    numa_node=function.numa_node or 0,
                    why_not=why,
                    in_use=_addresses(seen, name),
                )
            )
    return found


def _dpdk_driver(kernel: str, infos: Collection[str], *, iommu: bool) -> str:
    if _BIFURCATED.fullmatch(kernel):
        return kernel
    if "igb_uio" in infos:
        return "igb_uio"
    return "vfio-pci" if iommu or "uio_pci_generic" not in infos else "uio_pci_generic"


def _addresses(seen: Snapshot, name: str) -> str:
    own = [
        str(one.address)
        for one in iproute.addresses(seen.text("ip addr"))
        if one.dev == name and not one.address.ip.is_link_local
    ]
    return ", ".join(own)


def _cpus(
    seen: Snapshot, nodes: tuple[facts.NumaNode, ...], nics: tuple[FoundNic, ...]
) -> tuple[int, ...]:
    """A master and workers: one thread of a core each, on the node of most of the free NICs."""
    cpus = facts.cpus(seen.text("cpu"))
    where = [nic.numa_node for nic in nics if not nic.why_not]
    node = max(sorted({*where}), key=where.count, default=0)
    here = next((one.cpus for one in nodes if one.id == node), cpus.online) & cpus.online
    taken: set[int] = set()
    chosen: list[int] = []
    for cpu in sorted(here or cpus.online):
        siblings = next((one for one in cpus.siblings if cpu in one), frozenset({cpu}))
        if taken & siblings:
            continue
        taken |= siblings
        chosen.append(cpu)
    return tuple(chosen[: _WORKERS + 1]) or (0,)


def _pages(node: facts.NumaNode) -> int:
    """Pages of 2 MiB: half of what is free there, at most the deployment guide's 28672."""
    return max(512, min(28672, node.free_kb // 2 // _PAGE_KB))


def _installed(seen: Snapshot) -> tuple[str | None, str | None]:
    tools = facts.tools(seen.text("tools"))

    def path(name: str) -> str | None:
        tool = tools.get(name)
        return tool.matches[0][1] if tool and tool.matches else None

    dpvs = path("dpvs")
    home = None
    if dpvs is not None and PurePosixPath(dpvs).parent.name == "bin":
        home = str(PurePosixPath(dpvs).parents[1])
    return home, path("dpdk-devbind.py")


def _modules(seen: Snapshot) -> str | None:
    """The folder of igb_uio.ko where DPDK built it; None: modprobe finds it, or it is not there."""
    for info in facts.module_infos(seen.text("modinfo")).values():
        if info.name == "igb_uio" and not info.filename.startswith("/lib/modules"):
            return str(PurePosixPath(info.filename).parent)
    built = seen.get("built modules").stdout.split() if "built modules" in seen.sections else []
    return str(PurePosixPath(built[0]).parent) if built else None
