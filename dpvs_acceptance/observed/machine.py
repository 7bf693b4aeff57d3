"""State of the machine and its distribution in one snapshot of the DUT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dpvs_acceptance.dpvs.addresses import IPInterface
from dpvs_acceptance.dpvs.devbind import Device, parse_status
from dpvs_acceptance.hosts import facts, iproute, netfacts, processes
from dpvs_acceptance.hosts.boot_files import read_boot_files
from dpvs_acceptance.hosts.facts import HugepagePool, Module, ModuleInfo, Mount, NumaNode, Tool
from dpvs_acceptance.hosts.netfacts import NetDevice, PciDevice
from dpvs_acceptance.hosts.processes import Process
from dpvs_acceptance.hosts.snapshot import SnapshotReader
from dpvs_acceptance.observed.boot.sequence import Boot, boot


class MachineState:
    """State of the DUT that does not come from DPVS's tools."""

    def __init__(self, snapshot: SnapshotReader) -> None:
        self.snapshot = snapshot

    @property
    def kernel(self) -> str:
        """The running kernel, from `uname -r`."""
        return self.snapshot.text("uname -r").strip()

    @property
    def platform(self) -> str:
        """What DMI and the CPU say that the machine is; empty where they say nothing."""
        if "platform" not in self.snapshot.sections:
            return ""
        return ", ".join(self.snapshot.text("platform").split("\n")).strip(", ")

    @property
    def binaries(self) -> Mapping[str, str]:
        """SHA-256 of dpvs and its tools, by path."""
        if "binaries" not in self.snapshot.sections:
            return {}
        lines = self.snapshot.text("binaries").splitlines()
        return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}

    @property
    def descriptor_limit_refused(self) -> str:
        """Why this machine does not allow the required descriptor limit; empty if it does."""
        section = self.snapshot.get("descriptor limit")
        if section.ok and not section.stderr:
            return ""
        return f"hard limit {section.stdout.strip()}; {section.stderr.strip()}"

    @cached_property
    def cpus(self) -> facts.Cpus:
        return facts.cpus(self.snapshot.text("cpu"))

    @cached_property
    def numa_nodes(self) -> Mapping[int, NumaNode]:
        return {node.id: node for node in facts.numa_nodes(self.snapshot.text("numa"))}

    def hugepages(self, node: int, size_kb: int) -> HugepagePool:
        """The pool of a node; an empty one if the kernel has none of that size."""
        for pool in facts.hugepages(self.snapshot.text("hugepages")):
            if (pool.node, pool.size_kb) == (node, size_kb):
                return pool
        return HugepagePool(node, size_kb, 0, 0)

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        return facts.mounts(self.snapshot.text("/proc/mounts"))

    @cached_property
    def boot(self) -> Boot:
        """What a boot of this machine does, by the files that it reads."""
        return boot(read_boot_files(self.snapshot.text("boot files")))

    @cached_property
    def modules(self) -> Mapping[str, Module]:
        """Loaded kernel modules; none if the kernel does not support modules."""
        return facts.modules(self.snapshot.text("lsmod")) if self.lists_modules else {}

    @property
    def lists_modules(self) -> bool:
        """Whether this kernel has loadable modules at all."""
        return self.snapshot.get("lsmod").ok

    @cached_property
    def module_infos(self) -> Mapping[str, ModuleInfo]:
        return facts.module_infos(self.snapshot.text("modinfo"))

    @property
    def vhost_net(self) -> str:
        """The output of `ls` for /dev/vhost-net."""
        section = self.snapshot.get("vhost-net")
        return (section.stdout + section.stderr).strip()

    @property
    def has_vhost_net(self) -> bool:
        """Whether the module is there, loaded or built in; the device file alone says nothing."""
        if "/sys/module/vhost_net" not in self.vhost_net.splitlines():
            return False
        return any(
            line.startswith(("c", "-")) and line.endswith(" /dev/vhost-net")
            for line in self.vhost_net.splitlines()
        )

    @cached_property
    def net_devices(self) -> Mapping[str, NetDevice]:
        return netfacts.net_devices(self.snapshot.text("net devices"))

    @cached_property
    def pci_devices(self) -> Mapping[str, PciDevice]:
        """All network devices on PCI, by address."""
        return netfacts.pci_devices(self.snapshot.text("pci net"))

    def pci_driver(self, pci: str) -> str | None:
        device = self.pci_devices.get(pci)
        return device.driver if device else None

    @cached_property
    def devbind(self) -> tuple[Device, ...]:
        return parse_status(self.snapshot.text("dpdk-devbind.py --status"))

    @cached_property
    def interface_addresses(self) -> Mapping[str, tuple[IPInterface, ...]]:
        """The kernel's addresses by interface."""
        found: dict[str, tuple[IPInterface, ...]] = {}
        for one in iproute.addresses(self.snapshot.text("ip addr")):
            found[one.dev] = (*found.get(one.dev, ()), one.address)
        return found

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        return facts.tools(self.snapshot.text("tools"))

    @cached_property
    def patches(self) -> tuple[facts.Patch, ...]:
        return facts.patches(self.snapshot.text("patches"))

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """Processes named dpvs."""
        return processes.process_details(self.snapshot.text("dpvs process"))


@dataclass(frozen=True)
class ServerState:
    """State of a real server in one snapshot."""

    snapshot: SnapshotReader

    @property
    def modules(self) -> Mapping[str, Module]:
        return facts.modules(self.snapshot.text("lsmod"))

    @cached_property
    def boot(self) -> Boot:
        """What a boot of this host does, by the files that it reads."""
        return boot(read_boot_files(self.snapshot.text("boot files")))
