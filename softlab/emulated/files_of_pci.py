"""The PCI bus as files: devices, drivers, and the network interfaces that belong to devices."""

from collections.abc import Mapping

from softlab.emulated import modules, pci
from softlab.emulated.commands import lspci
from softlab.emulated.state import Hardware, PciDevice, cpus
from softlab.emulated.text import mask, ranges, text
from softlab.emulated.tree import Directory, Entry, File, Link

#: Where the daemon has the sysfs of the host's own network namespace.
REAL_SYSFS = "/sys"


def pci_bus(hardware: Hardware) -> dict[str, Entry]:
    """The bus, its drivers and its devices, by path."""
    bus = "sys/bus/pci"
    found: dict[str, Entry] = {
        bus: Directory(),
        f"{bus}/devices": Directory(),
        f"{bus}/slots": Directory(),
        f"{bus}/drivers_autoprobe": text(1),
        f"{bus}/drivers_probe": File(b"", ("drivers_probe",), write_only=True),
    }
    for driver in pci.drivers(hardware):
        here = f"{bus}/drivers/{driver}"
        for name in ("bind", "unbind", "new_id"):
            found[f"{here}/{name}"] = File(b"", (name, driver), write_only=True)
        module = _module_of(hardware, driver)
        if module is not None:
            found[f"{here}/module"] = Link(f"../../../../module/{module}")
            found[f"sys/module/{module}/drivers/pci:{driver}"] = Link(
                f"../../../bus/pci/drivers/{driver}"
            )
    numbers = modules.uio_numbers(hardware)
    for address, device in hardware.devices.items():
        found[f"{bus}/devices/{address}"] = Link(f"../../../devices/{device.directory}")
        if device.driver is not None:
            found[f"{bus}/drivers/{device.driver}/{address}"] = Link(
                f"../../../../devices/{device.directory}"
            )
        found |= _device(hardware, device)
        if address in numbers:
            uio = f"uio{numbers[address]}"
            place = f"sys/devices/{device.directory}/uio/{uio}"
            found[f"{place}/name"] = text(device.driver)
            found[f"sys/class/uio/{uio}"] = Link(f"../../devices/{device.directory}/uio/{uio}")
    return found


def _module_of(hardware: Hardware, driver: str) -> str | None:
    for name, entry in hardware.modules.items():
        if entry.module.driver == driver:
            return name
    return None


def _device(hardware: Hardware, device: PciDevice) -> dict[str, Entry]:
    here = f"sys/devices/{device.directory}"
    up = "../" * (device.directory.count("/") + 1)
    local = [cpu for cpu, (socket, _) in cpus(hardware).items() if socket == device.numa_node]
    vendor, model = device.model
    uevent = [f"DRIVER={device.driver}"] if device.driver else []
    uevent += [
        f"PCI_CLASS={device.class_code:X}",
        f"PCI_ID={vendor:04X}:{model:04X}",
        f"PCI_SUBSYS_ID={device.subsystem[0]:04X}:{device.subsystem[1]:04X}",
        f"PCI_SLOT_NAME={device.address}",
        f"MODALIAS={_modalias(device)}",
    ]
    found: dict[str, Entry] = {
        here: Directory(),
        f"{here}/vendor": text(f"0x{vendor:04x}"),
        f"{here}/device": text(f"0x{model:04x}"),
        f"{here}/subsystem_vendor": text(f"0x{device.subsystem[0]:04x}"),
        f"{here}/subsystem_device": text(f"0x{device.subsystem[1]:04x}"),
        f"{here}/class": text(f"0x{device.class_code:06x}"),
        f"{here}/revision": text(f"0x{device.revision:02x}"),
        f"{here}/numa_node": text(device.numa_node),
        f"{here}/local_cpus": text(mask(local)),
        f"{here}/local_cpulist": text(ranges(local)),
        f"{here}/enable": text(int(device.driver is not None)),
        f"{here}/modalias": text(_modalias(device)),
        f"{here}/uevent": text("\n".join(uevent)),
        f"{here}/config": File(_config_space(device)),
        f"{here}/driver_override": text(
            device.override or "(null)", "driver_override", device.address
        ),
        f"{here}/subsystem": Link(f"{up}../bus/pci"),
    }
    if device.driver is not None:
        found[f"{here}/driver"] = Link(f"{up}../bus/pci/drivers/{device.driver}")
    return found


def _modalias(device: PciDevice) -> str:
    vendor, model = device.model
    code = f"{device.class_code:06X}"
    return (
        f"pci:v{vendor:08X}d{model:08X}sv{device.subsystem[0]:08X}sd{device.subsystem[1]:08X}"
        f"bc{code[:2]}sc{code[2:4]}i{code[4:]}"
    )


def _config_space(device: PciDevice) -> bytes:
    """The 64 bytes of the header that everybody may read, padded to the 256 of the file."""
    space = bytearray(256)
    space[0:2] = device.model[0].to_bytes(2, "little")
    space[2:4] = device.model[1].to_bytes(2, "little")
    space[4:6] = (0x0546 if device.driver else 0x0440).to_bytes(2, "little")
    space[8] = device.revision
    space[9:12] = device.class_code.to_bytes(3, "little")
    space[14] = 0x01 if device.class_code == 0x060400 else 0x00
    space[44:46] = device.subsystem[0].to_bytes(2, "little")
    space[46:48] = device.subsystem[1].to_bytes(2, "little")
    return bytes(space)


def netdevs(shown: Mapping[str, PciDevice]) -> dict[str, Entry]:
    """A NIC's netdev in the place of one with a PCI parent: all its own, plus `device`."""
    found: dict[str, Entry] = {}
    for name, device in shown.items():
        here = f"sys/devices/{device.directory}/net/{name}"
        up = "../" * (device.directory.count("/") + 3)
        found[f"sys/class/net/{name}"] = Link(f"../../devices/{device.directory}/net/{name}")
        found[here] = Directory(f"{REAL_SYSFS}/devices/virtual/net/{name}")
        found[f"{here}/device"] = Link(f"../../../{device.address}")
        found[f"{here}/subsystem"] = Link(f"{up}../class/net")
        if device.nic is not None and device.nic.speed != 10000:  # what any veth says by itself
            found[f"{here}/speed"] = text(device.nic.speed)
    return found


def lspci_answer(hardware: Hardware) -> str:
    """What lspci prints when dpdk-devbind.py asks."""
    return lspci.asked_often(
        [
            lspci.Device(
                device.address, _config_space(device), device.driver or "", str(device.numa_node)
            )
            for device in hardware.devices.values()
        ]
    )
