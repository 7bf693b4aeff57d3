"""What must not be touched, found out before the first write. Pure: reads the first snapshot."""

from __future__ import annotations

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState


def refusals(deployment: Deployment, before: DutState) -> list[str]:
    """Why this plan must not be carried out on this DUT, a sentence each; empty where it may."""
    host = deployment.bench.dut.host
    found = []
    if before.processes:
        pids = ", ".join(str(process.pid) for process in before.processes)
        found.append(
            f"{host}: a dpvs is running already (process {pids}): stop it, or check it as it is "
            "with --attach"
        )
    for nic in deployment.bench.dut.nics:
        device = before.net_devices.get(nic.name)
        if device is None:
            continue
        if device.mac != nic.mac:
            found.append(f"{host}: {nic.name} has MAC {device.mac}, the bench says {nic.mac}")
        if nic.pci is not None and device.pci not in (None, nic.pci):
            found.append(f"{host}: {nic.name} is at {device.pci}, the bench says {nic.pci}")
        addresses = [
            str(a) for a in before.interface_addresses.get(nic.name, ()) if not a.ip.is_link_local
        ]
        if addresses and not nic.give_up_address:
            found.append(
                f"{host}: {nic.name} has the address {', '.join(addresses)}; the bench does not "
                "give it up (dut.nics: give_up_address: true)"
            )
    return found
