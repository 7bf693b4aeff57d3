"""Kernel modules: loading, removing, dependencies, use counts; refusals as init_module(2)'s."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from softlab.emulated import pci
from softlab.emulated.catalogue import BUILT_IN, MODULES, STATIC_NODES, Module
from softlab.emulated.state import Hardware, LoadedModule, RefusedError, defaults, logged


@dataclass(frozen=True, slots=True)
class Row:
    """One line of lsmod: `uses` counts holders and open device files together."""

    name: str
    size: int
    uses: int
    holders: tuple[str, ...]


def canonical(name: str) -> str:
    """The kernel's own spelling: vfio-pci is the module vfio_pci."""
    return name.replace("-", "_")


def vermagic(release: str) -> str:
    """What a module built for the kernel `release` says it was built for."""
    return f"{release} SMP mod_unload modversions "


def holders(hardware: Hardware, name: str) -> tuple[str, ...]:
    """The loaded modules that need `name`, the last loaded first."""
    return tuple(
        other
        for other, entry in reversed(list(hardware.modules.items()))
        if name in entry.module.depends
    )


def uses(hardware: Hardware, name: str) -> int:
    """A module's use count: other modules, and processes that have a device file of it open."""
    opened = sum(names.count(name) for names in hardware.opened.values())
    return len(holders(hardware, name)) + opened


def rows(hardware: Hardware) -> tuple[Row, ...]:
    """What /proc/modules lists, the last loaded first."""
    return tuple(
        Row(name, entry.module.size, uses(hardware, name), holders(hardware, name))
        for name, entry in reversed(list(hardware.modules.items()))
    )


def load(hardware: Hardware, module: Module, magic: str, arguments: Sequence[str]) -> Hardware:
    """Load one module whose file says `magic`, with arguments such as carrier=on.

    Raises RefusedError: EEXIST (loaded or built in), ENOEXEC (built for another kernel), ENOENT (a
    symbol of a module that is not loaded), EINVAL (a value that the module rejects).
    """
    name = module.name
    if name in hardware.modules or name in BUILT_IN:
        raise RefusedError(errno.EEXIST, f"{name} is there already")
    if magic.split()[:1] != [hardware.release]:
        wanted = vermagic(hardware.release)
        text = f"{name}: version magic '{magic}' should be '{wanted}'"
        raise RefusedError(errno.ENOEXEC, text, logged=True)
    for needed in module.depends:
        if needed not in hardware.modules:
            text = f"{name}: Unknown symbol of {needed} (err 0)"
            raise RefusedError(errno.ENOENT, text, logged=True)
    values, lines = _values(module, arguments)
    after = replace(hardware, modules={**hardware.modules, name: LoadedModule(module, values)})
    after = logged(after, *lines, *_greeting(module))
    return after if module.driver is None else pci.attach_all(after, module.driver)


def load_with_dependencies(hardware: Hardware, name: str, arguments: Sequence[str]) -> Hardware:
    """What modprobe does: what the module needs first; a module that is loaded is no error.

    Raises RefusedError: ENOENT for a module that /lib/modules does not have, else as `load`.
    """
    name = canonical(name)
    if name in hardware.modules or name in BUILT_IN:
        return hardware
    module = MODULES.get(name)
    if module is None or module.path is None:
        raise RefusedError(errno.ENOENT, f"Module {name} not found")
    for needed in module.depends:
        hardware = load_with_dependencies(hardware, needed, ())
    return load(hardware, module, vermagic(hardware.release), arguments)


def remove(hardware: Hardware, name: str) -> Hardware:
    """Unload a module; devices of a driver in it are left without one.

    Raises RefusedError: ENOENT (not loaded), EBUSY (in use).
    """
    name = canonical(name)
    if name not in hardware.modules:
        raise RefusedError(errno.ENOENT, f"Module {name} is not currently loaded")
    if uses(hardware, name):
        by = " ".join(holders(hardware, name))
        raise RefusedError(errno.EBUSY, f"Module {name} is in use" + (f" by: {by}" if by else ""))
    driver = hardware.modules[name].module.driver
    left = {key: entry for key, entry in hardware.modules.items() if key != name}
    after = replace(hardware, modules=left)
    return after if driver is None else pci.detach_all(after, driver)


def remove_with_unused(hardware: Hardware, name: str) -> Hardware:
    """What modprobe -r does: the module, then what it needed and is not needed any more.

    Not being loaded is no error. Raises RefusedError (EBUSY).
    """
    name = canonical(name)
    if name not in hardware.modules:
        return hardware
    needed = hardware.modules[name].module.depends
    hardware = remove(hardware, name)
    for other in needed:
        if other in hardware.modules and not uses(hardware, other):
            hardware = remove_with_unused(hardware, other)
    return hardware


def set_parameter(hardware: Hardware, name: str, parameter: str, text: str) -> Hardware:
    """A write to /sys/module/NAME/parameters/PARAMETER. Raises RefusedError (EINVAL)."""
    entry = hardware.modules[name]
    value = _value(entry.module, parameter, text.strip())
    changed = replace(entry, parameters={**entry.parameters, parameter: value})
    return replace(hardware, modules={**hardware.modules, name: changed})


def device_nodes(hardware: Hardware) -> frozenset[str]:
    """The device files below /dev that exist by what is loaded and bound."""
    nodes = {node for entry in hardware.modules.values() for node in entry.module.nodes}
    nodes |= {*STATIC_NODES}
    nodes |= {f"uio{number}" for number in uio_numbers(hardware).values()}
    if "vfio" in hardware.modules:
        prefix = "" if hardware.iommu else "noiommu-"
        nodes |= {
            f"vfio/{prefix}{number}"
            for number, device in enumerate(pci.dpdk_ports(hardware))
            if device.driver == "vfio-pci"
        }
    return frozenset(nodes)


def uio_numbers(hardware: Hardware) -> dict[str, int]:
    """PCI address to N of /dev/uioN for every device that a uio driver has."""
    devices = [device.address for device in pci.dpdk_ports(hardware) if device.driver != "vfio-pci"]
    return {address: number for number, address in enumerate(devices)}


def open_device(hardware: Hardware, who: int, node: str) -> Hardware:
    """`who` opens /dev/`node`: its module is in use until `memory.release`.

    A module that has a static node is loaded by that.
    Raises RefusedError (ENOENT) when there is no such file.
    """
    if node in STATIC_NODES:
        hardware = load_with_dependencies(hardware, STATIC_NODES[node], ())
    for name, entry in hardware.modules.items():
        if node in entry.module.nodes:
            return _opened(hardware, who, (name,))
    raise RefusedError(errno.ENOENT, f"/dev/{node}")


def open_ports(hardware: Hardware, who: int) -> Hardware:
    """`who` (a DPDK process) takes all ports that are bound for DPDK."""
    of_driver = {m.driver: m.name for m in MODULES.values() if m.driver is not None}
    drivers = (device.driver for device in pci.dpdk_ports(hardware))
    names = tuple(of_driver[driver] for driver in drivers if driver is not None)
    return _opened(hardware, who, names)


def _opened(hardware: Hardware, who: int, names: tuple[str, ...]) -> Hardware:
    now = hardware.opened.get(who, ())
    return replace(hardware, opened={**hardware.opened, who: (*now, *names)})


def _values(module: Module, arguments: Sequence[str]) -> tuple[Mapping[str, str], list[str]]:
    values, lines = defaults(module), []
    for argument in arguments:
        name, _, text = argument.partition("=")
        if canonical(name) in values:
            values[canonical(name)] = _value(module, canonical(name), text)
        else:
            # Linux loads such a module all the same; only the log says so.
            lines.append(f"{module.name}: unknown parameter '{name}' ignored")
    return values, lines


def _value(module: Module, parameter: str, text: str) -> str:
    kind = module.parameters[parameter][1]
    text = text.strip('"')
    if kind == "bool":
        if text in ("1", "y", "Y", "on"):
            return "Y"
        if text in ("0", "n", "N", "off"):
            return "N"
        raise _invalid(module, parameter, text)
    if kind in ("int", "uint") and not text.lstrip("-").isdigit():
        raise _invalid(module, parameter, text)
    if (module.name, parameter) == ("rte_kni", "carrier") and text not in ("on", "off"):
        # kernel/linux/kni/kni_misc.c, kni_parse_carrier_state()
        raise RefusedError(errno.EINVAL, "KNI: Invalid parameter for carrier", logged=True)
    return text


def _invalid(module: Module, parameter: str, text: str) -> RefusedError:
    line = f"{module.name}: '{text}' invalid for parameter '{parameter}'"
    return RefusedError(errno.EINVAL, line, logged=True)


def _greeting(module: Module) -> tuple[str, ...]:
    if module.path is None:
        return (f"{module.name}: loading out-of-tree module taints kernel.",)
    return ()
