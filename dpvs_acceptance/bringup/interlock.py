"""What must not be touched, found out before the first write. Pure: reads the first snapshots.

First of all what the ssh session goes by (`management`), then what is in use for something else,
and what could not be put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from dpvs_acceptance.bringup.management import HostNetwork, management_path, pci_devices
from dpvs_acceptance.hosts import facts, iproute, netfacts
from dpvs_acceptance.hosts.processes import process_details, process_list
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.nics import Nic

_CHILDREN = ("vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "vxlan")


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
            found.append(f"{host}: the management path cannot be determined: {error}")
    return found


def _of_peer(deployment: Deployment, role: str, before: Snapshot) -> Iterator[str]:
    """A client or real server: its tested interface gets addresses and routes."""
    bench = deployment.bench
    machine = bench.clients[role] if role in bench.clients else bench.real_servers[role]
    why = management_path(before).interfaces.get(machine.interface)
    if why is not None:
        yield f"the bench names {machine.interface} as the tested interface, but {why}"
    yield from _way_back_taken(deployment, role, machine.interface, before)


def _way_back_taken(
    deployment: Deployment, role: str, interface: str, before: Snapshot
) -> Iterator[str]:
    """A network that the tested interface is to reach, and that ssh's client is in."""
    topology = deployment.topology
    machine = {**topology.clients, **topology.real_servers}.get(role)
    if machine is None:
        return  # of the bench, but not of this topology: it gets no routes
    remote = topology.remote_networks.get(machine.link)
    networks = [*topology.networks_of(machine.link)]
    networks += [] if remote is None else topology.links[remote.behind].networks
    session = netfacts.ssh_session(before.text("ssh session"))
    for network in networks:
        if session.client in network:
            yield (
                f"{interface} would get the route to {network}, which contains ssh's client "
                f"{session.client}: start the suite from another address, or through another host"
            )


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
    if deployment.topology.configured_by == "keepalived":
        others = process_list(before.text("processes"))
        found = [str(one.pid) for one in others if PurePath(one.command).name == "keepalived"]
        if found:
            yield f"a keepalived is running already (process {', '.join(found)}): stop it first"
    line = management_path(before)
    for nic in dut.nics:
        yield from _identity(nic, before)
        why = line.functions.get(nic.pci or "") or line.interfaces.get(nic.name)
        if why is not None:
            thing = f"{nic.pci} ({nic.name})" if nic.pci else nic.name
            yield f"the bench gives {thing} to DPVS, but {why}"
            continue
        if nic.pci is not None:
            yield from _deleted_with(nic, before)
        if not nic.give_up_address:
            yield from _in_use(nic, before)


def _identity(nic: Nic, before: Snapshot) -> Iterator[str]:
    """Whether the bench's name, MAC and PCI address are of one NIC, as on this host."""
    device = netfacts.net_devices(before.text("net devices")).get(nic.name)
    if nic.pci is not None:
        function = pci_devices(before).get(nic.pci)
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


def _deleted_with(nic: Nic, before: Snapshot) -> Iterator[str]:
    """Interfaces that the kernel deletes when the NIC leaves it; nothing puts them back exactly."""
    network = HostNetwork.of(before)
    for name in network.devices:
        if network.kind(name) in _CHILDREN and nic.name in network.below(name):
            yield (
                f"{name} ({network.kind(name)}) is on top of {nic.name}, and would be deleted when "
                f"DPVS takes {nic.name}: delete it, or name another NIC"
            )


def _in_use(nic: Nic, before: Snapshot) -> Iterator[str]:
    """Addresses and default routes of the NIC, or of interfaces on top of it: they are in use."""
    # Also of interfaces on top of it: binding a bond's member may take the bond's address along.
    for name in (nic.name, *HostNetwork.of(before).above(nic.name)):
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
        through = name if name == nic.name else f"{name}, which is on top of {nic.name}"
        for what, values in (("address", addresses), ("default route", routes)):
            if values:
                yield (
                    f"the {what} {', '.join(values)} is on {through}, and DPVS would take "
                    f"{nic.name}: the bench does not give it up (dut.nics: give_up_address: true)"
                )
