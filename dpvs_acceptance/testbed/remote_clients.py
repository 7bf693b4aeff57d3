"""Many clients: addresses of a network behind a router, from which one client's host sends."""

from __future__ import annotations

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.verdict.causes import NotTested

from .client import Client
from .parts import Parts
from .service import Service


class RemoteClients:
    """client: the host that sends for them, on DPVS's own link.

    NotTested where the topology has no remote network, or no client on DPVS's own link.
    """

    def __init__(self, parts: Parts) -> None:
        topology = parts.deployment.topology
        networks = [remote.network for remote in topology.remote_networks.values()]
        clients = topology.clients
        near = [name for name in topology.vip_clients if clients[name].link in topology.links]
        if not networks or not near:
            raise NotTested(
                "the topology has no remote network whose addresses can be used as many clients"
            )
        self.client = Client(near[0], parts)
        self._network = networks[0]

    def addresses(self, count: int) -> list[str]:
        """Addresses from all over the network, none of its first or last few."""
        step = max(1, (self._network.num_addresses - 32) // count)
        return [str(self._network[16 + number * step]) for number in range(count)]

    def servers(self, service: Service, addresses: list[str], port: int) -> dict[str, str]:
        """Address to real server, of a SYN from each. A SYN that reaches none is a FAIL."""
        sources = [SocketAddress(address, port) for address in addresses]
        found = self.client.servers_of_sources(service, sources)
        return {source.address: name for source, name in found.items()}

    def reached(self, service: Service, addresses: list[str], port: int) -> dict[str, str]:
        """The same; an address whose SYN reaches no real server is left out."""
        sources = [SocketAddress(address, port) for address in addresses]
        found = self.client.servers_reached(service, sources)
        return {source.address: name for source, name in found.items()}
