"""Steps on clients and real servers: their addresses, and the readers of the client's address."""

from __future__ import annotations

from ipaddress import ip_network

from dpvs_acceptance.bringup import forwarding
from dpvs_acceptance.bringup.network import address, route
from dpvs_acceptance.bringup.reboot import run_at_boot
from dpvs_acceptance.bringup.shell import loaded, sh, unload
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.bench import ReaderModule
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Machine


def client(deployment: Deployment, name: str) -> list[Change]:
    """A client's addresses, and its routes to the load balancer's networks or through it."""
    topology = deployment.topology
    machine, interface = topology.clients[name], deployment.bench.clients[name].interface
    changes = [
        *_addresses(deployment, machine, interface),
        *_remote(deployment, machine, interface),
        *_routed_vips(deployment, machine, interface),
    ]
    if name in topology.inner_hosts:
        changes += forwarding.through_the_load_balancer(deployment, machine, interface)
    return changes


def real_server(deployment: Deployment, name: str) -> list[Change]:
    """A real server's addresses, and the steps of the forwarding modes of its services.

    Its server programs are not installed by the suite, only checked.
    """
    machine = deployment.topology.real_servers[name]
    interface = deployment.bench.real_servers[name].interface
    return [
        *_addresses(deployment, machine, interface),
        *_remote(deployment, machine, interface),
        *forwarding.real_server(deployment, name),
    ]


def _remote(deployment: Deployment, machine: Machine, interface: str) -> list[Change]:
    """If it is remote: its route to the load balancer's networks."""
    remote = deployment.topology.remote_networks.get(machine.link)
    if remote is None:
        return []
    return [
        route(network, str(remote.router6 if network.version == 6 else remote.router), interface)
        for network in deployment.topology.links[remote.behind].networks
    ]


def _routed_vips(deployment: Deployment, machine: Machine, interface: str) -> list[Change]:
    """A client's routes to VIPs that are in no network of a link: by DPVS's own address there, or
    by the client's router, which must know them."""
    topology = deployment.topology
    remote = topology.remote_networks.get(machine.link)
    changes = []
    for name, vips in topology.vips.items():
        own = topology.links[name].own
        for vip in vips:
            if topology.link_of(vip) is not None or machine.of(vip.version) is None:
                continue
            on_link = own.of(vip.version) if own and name == machine.link else None
            router = (
                None if remote is None else remote.router if vip.version == 4 else remote.router6
            )
            via = on_link or router
            if via is not None:
                changes.append(route(ip_network(vip), str(via), interface))
    return changes


def readers(deployment: Deployment, name: str) -> list[Change]:
    """The TOA and UOA readers, also after a reboot (deployment guide 4)."""
    server = deployment.bench.real_servers[name]
    changes = []
    for reader in (server.toa, server.uoa):
        if reader is not None:
            changes += [_load(reader), run_at_boot(f"{reader.name}.reboot", _insmod(reader))]
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
    return [
        address(one, network.prefixlen, interface)
        for one in machine.both
        for network in deployment.topology.networks_of(machine.link)
        if one in network
    ]
