"""What shows that a device is not the hardware that its bench calls it."""

from __future__ import annotations

from collections.abc import Collection

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState


def not_hardware(deployment: Deployment, before: DutState, boots: Collection[str]) -> list[str]:
    """A sentence per sign; none for a machine of its own with NICs on its PCI bus.

    `before`: the DUT before anything was done; `boots`: the boot ids of other machines, the runner
    or the bench's clients and real servers.
    """
    signs = []
    boot = before.snapshot.text("boot_id").strip()
    if boot in boots:
        signs.append(f"it runs on the kernel of another machine of the bench (boot id {boot})")
    mounted = [mount.type for mount in before.mounts if mount.point == "/sys"]
    if mounted and mounted[-1] != "sysfs":
        signs.append(f"its /sys is not the kernel's but {mounted[-1]}")
    soft = [port.nic.name for port in deployment.nic_ports if not port.nic.pci]
    if soft:
        signs.append(f"its ports are software: {', '.join(soft)} have no PCI address")
    return signs
