"""Steps on clients and real servers: their addresses, and the readers of the client's address."""

from __future__ import annotations

import shlex

from dpvs_acceptance.bringup.platform import at_boot
from dpvs_acceptance.bringup.shell import loaded, sh, unload
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.bench import ReaderModule
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Machine, Network


def client(deployment: Deployment, name: str) -> list[Change]:
    """A client's addresses and, where it is remote, its way to the load balancer's networks."""
    machine = deployment.topology.clients[name]
    interface = deployment.bench.clients[name].interface
    changes = _addresses(deployment, machine, interface)
    remote = deployment.topology.remote_networks.get(machine.link)
    if remote is not None:
        for network in deployment.topology.links[remote.behind].networks:
            router = remote.router6 if network.version == 6 else remote.router
            changes.append(_way(network, str(router), interface))
    return changes


def real_server(deployment: Deployment, name: str) -> list[Change]:
    """A real server's addresses. What it serves is its owner's, and asserted, not installed."""
    machine = deployment.topology.real_servers[name]
    return _addresses(deployment, machine, deployment.bench.real_servers[name].interface)


def readers(deployment: Deployment, name: str) -> list[Change]:
    """The TOA and UOA readers, and that they are loaded again after a reboot (seed 4)."""
    server = deployment.bench.real_servers[name]
    changes = []
    for reader in (server.toa, server.uoa):
        if reader is not None:
            changes += [_load(reader), at_boot(f"{reader.name}.reboot", _insmod(reader))]
    return changes


def _insmod(reader: ReaderModule) -> str:
    return sh("insmod", reader.module)


def _load(reader: ReaderModule) -> Change:
    return Change(
        id=f"module.{reader.name}",
        title=f"load {reader.module}",
        done=loaded(reader.name),
        undo=unload(reader.name),
        apply=_insmod(reader),
    )


def _addresses(deployment: Deployment, machine: Machine, interface: str) -> list[Change]:
    changes = []
    networks = _networks(deployment, machine.link)
    for address, network in zip(machine.both, networks, strict=False):
        text = f"{address}/{network.prefixlen}"
        device = shlex.quote(interface)
        nodad = " nodad" if address.version == 6 else ""
        present = f"ip -o addr show dev {device} | grep -qF ' {text} '"
        changes.append(
            Change(
                id=f"address.{address}",
                title=f"address {text} on {interface}",
                done=present,
                undo=f"! {present} || ip addr del {text} dev {device}",
                apply=f"ip addr add {text} dev {device}{nodad} && ip link set dev {device} up",
            )
        )
    return changes


def _networks(deployment: Deployment, link: str) -> tuple[Network, ...]:
    if link in deployment.topology.links:
        return deployment.topology.links[link].networks
    remote = deployment.topology.remote_networks[link]
    return tuple(n for n in (remote.network, remote.network6) if n is not None)


def _way(network: Network, router: str, interface: str) -> Change:
    family = "-6" if network.version == 6 else "-4"
    route = f"{network} via {router} dev {shlex.quote(interface)}"
    present = f"ip {family} route show {network} | grep -qF 'via {router} '"
    return Change(
        id=f"route.{network}",
        title=f"route {network} via {router}",
        done=present,
        # Taking the address away takes its routes along, so there may be nothing left to undo.
        undo=f"! {present} || ip {family} route del {route}",
        apply=f"ip {family} route add {route}",
    )
