"""What a report says of the device: versions, kernel, and the map of its NICs."""

from __future__ import annotations

from typing import Any

from dpvs_acceptance.dpvs.errors import ParseError
from dpvs_acceptance.dpvs.versions import UnknownVersionError, Version
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.hosts.facts import FactError
from dpvs_acceptance.hosts.snapshot import SnapshotError
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.facts import UNKNOWN, BinaryFacts, NicFacts
from dpvs_acceptance.verdict.words import printable


def device_facts(deployment: Deployment, before: DutState) -> dict[str, Any]:
    """Fields of `RunFacts`, from the bench and from the snapshot before anything was done."""
    try:
        version = before.version.dashed
    except (ParseError, SnapshotError):
        version = UNKNOWN  # a check of its own says what is wrong with it
    try:
        dpdk = version_facts(Version.parse(deployment.bench.dut.dpvs.version)).dpdk
    except UnknownVersionError:
        dpdk = UNKNOWN
    bonds = {member: bond for bond in deployment.bonds for member in bond.members}
    return {
        "host": deployment.bench.dut.host,
        "dpvs": version,
        "dpdk": dpdk,
        "kernel": before.kernel,
        "platform": printable(before.platform, 200),
        "binaries": tuple(BinaryFacts(*one) for one in before.binaries.items()),
        "nics": tuple(
            NicFacts(
                name=port.nic.name,
                mac=port.nic.mac,
                pci=port.nic.pci or port.nic.vdev or "",
                model=port.nic.model or "",
                driver=" → ".join(filter(None, (port.nic.kernel_driver, port.nic.dpdk_driver))),
                numa_node=port.nic.numa_node,
                port=f"{port.name} ({bonds[port].name})" if port in bonds else port.name,
                link=bonds.get(port, port).link or "",
                firmware=_firmware(before, port.nic.name),
            )
            for port in deployment.nic_ports
        ),
    }


def _firmware(before: DutState, nic: str) -> str:
    """As the NIC's own driver said it before DPDK had the NIC; empty where it did not."""
    try:
        device = before.net_devices.get(nic)
    except (FactError, SnapshotError):
        return ""
    return "" if device is None else printable(device.firmware, 80)
