"""lspci: the PCI devices in sysfs, in pciutils' layouts.

Has -D -n -nn -k -v -m -mm -vmm -s -d and letters together (-Dvmmnnk, as dpdk-devbind.py asks).
Like pciutils before 3.6, and so like the article's system, -vmm prints no NUMA node.
dpdk-devbind.py asks for -Dvmmnnk ten times in each of its runs: that answer (`ASKED_OFTEN`) the
emulated hardware makes itself, by `listing`, and the starter of this command only shows it.
"""

import os
import sys

from .pci_ids import CLASSES, DEVICES, MODULES, SUBSYSTEMS, VENDORS

_DEVICES = "/sys/bus/pci/devices"
ASKED_OFTEN = "-Dvmmnnk"


class Options:
    """How much is printed, and in which layout."""

    def __init__(self) -> None:
        self.domain = self.kernel = False
        self.numeric = self.verbose = self.machine = 0
        self.slot = self.model = ""


class Device:
    """A device as its configuration space describes it; numbers in lower-case hexadecimal."""

    def __init__(self, slot: str, config: bytes, driver: str, numa_node: str) -> None:
        self.slot = slot
        self.vendor, self.device = _word(config, 0), _word(config, 2)
        self.revision = f"{config[8]:02x}"
        self.code = _word(config, 10)
        self.sub_vendor, self.sub_device = _word(config, 44), _word(config, 46)
        self.model = f"{self.vendor}:{self.device}"
        self.vendor_name = _vendor(self.vendor)
        self.name = DEVICES.get(self.model, f"Device {self.device}")
        self.class_name = CLASSES.get(self.code, "Class")
        key = f"{self.sub_vendor}:{self.sub_device}"
        self.sub_name = SUBSYSTEMS.get(key, f"Device {self.sub_device}")
        self.driver = driver
        self.numa_node = numa_node


def _word(config: bytes, offset: int) -> str:
    return f"{int.from_bytes(config[offset : offset + 2], 'little'):04x}"


def _vendor(number: str) -> str:
    return VENDORS.get(number, f"Vendor {number}")


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    if options is None:
        return 1
    slots = sorted(os.listdir(_DEVICES))  # noqa: PTH208
    sys.stdout.write(listing([_device(slot) for slot in slots], options))
    return 0


def asked_often(devices: list[Device]) -> str:
    """What `lspci -Dvmmnnk` prints."""
    options = _options([ASKED_OFTEN])
    assert options is not None
    return listing(devices, options)


def listing(devices: list[Device], options: Options) -> str:
    """What is printed about those of the devices that are wanted."""
    parts = []
    for device in devices:
        if not _wanted(device, options):
            continue
        if options.machine and options.verbose:
            parts.append(_block(device, options))
        elif options.machine:
            parts.append(_machine_line(device, options))
        else:
            parts.append("\n".join(_lines(device, options)))
    return "".join(part + "\n" for part in parts)


def _device(slot: str) -> Device:
    here = f"{_DEVICES}/{slot}"
    with open(f"{here}/config", "rb") as config, open(f"{here}/numa_node") as node:  # noqa: PTH123
        space, number = config.read(64), node.read().strip()
    try:
        driver = os.path.basename(os.readlink(f"{here}/driver"))  # noqa: PTH115, PTH119
    except OSError:
        driver = ""
    return Device(slot, space, driver, number)


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


def _wanted(device: Device, options: Options) -> bool:
    slot = options.slot
    if slot and slot.count(":") < 2:
        slot = f"0000:{slot}"
    if slot and device.slot != slot and not device.slot.startswith(f"{slot}."):
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


def _lines(device: Device, options: Options) -> list[str]:
    name = _named(f"{device.vendor_name} {device.name}", device.model, options)
    code = _named(device.class_name, device.code, options)
    revision = f" (rev {device.revision})" if device.revision != "00" else ""
    lines = [f"{_slot(device, options)} {code}: {name}{revision}"]
    if not (options.kernel or options.verbose):
        return lines
    if device.sub_vendor != "0000":
        owner = f"{_vendor(device.sub_vendor)} {device.sub_name}"
        number = f"{device.sub_vendor}:{device.sub_device}"
        lines.append(f"\tSubsystem: {_named(owner, number, options)}")
    if options.verbose:
        lines.append(f"\tNUMA node: {device.numa_node}")
    if device.driver:
        lines.append(f"\tKernel driver in use: {device.driver}")
    if device.model in MODULES:
        lines.append(f"\tKernel modules: {MODULES[device.model]}")
    return [*lines, ""] if options.verbose else lines


def _block(device: Device, options: Options) -> str:
    """-vmm: a line per property, an empty one after each device."""
    rows = [
        ("Slot", _slot(device, options)),
        ("Class", _named(device.class_name, device.code, options)),
        ("Vendor", _named(device.vendor_name, device.vendor, options)),
        ("Device", _named(device.name, device.device, options)),
    ]
    if device.sub_vendor != "0000":
        owner = _vendor(device.sub_vendor)
        rows.append(("SVendor", _named(owner, device.sub_vendor, options)))
        rows.append(("SDevice", _named(device.sub_name, device.sub_device, options)))
    if device.revision != "00":
        rows.append(("Rev", device.revision))
    if options.kernel:
        if device.driver:
            rows.append(("Driver", device.driver))
        if device.model in MODULES:
            rows.append(("Module", MODULES[device.model]))
    return "".join(f"{key}:\t{value}\n" for key, value in rows)


def _machine_line(device: Device, options: Options) -> str:
    """-m, -mm: one line of quoted fields."""
    fields = [
        _named(device.class_name, device.code, options),
        _named(device.vendor_name, device.vendor, options),
        _named(device.name, device.device, options),
    ]
    subsystem = ["", ""]
    if device.sub_vendor != "0000":
        subsystem = [
            _named(_vendor(device.sub_vendor), device.sub_vendor, options),
            _named(device.sub_name, device.sub_device, options),
        ]
    revision = [f"-r{device.revision}"] if device.revision != "00" else []
    quoted = [f'"{field}"' for field in fields], [f'"{field}"' for field in subsystem]
    return " ".join([_slot(device, options), *quoted[0], *revision, *quoted[1]])
