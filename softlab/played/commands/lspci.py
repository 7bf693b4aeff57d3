"""lspci: the PCI devices in sysfs, in pciutils' layouts.

Played: -D -n -nn -k -v -m -mm -vmm -s -d and letters together (-Dvmmnnk, as dpdk-devbind.py asks).
Like pciutils before 3.6, and so like the article's system, -vmm tells no NUMA node.
"""

import os
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .pci_ids import CLASSES, DEVICES, MODULES, SUBSYSTEMS, VENDORS

_DEVICES = "/sys/bus/pci/devices"


@dataclass
class Options:
    """How much, and how, is to be told."""

    domain: bool = False
    numeric: int = 0
    kernel: bool = False
    verbose: int = 0
    machine: int = 0
    slot: str = ""
    model: str = ""


@dataclass
class Device:
    """A device as its uevent and revision describe it; numbers in lower-case hexadecimal."""

    slot: str
    code: str
    vendor: str
    device: str
    sub_vendor: str
    sub_device: str
    revision: str
    driver: str


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    if options is None:
        return 1
    for slot in sorted(os.listdir(_DEVICES)):  # noqa: PTH208
        device = _device(slot)
        if not _wanted(device, options):
            continue
        if options.machine and options.verbose:
            print(_block(device, options))
        elif options.machine:
            print(_machine_line(device, options))
        else:
            print("\n".join(_lines(device, options)))
    return 0


def _options(arguments: list[str]) -> Options | None:
    options = Options()
    rest = iter(arguments)
    for argument in rest:
        letters = argument.removeprefix("-")
        if letters == argument:
            print("lspci: only options are expected", file=sys.stderr)
            return None
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in "sd":
                value = letters or next(rest, "")
                letters = ""
                if letter == "s":
                    options.slot = value
                else:
                    options.model = value
            elif letter in "Dk":
                options.domain |= letter == "D"
                options.kernel |= letter == "k"
            elif letter in "nvm":
                options.numeric += letter == "n"
                options.verbose += letter == "v"
                options.machine += letter == "m"
            else:
                print(f"lspci: invalid option -- '{letter}'", file=sys.stderr)
                return None
    return options


def _device(slot: str) -> Device:
    told = {}
    with open(f"{_DEVICES}/{slot}/uevent") as uevent:  # noqa: PTH123
        for line in uevent:
            key, _, value = line.strip().partition("=")
            told[key] = value
    with open(f"{_DEVICES}/{slot}/revision") as revision:  # noqa: PTH123
        revised = revision.read().strip().removeprefix("0x")
    vendor, device = told["PCI_ID"].lower().split(":")
    sub_vendor, sub_device = told["PCI_SUBSYS_ID"].lower().split(":")
    code = told["PCI_CLASS"].lower().zfill(6)[:4]
    return Device(
        slot, code, vendor, device, sub_vendor, sub_device, revised, told.get("DRIVER", "")
    )


def _wanted(device: Device, options: Options) -> bool:
    if options.slot:
        slot = options.slot if options.slot.count(":") == 2 else f"0000:{options.slot}"
        if "." not in slot:
            slot += ".*"
        if not fnmatchcase(device.slot, slot):
            return False
    vendor, _, model = options.model.partition(":")
    return vendor in ("", device.vendor) and model.partition(":")[0] in ("", device.device)


def _slot(device: Device, options: Options) -> str:
    return device.slot if options.domain else device.slot.partition(":")[2]


def _named(name: str, number: str, options: Options) -> str:
    """A name, its number, or both, as -n and -nn ask."""
    if options.numeric == 1:
        return number
    return f"{name} [{number}]" if options.numeric else name


def _subsystem(device: Device) -> str:
    key = f"{device.sub_vendor}:{device.sub_device}"
    return SUBSYSTEMS.get(key, f"Device {device.sub_device}")


def _lines(device: Device, options: Options) -> list[str]:
    model = f"{device.vendor}:{device.device}"
    vendor = VENDORS.get(device.vendor, f"Vendor {device.vendor}")
    name = f"{vendor} {DEVICES.get(model, f'Device {device.device}')}"
    code = _named(CLASSES.get(device.code, "Class"), device.code, options)
    line = f"{_slot(device, options)} {code}: {_named(name, model, options)}"
    lines = [line + (f" (rev {device.revision})" if device.revision != "00" else "")]
    if options.kernel or options.verbose:
        if device.sub_vendor != "0000":
            key = f"{device.sub_vendor}:{device.sub_device}"
            owner = VENDORS.get(device.sub_vendor, f"Vendor {device.sub_vendor}")
            lines.append(f"\tSubsystem: {_named(f'{owner} {_subsystem(device)}', key, options)}")
        if options.verbose:
            with open(f"{_DEVICES}/{device.slot}/numa_node") as node:  # noqa: PTH123
                lines.append(f"\tNUMA node: {node.read().strip()}")
        if device.driver:
            lines.append(f"\tKernel driver in use: {device.driver}")
        if model in MODULES:
            lines.append(f"\tKernel modules: {MODULES[model]}")
        if options.verbose:
            lines.append("")
    return lines


def _block(device: Device, options: Options) -> str:
    """-vmm: a line per property, an empty one after each device."""
    model = f"{device.vendor}:{device.device}"
    vendor = VENDORS.get(device.vendor, f"Vendor {device.vendor}")
    name = DEVICES.get(model, f"Device {device.device}")
    rows = [
        ("Slot", _slot(device, options)),
        ("Class", _named(CLASSES.get(device.code, "Class"), device.code, options)),
        ("Vendor", _named(vendor, device.vendor, options)),
        ("Device", _named(name, device.device, options)),
    ]
    if device.sub_vendor != "0000":
        owner = VENDORS.get(device.sub_vendor, f"Vendor {device.sub_vendor}")
        rows.append(("SVendor", _named(owner, device.sub_vendor, options)))
        rows.append(("SDevice", _named(_subsystem(device), device.sub_device, options)))
    if device.revision != "00":
        rows.append(("Rev", device.revision))
    if options.kernel:
        if device.driver:
            rows.append(("Driver", device.driver))
        if model in MODULES:
            rows.append(("Module", MODULES[model]))
    return "".join(f"{key}:\t{value}\n" for key, value in rows)


def _machine_line(device: Device, options: Options) -> str:
    """-m, -mm: one line of quoted fields."""
    model = f"{device.vendor}:{device.device}"
    fields = (
        _named(CLASSES.get(device.code, "Class"), device.code, options),
        _named(VENDORS.get(device.vendor, "Vendor"), device.vendor, options),
        _named(DEVICES.get(model, "Device"), device.device, options),
    )
    text = " ".join(f'"{field}"' for field in fields)
    revision = f" -r{device.revision}" if device.revision != "00" else ""
    if device.sub_vendor == "0000":
        return f'{_slot(device, options)} {text}{revision} "" ""'
    owner = _named(VENDORS.get(device.sub_vendor, "Vendor"), device.sub_vendor, options)
    subsystem = _named(_subsystem(device), device.sub_device, options)
    return f'{_slot(device, options)} {text}{revision} "{owner}" "{subsystem}"'
