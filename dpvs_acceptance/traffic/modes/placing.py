"""Creates the mode of a service in a deployment, with facts from the stations."""

from __future__ import annotations

from collections.abc import Callable

from dpvs_acceptance.model.topology import DeclaredService, Snat
from dpvs_acceptance.traffic.connection import Arm, SocketAddress
from dpvs_acceptance.traffic.scene import Scene

from .arms import Arms, Server
from .direct import DirectRouting
from .fullnat import FullNatMode
from .mode import ForwardingMode
from .nat import Nat
from .snat import SourceNat
from .synpackets import Settings
from .synproxy import SynProxy
from .tunnel import TunnelMode


def mode_of(scene: Scene, service: DeclaredService | Snat, client: str) -> ForwardingMode:
    """The forwarding mode of a service, for this client.

    For SNAT the client is an inner host, and the real servers are external servers.
    """
    if isinstance(service, Snat):
        return _snat(scene, service, client)
    return _MODES[service.forwarding](scene, service, client)


def _fullnat(scene: Scene, service: DeclaredService, client: str) -> ForwardingMode:
    facts = scene.fullnat(service, client)
    if not service.synproxy:
        return FullNatMode(facts)
    # The generated dpvs.conf has no synproxy settings, so DPVS's defaults apply.
    version = scene.facts
    settings = Settings(sack=version.synproxy_sack, close_window=version.synproxy_closes_window)
    return SynProxy(facts, settings)


def _direct(scene: Scene, service: DeclaredService, client: str) -> ForwardingMode:
    return DirectRouting(_arms(scene, service, client))


def _nat(scene: Scene, service: DeclaredService, client: str) -> ForwardingMode:
    return Nat(_arms(scene, service, client))


def _tunnel(scene: Scene, service: DeclaredService, client: str) -> ForwardingMode:
    topology = scene.deployment.topology
    name = service.real_servers[0].name
    own = topology.links[topology.arm_of(topology.real_servers[name])].own
    assert own is not None, "the cross-checks require it"
    source = {version: str(own.of(version)) for version in (4, 6)}
    return TunnelMode(_arms(scene, service, client), source)


_MODES: dict[str, Callable[[Scene, DeclaredService, str], ForwardingMode]] = {
    "fullnat": _fullnat,
    "dr": _direct,
    "nat": _nat,
    "tunnel": _tunnel,
}


def _arms(scene: Scene, service: DeclaredService, client: str) -> Arms:
    targets = scene.deployment.targets(service)
    servers = {
        target.name: _server(scene, target.name, SocketAddress(str(one.address), one.port))
        for target, one in zip(service.real_servers, targets, strict=True)
    }
    vip = scene.vip(service)
    wan = Arm(scene.next_hop(client, vip.address))
    return Arms(vip, servers, wan, scene.stations[client].mac, scene.hops(client))


def _snat(scene: Scene, rule: Snat, client: str) -> ForwardingMode:
    """The external servers are the topology's real servers; there is no VIP."""
    servers = {
        name: _server(scene, name, SocketAddress(str(machine.address), 0))
        for name, machine in scene.deployment.topology.real_servers.items()
    }
    first = next(iter(servers.values())).end
    wan = Arm(scene.next_hop(client, first.address))
    arms = Arms(first, servers, wan, scene.stations[client].mac, scene.hops(client))
    return SourceNat(arms, frozenset(str(one.address) for one in rule.pool))


def _server(scene: Scene, name: str, end: SocketAddress) -> Server:
    """A real server and its neighbour: the DUT's port, or its router."""
    hops = scene.hops(name)
    if hops:
        mac = scene.next_hop(name, end.address)
    else:
        topology = scene.deployment.topology
        mac = scene.deployment.port(topology.arm_of(topology.real_servers[name])).nic.mac
    return Server(end, scene.stations[name].mac, Arm(mac), hops)
