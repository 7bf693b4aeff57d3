"""The path of what DPVS routes rather than balances: from a client on its link to a real server."""

from __future__ import annotations

from dataclasses import dataclass

from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.traffic.frames import Ends
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import NotTested

SAME_PORT = "the same port"
CROSSINGS = ("another port", SAME_PORT)
"""Whether what comes in by one port of DPVS leaves by another, or by the same (one arm)."""


@dataclass(frozen=True, slots=True)
class RoutedPath:
    """A client on DPVS's own link, a real server behind DPVS, and their own addresses.

    ends: as the client sends, to DPVS's port.
    """

    client: str
    server: str
    ends: Ends


def routed_path(scene: Scene, version: int, *crossings: str) -> RoutedPath:
    """The first that the topology has for this family (4 or 6), by one of these CROSSINGS or any.

    Raises NotTested where no client of such a path is on DPVS's own link.
    """
    topology, wanted = scene.deployment.topology, crossings or CROSSINGS
    for client, server in (pair for one in wanted for pair in pairs(topology, version, one)):
        vips = [v for some in topology.vips.values() for v in some if v.version == version]
        if scene.hops(client) == 0 and vips:
            source = topology.clients[client].of(version)
            target = topology.real_servers[server].of(version)
            mac = scene.next_hop(client, str(vips[0]))
            ends = Ends(scene.stations[client].mac, mac, str(source), str(target))
            return RoutedPath(client, server, ends)
    raise NotTested(f"no client on DPVS's own link has an IPv{version} real server behind DPVS")


def pairs(topology: Topology, version: int, crossing: str) -> list[tuple[str, str]]:
    """Clients and real servers with addresses of the family, whose path through DPVS is such."""
    return [
        (client, server)
        for client in topology.vip_clients
        for server, machine in topology.real_servers.items()
        if topology.clients[client].of(version)
        and machine.of(version)
        and (machine.link == topology.clients[client].link) == (crossing == SAME_PORT)
    ]
