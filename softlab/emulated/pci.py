"""PCI devices and their drivers: bind, unbind, new_id, driver_override, as drivers/pci does it."""

import errno
from dataclasses import replace

from softlab.emulated.catalogue import DPDK_DRIVERS, MODULES, NETWORK_DRIVERS
from softlab.emulated.state import Hardware, PciDevice, RefusedError, logged


def drivers(hardware: Hardware) -> tuple[str, ...]:
    """The PCI drivers that are registered now, in order of their modules' loading."""
    loaded = (entry.module.driver for entry in hardware.modules.values())
    return ("pcieport", *(driver for driver in loaded if driver is not None))


def has_netdev(device: PciDevice) -> bool:
    """Whether the kernel shows this device as a network interface."""
    return device.nic is not None and device.driver in NETWORK_DRIVERS


def is_ours(device: PciDevice) -> bool:
    """Whether a NIC is with a driver that hands it to DPDK."""
    return device.nic is not None and device.driver in DPDK_DRIVERS


def dpdk_ports(hardware: Hardware) -> tuple[PciDevice, ...]:
    """The NICs that DPDK's EAL would probe, in its order: by PCI address."""
    return tuple(device for _, device in sorted(hardware.devices.items()) if is_ours(device))


def matches(hardware: Hardware, driver: str, device: PciDevice) -> bool:
    """Whether the PCI core would offer `device` to `driver` (pci_match_device)."""
    if device.override is not None:
        return device.override == driver
    own = next((m.ids for m in MODULES.values() if m.driver == driver), ())
    return device.model in own or device.model in hardware.dynamic_ids.get(driver, ())


def bind(hardware: Hardware, driver: str, address: str) -> Hardware:
    """Give a device without driver to `driver`. Raises RefusedError: ENODEV, EBUSY, EINVAL."""
    device = _device(hardware, address)
    if driver not in drivers(hardware) or not matches(hardware, driver, device):
        raise RefusedError(errno.ENODEV, f"{driver} does not match {address}")
    if device.driver is not None:
        raise RefusedError(errno.EBUSY, f"{address} is with {device.driver}")
    return _probe(hardware, driver, device)


def unbind(hardware: Hardware, driver: str, address: str) -> Hardware:
    """Take a device away from `driver`. Raises RefusedError (ENODEV) if it does not have it."""
    device = _device(hardware, address)
    if device.driver != driver:
        raise RefusedError(errno.ENODEV, f"{address} is not with {driver}")
    return _with(hardware, replace(device, driver=None))


def add_id(hardware: Hardware, driver: str, text: str) -> Hardware:
    """A write to new_id: the driver then takes every matching device that has none."""
    words = text.split()
    try:
        vendor, device = int(words[0], 16), int(words[1], 16)
    except (IndexError, ValueError):
        raise RefusedError(
            errno.EINVAL, f"new_id: expected VENDOR DEVICE, found {text!r}"
        ) from None
    known = hardware.dynamic_ids.get(driver, ())
    if (vendor, device) in known:
        raise RefusedError(errno.EEXIST, f"new_id: {driver} has {vendor:04x} {device:04x}")
    after = replace(
        hardware,
        dynamic_ids={**hardware.dynamic_ids, driver: (*known, (vendor, device))},
    )
    return attach_all(after, driver)


def attach_all(hardware: Hardware, driver: str) -> Hardware:
    """Let `driver` take every device that it matches and that has no driver."""
    for device in hardware.devices.values():
        if device.driver is None and matches(hardware, driver, device):
            try:
                hardware = _probe(hardware, driver, device)
            except RefusedError as refused:
                hardware = logged(hardware, refused.text) if refused.logged else hardware
    return hardware


def probe(hardware: Hardware, address: str) -> Hardware:
    """A write to drivers_probe: the first driver that matches takes the device."""
    device = _device(hardware, address)
    for driver in drivers(hardware):
        if device.driver is None and matches(hardware, driver, device):
            return _probe(hardware, driver, device)
    raise RefusedError(errno.EINVAL, f"drivers_probe: no driver takes {address}")


def override(hardware: Hardware, address: str, text: str) -> Hardware:
    """A write to driver_override; an empty text (or a NUL, as dpdk-devbind.py writes) clears it."""
    name = text.split("\0")[0].strip()
    return _with(hardware, replace(_device(hardware, address), override=name or None))


def detach_all(hardware: Hardware, driver: str) -> Hardware:
    """The driver goes: all its devices lose it, and what new_id taught it is forgotten."""
    devices = {
        address: replace(device, driver=None) if device.driver == driver else device
        for address, device in hardware.devices.items()
    }
    ids = {key: value for key, value in hardware.dynamic_ids.items() if key != driver}
    return replace(hardware, devices=devices, dynamic_ids=ids)


def _probe(hardware: Hardware, driver: str, device: PciDevice) -> Hardware:
    if driver == "vfio-pci" and not hardware.iommu:
        vfio = hardware.modules.get("vfio")
        if vfio is None or vfio.parameters["enable_unsafe_noiommu_mode"] != "Y":
            # Without an IOMMU the device is in no IOMMU group, which vfio-pci insists on.
            text = f"vfio-pci: probe of {device.address} failed with error -22"
            raise RefusedError(errno.EINVAL, text, logged=True)
    after = _with(hardware, replace(device, driver=driver))
    if driver in NETWORK_DRIVERS:
        return logged(after, f"{driver} {device.address}: probed")
    return after


def _with(hardware: Hardware, device: PciDevice) -> Hardware:
    return replace(hardware, devices={**hardware.devices, device.address: device})


def _device(hardware: Hardware, address: str) -> PciDevice:
    try:
        return hardware.devices[address]
    except KeyError:
        raise RefusedError(errno.ENODEV, f"there is no PCI device {address!r}") from None
