"""What a write to an emulated file does to the hardware."""

import errno
from dataclasses import replace

from softlab.emulated import memory, modules, pci
from softlab.emulated.state import Hardware, RefusedError


def store(hardware: Hardware, what: tuple[str, ...], text: str) -> Hardware:
    """The hardware after `text` was written to the file whose `store` is `what`.

    Raises RefusedError with the errno that the write fails with.
    """
    match what:
        case ("node_hugepages", node, size):
            return memory.request(hardware, int(node), int(size), _number(text))
        case ("hugepages", size):
            return memory.request_anywhere(hardware, int(size), _number(text))
        case ("smt",):
            return _smt(hardware, text.strip())
        case ("bind", driver):
            return pci.bind(hardware, driver, text.strip())
        case ("unbind", driver):
            return pci.unbind(hardware, driver, text.strip())
        case ("new_id", driver):
            return pci.add_id(hardware, driver, text)
        case ("drivers_probe",):
            return pci.probe(hardware, text.strip())
        case ("driver_override", address):
            return pci.override(hardware, address, text)
        case ("module_parameter", module, parameter):
            return modules.set_parameter(hardware, module, parameter, text)
    raise RefusedError(errno.EIO, f"nothing is behind {what}")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise RefusedError(errno.EINVAL, f"expected a number, found {text!r}") from None


def _smt(hardware: Hardware, wanted: str) -> Hardware:
    if hardware.smt == "notsupported":
        raise RefusedError(errno.ENODEV, "SMT is switched off in the BIOS")
    if wanted not in ("on", "off", "forceoff"):
        raise RefusedError(errno.EINVAL, f"smt: expected on, off or forceoff, found {wanted!r}")
    if hardware.smt == "forceoff":
        raise RefusedError(errno.EPERM, "SMT was forced off until the next boot")
    return replace(hardware, smt=wanted)
