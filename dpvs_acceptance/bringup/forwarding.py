"""Steps of the forwarding modes on real servers and inner hosts (DPVS doc/tutorial.md)."""

from __future__ import annotations

from dpvs_acceptance.bringup.network import route, route_from, service_address, sysctl
from dpvs_acceptance.bringup.shell import sh, unload_what_modprobe_loads
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Address, Machine

# Tunnel devices created by kernel modules, for packets from any sender.
TUNNELS = {4: ("ipip", "tunl0"), 6: ("ip6_tunnel", "ip6tnl0")}
# Routing table for replies through DPVS; not used for anything else.
TABLE = 5390


def real_server(deployment: Deployment, name: str) -> list[Change]:
    """VIPs of DR and tunnel services, and routes of replies through DPVS for NAT."""
    interface = deployment.bench.real_servers[name].interface
    direct, tunnelled = _vips(deployment, name, "dr"), _vips(deployment, name, "tunnel")
    changes = []
    if any(vip.version == 4 for vip in (*direct, *tunnelled)):
        # Only DPVS answers ARP for the VIP or sends ARP requests from it.
        changes += [
            sysctl(f"net/ipv4/conf/{interface}/arp_ignore", 1),
            sysctl(f"net/ipv4/conf/{interface}/arp_announce", 2),
        ]
    changes += [service_address(vip, "lo") for vip in direct]
    if direct or tunnelled:
        changes += _past(deployment, name, interface)
    for version, (module, device) in TUNNELS.items():
        vips = [vip for vip in tunnelled if vip.version == version]
        if vips:
            changes += [_tunnel(module, device), _up(device)]
            changes += [service_address(vip, device) for vip in vips]
            if version == 4:
                # Packets in the tunnel come from clients, whose route is not the tunnel.
                changes += [
                    sysctl("net/ipv4/conf/all/rp_filter", 0),
                    sysctl(f"net/ipv4/conf/{device}/rp_filter", 0),
                ]
    return changes + _back_through(deployment, name, interface)


def _vips(deployment: Deployment, name: str, forwarding: str) -> tuple[Address, ...]:
    return tuple(
        dict.fromkeys(
            service.vip
            for service in deployment.topology.services
            if service.forwarding == forwarding
            and any(target.name == name for target in service.real_servers)
        )
    )


def _tunnel(module: str, device: str) -> Change:
    return Change(
        id=f"module.{module}",
        title=f"load kernel module {module}, which creates {device}",
        done=f"[ -e /sys/class/net/{device} ]",
        capture_undo=unload_what_modprobe_loads(module),
        apply=sh("modprobe", module),
    )


def _up(device: str) -> Change:
    up = f"ip -o link show dev {device} up | grep -q ."
    return Change(
        id=f"link.{device}",
        title=f"{device} up",
        done=up,
        undo=f"! {up} 2>/dev/null || ip link set dev {device} down",
        apply=f"ip link set dev {device} up",
    )


def _past(deployment: Deployment, name: str, interface: str) -> list[Change]:
    """DR and tunnel: route of replies to clients behind the gateway of the link."""
    topology = deployment.topology
    machine = topology.real_servers[name]
    link = topology.links.get(machine.link)
    gateways = {gateway.version: str(gateway) for gateway in link.gateways} if link else {}
    return [
        route(network, gateways[network.version], interface)
        for remote in topology.remote_networks.values()
        if remote.behind == machine.link
        for network in remote.networks
        if network.version in gateways
    ]


def _back_through(deployment: Deployment, name: str, interface: str) -> list[Change]:
    """NAT: packets from the real server's own address to clients go through DPVS.

    Only these: replies of its other services come from VIPs, and the default route is used by ssh.
    """
    topology, bench = deployment.topology, deployment.bench
    machine = topology.real_servers[name]
    changes = []
    for version in (4, 6):
        served = any(
            service.forwarding == "nat"
            and service.server_family == version
            and any(target.name == name for target in service.real_servers)
            for service in topology.services
        )
        own = topology.links[topology.arm_of(machine)].own
        source, via = machine.of(version), own.of(version) if own else None
        if not served or source is None or via is None:
            continue
        for client in topology.vip_clients:
            crafting = bench.clients[client]
            crafted = crafting.crafted_address6 if version == 6 else crafting.crafted_address
            changes += [
                route_from(source, to, via, interface, TABLE)
                for to in (topology.clients[client].of(version), crafted)
                if to is not None
            ]
    return changes


def through_the_load_balancer(
    deployment: Deployment, machine: Machine, interface: str
) -> list[Change]:
    """SNAT: an inner host's route to external networks, through DPVS's address on its link."""
    topology = deployment.topology
    own = topology.links[machine.link].own
    assert own is not None, "the cross-checks require it"
    outside = {rule.outgoing for rule in topology.snat if rule.covers(machine.address)}
    networks = [topology.links[name].network for name in topology.links if name in outside]
    networks += [r.network for r in topology.remote_networks.values() if r.behind in outside]
    return [route(network, str(own.address), interface) for network in networks]
