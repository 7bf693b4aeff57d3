"""What must not be touched, found out before the first write. Pure: reads the first snapshots.

First of all the way we came in by: the interface that carries the ssh session, whatever that stands
on (members of a bond or bridge, the parent of a VLAN), the PCI functions behind, the other
functions of those devices, and their IOMMU groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dpvs_acceptance.hosts import facts, iproute, netfacts
from dpvs_acceptance.hosts.netfacts import NetDevice, PciDevice
from dpvs_acceptance.hosts.processes import process_details
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError
from dpvs_acceptance.model.bench import Nic
from dpvs_acceptance.model.deployment import Deployment


@dataclass(frozen=True, slots=True)
class ManagementPath:
    """What carries the ssh session of a host: why, by interface and by PCI address."""

    interfaces: Mapping[str, str]
    functions: Mapping[str, str]


def refusals(deployment: Deployment, before: Mapping[str, Snapshot]) -> list[str]:
    """Why this plan must not be carried out, a sentence each; empty where it may.

    `before`: each host's first snapshot, by role. Where a host does not say what has to be known,
    that is a reason too.
    """
    found = []
    for role, host in deployment.bench.hosts.items():
        check = _of_dut if role == "dut" else _of_peer
        try:
            found += [f"{host}: {why}" for why in check(deployment, role, before[role])]
        except (SnapshotError, facts.FactError) as error:
            found.append(f"{host}: what must not be touched cannot be told: {error}")
    return found


def lifeline(before: Snapshot) -> ManagementPath:
    """What carries our ssh session. SnapshotError where the host does not say."""
    session = netfacts.ssh_session(before.text("ssh session"))
    devices = netfacts.net_devices(before.text("net devices"))
    own = {
        one.dev
        for one in iproute.addresses(before.text("ip addr"))
        if one.address.ip == session.server
    }
    roots = {name: f"{name} has the address {session.server} that ssh came in on" for name in own}
    if session.route is not None and session.route not in roots:
        roots[session.route] = f"{session.route} is the way back to {session.client}, ssh's client"
    if not roots:
        raise SnapshotError(f"no interface has {session.server}, the address that ssh came in on")
    interfaces = dict(_standing_on(devices, roots))
    pci = _pci_devices(before)
    functions: dict[str, str] = {}
    for name, why in interfaces.items():
        for function in _functions_of(name, devices, pci):
            functions.setdefault(function, why)
    for address in [*functions]:
        for other, reason in _entangled(address, pci):
            functions.setdefault(other, f"{reason} of {address}; {functions[address]}")
            for name in pci[other].interfaces if other in pci else ():
                interfaces.setdefault(name, functions[other])
    return ManagementPath(interfaces, functions)


def _standing_on(devices: Mapping[str, NetDevice], roots: Mapping[str, str]) -> Mapping[str, str]:
    """The roots and everything below them, with the reason of each."""
    found = dict(roots)
    queue = [*roots]
    while queue:
        upper = queue.pop()
        below = {*devices[upper].lowers} if upper in devices else set()
        below |= {name for name, device in devices.items() if device.master == upper}
        for lower in sorted(below - found.keys()):
            found[lower] = f"{upper} stands on {lower}; {found[upper]}"
            queue.append(lower)
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


def _of_peer(deployment: Deployment, role: str, before: Snapshot) -> Iterator[str]:
    """A client or real server: its tested interface gets addresses and routes."""
    bench = deployment.bench
    machine = bench.clients[role] if role in bench.clients else bench.real_servers[role]
    why = lifeline(before).interfaces.get(machine.interface)
    if why is not None:
        yield f"the bench names {machine.interface} as the tested interface, but {why}"


def _of_dut(deployment: Deployment, role: str, before: Snapshot) -> Iterator[str]:
    del role
    dut = deployment.bench.dut
    if dut.machine_id is not None:
        seen = before.text("machine_id").strip()
        if seen != dut.machine_id:
            yield f"its machine id is {seen}, the bench says {dut.machine_id}: another machine?"
    running = process_details(before.text("dpvs process"))
    if running:
        pids = ", ".join(str(process.pid) for process in running)
        yield (
            f"a dpvs is running already (process {pids}), and it is not ours: stop it, or check it "
            "as it is with --attach"
        )
    line = lifeline(before)
    for nic in dut.nics:
        yield from _identity(nic, before)
        why = line.functions.get(nic.pci or "") or line.interfaces.get(nic.name)
        if why is not None:
            thing = f"{nic.pci} ({nic.name})" if nic.pci else nic.name
            yield f"the bench gives {thing} to DPVS, but {why}"
        elif not nic.give_up_address:
            yield from _in_use(nic, before)


def _identity(nic: Nic, before: Snapshot) -> Iterator[str]:
    """Whether the bench's name, MAC and PCI address are of one NIC, as on this host."""
    device = netfacts.net_devices(before.text("net devices")).get(nic.name)
    if nic.pci is not None:
        function = _pci_devices(before).get(nic.pci)
        if function is None:
            yield f"there is no network device at {nic.pci}, the bench says {nic.name} is"
            return
        if function.interfaces and nic.name not in function.interfaces:
            names = ", ".join(function.interfaces)
            yield f"{nic.pci} is {names} here, the bench says {nic.name}"
        if device is not None and device.pci not in (None, nic.pci):
            yield f"{nic.name} is at {device.pci}, the bench says {nic.pci}"
    elif device is None:
        yield f"there is no interface {nic.name}, which the bench gives to DPVS"
    if device is not None and device.mac != nic.mac:
        yield f"{nic.name} has MAC {device.mac}, the bench says {nic.mac}"


def _in_use(nic: Nic, before: Snapshot) -> Iterator[str]:
    """Addresses and default routes of the NIC, or of what stands on it, are somebody's."""
    devices = netfacts.net_devices(before.text("net devices"))
    # Also what stands on it: binding a bond's member may take the bond's address along.
    above = [name for name in devices if nic.name in _standing_on(devices, {name: ""})]
    for name in dict.fromkeys((nic.name, *above)):
        addresses = [
            str(one.address)
            for one in iproute.addresses(before.text("ip addr"))
            if one.dev == name and not one.address.ip.is_link_local
        ]
        routes = [
            str(route)
            for version in (4, 6)
            for route in iproute.routes(before.text(f"ip -{version} route"), version)
            if route.dev == name and route.destination.prefixlen == 0
        ]
        through = name if name == nic.name else f"{name}, which stands on {nic.name}"
        for what, values in (("address", addresses), ("default route", routes)):
            if values:
                yield (
                    f"the {what} {', '.join(values)} is on {through}, and DPVS would take "
                    f"{nic.name}: the bench does not give it up (dut.nics: give_up_address: true)"
                )


def _pci_devices(before: Snapshot) -> Mapping[str, PciDevice]:
    """None on a client or real server, of which it is not read: interfaces are all they give."""
    if "pci net" not in before.sections:
        return {}
    return netfacts.pci_devices(before.text("pci net"))
