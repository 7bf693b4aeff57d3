"""The emulated hardware as files: sysfs, and the few of /proc about hardware.

Paths are those below `sys/` and `proc/`; what a write to a file means is its `store`, read by
`controls`. Layouts are Linux's (Documentation/ABI); what is not emulated shines through.
In `ready/` are answers of commands that are asked so often that starting an interpreter each time
would tell.
"""

from collections.abc import Mapping

from softlab.emulated import modules, pci
from softlab.emulated.catalogue import BUILT_IN
from softlab.emulated.commands import lspci
from softlab.emulated.files_of_memory import memory_and_cpus
from softlab.emulated.files_of_pci import REAL_SYSFS, lspci_answer, netdevs, pci_bus
from softlab.emulated.state import Hardware
from softlab.emulated.text import text
from softlab.emulated.tree import Directory, Entry, File, Link, Tree


def render(hardware: Hardware, interfaces: Mapping[str, str]) -> Tree:
    """All files for this state; `interfaces` maps those of the host to their PCI addresses."""
    shown = {
        name: hardware.devices[address]
        for name, address in interfaces.items()
        if pci.has_netdev(hardware.devices[address])
    }
    return Tree.of(
        {
            "": Directory(),
            "sys": Directory(REAL_SYSFS),
            "sys/bus": Directory(f"{REAL_SYSFS}/bus"),
            "sys/class": Directory(f"{REAL_SYSFS}/class", hide=("uio",)),
            "sys/class/net": Directory(f"{REAL_SYSFS}/class/net"),
            "sys/class/iommu": Directory(),
            **({"sys/class/iommu/dmar0": Directory()} if hardware.iommu else {}),
            "sys/devices": Directory(f"{REAL_SYSFS}/devices", hide=("pci*",)),
            "sys/devices/system": Directory(f"{REAL_SYSFS}/devices/system"),
            "sys/devices/virtual": Directory(f"{REAL_SYSFS}/devices/virtual"),
            "sys/devices/virtual/net": Directory(
                f"{REAL_SYSFS}/devices/virtual/net", hide=tuple(shown)
            ),
            "sys/kernel": Directory(f"{REAL_SYSFS}/kernel"),
            "sys/kernel/mm": Directory(f"{REAL_SYSFS}/kernel/mm"),
            **memory_and_cpus(hardware),
            **pci_bus(hardware),
            **netdevs(shown),
            **_modules(hardware),
            "proc/modules": File(_proc_modules(hardware).encode()),
            f"ready/lspci{lspci.ASKED_OFTEN}": File(lspci_answer(hardware).encode()),
        }
    )


def _modules(hardware: Hardware) -> dict[str, Entry]:
    found: dict[str, Entry] = {"sys/module": Directory()}
    found |= {f"sys/module/{name}": Directory() for name in BUILT_IN}
    for row in modules.rows(hardware):
        here = f"sys/module/{row.name}"
        entry = hardware.modules[row.name]
        found[f"{here}/coresize"] = text(row.size)
        found[f"{here}/initsize"] = text(0)
        found[f"{here}/initstate"] = text("live")
        found[f"{here}/refcnt"] = text(row.uses)
        found[f"{here}/taint"] = text("OE" if entry.module.path is None else "")
        found[f"{here}/holders"] = Directory()
        if entry.module.version:
            found[f"{here}/version"] = text(entry.module.version)
        for other in row.holders:
            found[f"{here}/holders/{other}"] = Link(f"../../{other}")
        for parameter, value in entry.parameters.items():
            found[f"{here}/parameters/{parameter}"] = text(
                value, "module_parameter", row.name, parameter
            )
    return found


def _proc_modules(hardware: Hardware) -> str:
    return "".join(
        f"{row.name} {row.size} {row.uses} {','.join((*row.holders, '')) or '-'} "
        "Live 0x0000000000000000\n"
        for row in modules.rows(hardware)
    )
