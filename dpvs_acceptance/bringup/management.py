"""The management path: every interface that the ssh session of a host may go by, and why.

Pure: reads a host's first snapshot. From the interfaces that ssh came in on and goes back by, to
all that their packets may pass: its lower interfaces, the members of a bond, team, bridge or
VRF, the other end of a veth and the bridge that it is a port of, the way to a tunnel's far end, the
way of the program that carries a session which came from the host itself; then the PCI functions
behind these. What is not in it is rehearsed (`rehearsal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dpvs_acceptance.hosts import iproute, linkfacts, netfacts
from dpvs_acceptance.hosts.linkfacts import FarEnd, LinkDetails, OvsBridge
from dpvs_acceptance.hosts.netfacts import NetDevice, PciDevice
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError

_OVS = "ovs-system"
_UNKNOWN = LinkDetails("", "")


@dataclass(frozen=True, slots=True)
class ManagementPath:
    """What carries the ssh session of a host: why, by interface and by PCI address."""

    interfaces: Mapping[str, str]
    functions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """The interfaces of a host and how they depend on each other."""

    devices: Mapping[str, NetDevice]
    details: Mapping[str, LinkDetails]
    tunnels: tuple[FarEnd, ...]
    ovs: tuple[OvsBridge, ...]

    @classmethod
    def of(cls, before: Snapshot) -> HostNetwork:
        """SnapshotError, FactError where the host does not say."""
        return cls(
            netfacts.net_devices(before.text("net devices")),
            linkfacts.link_details(before.text("ip -d link")),
            linkfacts.tunnel_ends(before.text("tunnels")),
            linkfacts.ovs_bridges(before.text("ovs")),
        )

    def kind(self, name: str) -> str:
        """`veth`, `bridge`, …; empty for hardware and for what is not known."""
        return self.details.get(name, _UNKNOWN).kind

    def is_up(self, name: str) -> bool:
        """Whether the kernel has this interface, and its link is up."""
        return self.details.get(name, _UNKNOWN).up

    def below(self, name: str) -> dict[str, str]:
        """The lower interfaces of this one: without them it has no link, or loses packets."""
        found = {}
        over = self.details.get(name, _UNKNOWN).over if self.kind(name) != "veth" else ()
        lowers = self.devices[name].lowers if name in self.devices else ()
        members = [one.name for one in self.devices.values() if one.master == name]
        for lower in (*lowers, *over, *members):
            found[lower] = f"{name} is on top of {lower}"
        return found

    def above(self, name: str) -> list[str]:
        """Every interface on top of this one, without itself."""
        return [
            one
            for one in self.devices
            if one != name and name in self.reached({one: ""}, self.below)
        ]

    def beyond(self, name: str) -> dict[str, str]:
        """Where packets of this interface may go besides."""
        found = self.below(name)
        for other in self.details.get(name, _UNKNOWN).over if self.kind(name) == "veth" else ():
            found[other] = f"{other} is the other end of {name}"
        master = self.devices[name].master if name in self.devices else None
        if master not in (None, _OVS) and self.kind(master) in ("bridge", ""):
            found[master] = f"{name} is a port of {master}"
        found |= self._by_ovs(name)
        for end in self.tunnels:
            if end.device == name:
                found[end.interface] = (
                    f"{end.interface} is the way to {end.address}, the far end of {name}"
                )
        found.pop(name, None)
        return found

    def _by_ovs(self, name: str) -> dict[str, str]:
        bridges = [one for one in self.ovs if name == one.name or name in one.ports]
        found = {
            port: f"{port} is a port of {one.name}"
            for one in bridges
            for port in (one.name, *one.ports)
        }
        for one in bridges:
            for other in self.ovs:
                if {*one.peers} & {*other.ports}:
                    found[other.name] = f"{one.name} is connected with {other.name}"
        if not bridges and self.kind(name) == "openvswitch":
            # Which bridge it is of is not known: any port of the switch may be on the way.
            for device in self.devices.values():
                if device.master == _OVS:
                    found[device.name] = f"{device.name} is a port of Open vSwitch, as {name} is"
        return found

    @staticmethod
    def reached(
        roots: Mapping[str, str], step: Callable[[str], Mapping[str, str]]
    ) -> dict[str, str]:
        """The roots and all that is reached from them, with the reason of each."""
        found = dict(roots)
        queue = [*roots]
        while queue:
            name = queue.pop()
            for other, why in sorted(step(name).items()):
                if other not in found:
                    found[other] = f"{why}; {found[name]}"
                    queue.append(other)
        return found


def management_path(before: Snapshot) -> ManagementPath:
    """What carries our ssh session. SnapshotError where the host does not say."""
    network = HostNetwork.of(before)
    interfaces = network.reached(_roots(before), network.beyond)
    pci = pci_devices(before)
    functions: dict[str, str] = {}
    for name, why in interfaces.items():
        for function in _functions_of(name, network.devices, pci):
            functions.setdefault(function, why)
    for address in [*functions]:
        for other, reason in _entangled(address, pci):
            functions.setdefault(other, f"{reason} of {address}; {functions[address]}")
            for name in pci[other].interfaces if other in pci else ():
                interfaces.setdefault(name, functions[other])
    return ManagementPath(interfaces, functions)


def _roots(before: Snapshot) -> dict[str, str]:
    session = netfacts.ssh_session(before.text("ssh session"))
    found = {
        one.dev: f"{one.dev} has the address {session.server} that ssh came in on"
        for one in iproute.addresses(before.text("ip addr"))
        if one.address.ip == session.server
    }
    for route in session.routes:
        found.setdefault(route, f"{route} is the way back to {session.client}, ssh's client")
    for one in session.carriers:
        found.setdefault(
            one.interface,
            f"{one.interface} is the way to {one.address}, by which {one.program} on the host "
            f"carries the ssh session from {session.client}",
        )
    if not found:
        raise SnapshotError(
            f"no interface has {session.server}, the address to which ssh connected"
        )
    return found


def _functions_of(
    name: str, devices: Mapping[str, NetDevice], pci: Mapping[str, PciDevice]
) -> Iterator[str]:
    device = devices.get(name)
    if device is not None and device.pci is not None:
        yield device.pci
    yield from (address for address, one in pci.items() if name in one.interfaces)


def _entangled(address: str, pci: Mapping[str, PciDevice]) -> Iterator[tuple[str, str]]:
    """Functions that may go down with this one, and how each belongs to it."""
    own = pci.get(address)
    if own is not None and own.physical_function is not None:
        yield own.physical_function, "it is the physical function"
    slot = address.rpartition(".")[0]
    for other, device in pci.items():
        if other == address:
            continue
        if other.rpartition(".")[0] == slot:
            yield other, "it is another function of the device"
        elif own and own.iommu_group is not None and own.iommu_group == device.iommu_group:
            yield other, f"it is in the IOMMU group {own.iommu_group}"


def pci_devices(before: Snapshot) -> Mapping[str, PciDevice]:
    """None on a client or real server, of which it is not read: interfaces are all they give."""
    if "pci net" not in before.sections:
        return {}
    return netfacts.pci_devices(before.text("pci net"))
