"""The emulated hardware as one frozen value: what it is, and what is loaded, bound and reserved.

The transitions are pure functions from one `Hardware` to the next, kept by subject: `memory`
(hugepages), `modules` (kernel modules), `pci` (devices and drivers), all here in the package. They
raise `RefusedError` with the errno that Linux gives for the same request.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from softlab.emulated.catalogue import (
    FIXED_DEVICES,
    LOADED_AT_BOOT,
    MODULES,
    ROOT_PORT_MODEL,
    SUBSYSTEMS,
    Module,
)
from softlab.emulated.spec import CORES_PER_SOCKET, Nic, Spec

#: The sizes of hugepages of the platform, in kB.
PAGE_SIZES: Final = (2048, 1048576)
#: What system and kernel use of each node before any hugepage, in MB; with 28672 pages of 2 MB
#: taken the article's two nodes then show the free memory of its `numactl -H` (seed 2.1.3).
_SYSTEM_MB: Final = {0: 2153, 1: 1391}
_SYSTEM_MB_ELSEWHERE: Final = 1391


class RefusedError(Exception):
    """The kernel would refuse this: `errno` as from the system call, `text` says why.

    `logged` where the kernel also writes that text to its log.
    """

    def __init__(self, errno: int, text: str, *, logged: bool = False) -> None:
        super().__init__(f"{os.strerror(errno)}: {text}")
        self.errno = errno
        self.text = text
        self.logged = logged


@dataclass(frozen=True, slots=True)
class Node:
    """A NUMA node: `total_mb` of memory, of which `system_mb` are in use before any hugepage."""

    number: int
    total_mb: int
    system_mb: int


@dataclass(frozen=True, slots=True)
class PciDevice:
    """One PCI function. `parent` is its directory's parent below /sys/devices.

    `driver` is the one that has it now, `override` what driver_override says. A NIC has `nic`;
    its netdev is then visible exactly while a network driver has the device.
    """

    address: str
    parent: str
    class_code: int
    model: tuple[int, int]
    subsystem: tuple[int, int]
    revision: int
    numa_node: int
    driver: str | None
    override: str | None = None
    nic: Nic | None = None

    @property
    def directory(self) -> str:
        return f"{self.parent}/{self.address}"


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A module in the kernel, with the values of its parameters."""

    module: Module
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hardware:
    """Everything emulated, at one moment.

    `hugepages`: (node, size in kB) to the number of pages asked for and granted. `reserved`: who
    (a number) to the pages held there. `opened`: who to the modules whose device files are open.
    `files`: pages that files of hugetlbfs keep after the process that made them, by path.
    `modules` is in order of loading. `dynamic_ids`: driver to what was written to its new_id.
    `log` is the kernel's, a line per entry.
    """

    release: str
    iommu: bool
    smt: str
    nodes: Mapping[int, Node]
    hugepages: Mapping[tuple[int, int], int]
    reserved: Mapping[int, Mapping[tuple[int, int], int]]
    files: Mapping[str, Mapping[tuple[int, int], int]]
    devices: Mapping[str, PciDevice]
    modules: Mapping[str, LoadedModule]
    opened: Mapping[int, tuple[str, ...]]
    dynamic_ids: Mapping[str, tuple[tuple[int, int], ...]]
    log: tuple[str, ...]


def power_on(spec: Spec, release: str) -> Hardware:
    """The machine as it is after booting kernel `release`: no hugepages, NICs with the kernel."""
    return Hardware(
        release=release,
        iommu=spec.iommu,
        smt="on" if spec.smt else "notsupported",
        nodes={
            number: Node(number, size, min(_SYSTEM_MB.get(number, _SYSTEM_MB_ELSEWHERE), size // 2))
            for number, size in sorted(spec.nodes.items())
        },
        hugepages={},
        reserved={},
        files={},
        devices=_devices(spec),
        modules={
            name: LoadedModule(MODULES[name], defaults(MODULES[name])) for name in LOADED_AT_BOOT
        },
        opened={},
        dynamic_ids={},
        log=(
            f"Linux version {release} (mockbuild@kbuilder.bsys.centos.org)",
            "DMI: Dell Inc. PowerEdge R630, BIOS 2.8.0 05/23/2018",
            *(f"{nic.driver} {nic.pci} {nic.name}: Intel(R) network port" for nic in spec.nics),
        ),
    )


def defaults(module: Module) -> dict[str, str]:
    """The values of a module's parameters when none is given."""
    return {name: value for name, (_, _, value) in module.parameters.items()}


def logged(hardware: Hardware, *lines: str) -> Hardware:
    """With lines added to the kernel's log."""
    return replace(hardware, log=(*hardware.log, *lines))


def cpus(hardware: Hardware) -> dict[int, tuple[int, int]]:
    """Every CPU that is on line: number to (socket, core), numbered as the R630 numbers them.

    Cores alternate between the sockets; second threads, where SMT is on, follow after all cores.
    """
    sockets = len(hardware.nodes)
    cores = CORES_PER_SOCKET * sockets
    count = cores * (2 if hardware.smt == "on" else 1)
    return {cpu: (cpu % cores % sockets, cpu % cores // sockets) for cpu in range(count)}


def _devices(spec: Spec) -> dict[str, PciDevice]:
    """All PCI devices by address: the host's own, a root port per bus with a card, the NICs."""
    found: dict[str, PciDevice] = {}
    ports: dict[str, int] = {}
    nodes = {nic.pci[5:7]: nic.numa_node for nic in spec.nics}
    nodes |= {
        fixed.address[5:7]: fixed.numa_node
        for fixed in FIXED_DEVICES
        if not fixed.address.startswith("0000:00:")
    }
    parents = {"00": "pci0000:00"}
    for bus, node in sorted(nodes.items()):
        root = f"{0x80 * min(node, 1):02x}"
        ports[root] = ports.get(root, 0) + 1
        port = f"0000:{root}:{ports[root]:02x}.0"
        found[port] = PciDevice(
            port, f"pci0000:{root}", 0x060400, ROOT_PORT_MODEL, (0, 0), 1, node, "pcieport"
        )
        parents[bus] = f"pci0000:{root}/{port}"
    for fixed in FIXED_DEVICES:
        found[fixed.address] = PciDevice(
            fixed.address,
            parents[fixed.address[5:7]],
            fixed.class_code,
            fixed.model,
            fixed.subsystem,
            fixed.revision,
            fixed.numa_node,
            fixed.driver,
        )
    for nic in spec.nics:
        found[nic.pci] = PciDevice(
            nic.pci,
            parents[nic.pci[5:7]],
            0x020000,
            nic.model,
            SUBSYSTEMS.get(nic.model, (0x8086, 0x0001)),
            0x01,
            nic.numa_node,
            nic.driver,
            nic=nic,
        )
    return dict(sorted(found.items()))
