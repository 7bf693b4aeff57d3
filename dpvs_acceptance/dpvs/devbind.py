"""`dpdk-devbind.py --status`: drivers of PCI devices (usertools of DPDK 18.11 to 24.11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dpvs_acceptance.dpvs.lines import Lines

Binding = Literal["dpdk", "kernel", "none"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the bus.

    category: Network, Crypto, DMA, ... from the section's title.
    binding: dpdk (a driver that DPDK can use), kernel, or none.
    description: without device_id, the last word of the quoted text (the PCI device id).
    interfaces: names of its network interfaces, if a kernel driver is bound.
    unused: other loaded drivers for this device.
    active: the device has a route; devbind refuses to rebind it without --force.
    numa_node: None if this version of devbind does not print it.
    """

    slot: str
    category: str
    binding: Binding
    description: str
    device_id: str
    interfaces: tuple[str, ...] = ()
    driver: str | None = None
    unused: tuple[str, ...] = ()
    active: bool = False
    numa_node: int | None = None


_SECTIONS: tuple[tuple[re.Pattern[str], Binding], ...] = (
    (re.compile(r"(\S.*) devices using DPDK-compatible driver"), "dpdk"),
    (re.compile(r"(\S.*) devices using kernel driver"), "kernel"),
    (re.compile(r"Other (\S.*) devices"), "none"),
)
_NONE_DETECTED = re.compile(r"No '\S.*' devices detected")
_RULE = re.compile(r"=+")
_EMPTY = re.compile(r"<none>")
_DEVICE = re.compile(
    r"([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) '(.*) ([0-9a-f]{4})'"
    r"(?: numa_node=(-?[0-9]{1,4}))?(?: if=(\S*))?(?: drv=(\S*))? unused=(\S*)(?: +(\*Active\*))?"
)


def parse_status(text: str, source: str = "dpdk-devbind.py --status") -> tuple[Device, ...]:
    """Every device of every section, in the order printed. Raises ParseError."""
    lines = Lines(text, source)
    devices: list[Device] = []
    lines.skip_blank()
    while not lines.at_end:
        if lines.take_if(_NONE_DETECTED) is not None:
            lines.take(_RULE, "a rule of = under the title")
        else:
            category, binding = _section(lines)
            lines.take(_RULE, "a rule of = under the title")
            if lines.take_if(_EMPTY) is None:
                devices += _devices(lines, category, binding)
        lines.skip_blank()
    return tuple(devices)


def _section(lines: Lines) -> tuple[str, Binding]:
    for pattern, binding in _SECTIONS:
        found = lines.take_if(pattern)
        if found is not None:
            return found[1], binding
    raise lines.error(
        "a title (`Network devices using DPDK-compatible driver`, `... using kernel driver`, "
        "`Other ... devices`, `No '...' devices detected`)"
    )


def _devices(lines: Lines, category: str, binding: Binding) -> list[Device]:
    devices = []
    while (current := lines.current) is not None and current.strip():
        found = lines.take(
            _DEVICE,
            "`SLOT 'DESCRIPTION ID' [numa_node=N] [if=NAME] [drv=NAME] unused=NAMES [*Active*]`",
        )
        if (found[6] is not None) == (binding == "none"):
            raise lines.previous_error(
                "no drv= under this title" if binding == "none" else "drv= under this title"
            )
        devices.append(
            Device(
                slot=found[1],
                category=category,
                binding=binding,
                description=found[2],
                device_id=found[3],
                interfaces=_words(found[5]),
                driver=found[6] or None,
                unused=_words(found[7]),
                active=found[8] is not None,
                numa_node=int(found[4]) if found[4] is not None else None,
            )
        )
    return devices


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word for word in (text or "").split(",") if word)
