"""Captures in one deployment, at the client and at all real servers.

A `Watch` starts a capture at the client and at every RS before anything is sent, so every packet is
seen on both sides of the load balancer, also if it reaches the wrong RS.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import DeclaredService

from . import timeouts
from .capture import Capture
from .connection import Arm, Behaviour, FullNat, SocketAddress
from .dissect import dissect
from .errors import NotSeen
from .frame import capture_name
from .match import Match
from .station import Station
from .views import View

# Both directions of a connection normally end within this time.
SETTLE_SECONDS = 2.0
# Longer than Linux delays an acknowledgement.
STILL = 0.06
TCP_OR_TUNNELLED = (6, 4, 41)


class Scene:
    """The stations of a deployment by role. `modes.placing` has the modes of its services."""

    def __init__(
        self, deployment: Deployment, facts: VersionFacts, stations: Mapping[str, Station]
    ) -> None:
        self.deployment = deployment
        self.facts = facts
        self.stations = stations
        self._next_hops: dict[tuple[str, int], str] = {}

    @cached_property
    def servers(self) -> tuple[str, ...]:
        return tuple(self.deployment.topology.real_servers)

    def vip(self, service: DeclaredService) -> SocketAddress:
        return SocketAddress(str(service.vip), service.port)

    def hops(self, name: str) -> int:
        """Number of routers between a client or real server and the load balancer."""
        return int(self._link(name) in self.deployment.topology.remote_networks)

    def next_hop(self, name: str, target: str) -> str:
        """The next-hop MAC of a client or real server for `target`: DPVS's port, or a router.

        Raises NotSeen if no host answers ARP or ND.
        """
        version = 6 if ":" in target else 4
        if (name, version) not in self._next_hops:
            topology, link = self.deployment.topology, self._link(name)
            remote = topology.remote_networks.get(link)
            own = topology.links[link].own if remote is None else None
            asked = target
            if remote is not None:
                asked = str(remote.router6 if version == 6 else remote.router)
            elif own is not None and not self._on_link(link, target):
                asked = str(own.of(version))
            macs = self.stations[name].resolve(asked)
            if not macs:
                raise NotSeen(f"{name}: no ARP/ND reply for {asked}")
            self._next_hops[name, version] = macs[0]
        return self._next_hops[name, version]

    def fullnat(
        self, service: DeclaredService, client: str, targets: dict[SocketAddress, str] | None = None
    ) -> FullNat:
        """The FullNAT facts of this service for this client.

        targets: addresses of real servers to their MACs, if not those of the topology.
        """
        topology = self.deployment.topology
        lan = self.deployment.lip_port(service.local_addresses[0])
        if targets is None:
            targets = {
                SocketAddress(str(expected.address), expected.port): self.stations[target.name].mac
                for target, expected in zip(
                    service.real_servers, self.deployment.targets(service), strict=True
                )
            }
        return FullNat(
            vip=self.vip(service),
            lips=frozenset(map(str, service.local_addresses)),
            rs=targets,
            wan=Arm(self.next_hop(client, str(service.vip))),
            lan=Arm(lan.nic.mac),
            wan_peer_mac=self.stations[client].mac,
            behaviour=Behaviour.of_version(
                str(self.facts.version),
                uoa_mode=topology.dpvs.uoa_mode,
                # A router on the client's side decrements the TTL too, as seen in the client's
                # capture.
                xmit_ttl=self.hops(client) > 0,
            ),
        )

    @contextmanager
    def watch(
        self, client: str, folder: Path | None = None, others: Sequence[str] = ()
    ) -> Iterator[Watch]:
        """Captures at `client`, `others` and every RS; writes the frames to `folder` as pcap files.

        The first watch writes NAME.pcap, the second NAME.2.pcap, and so on.
        """
        with ExitStack() as stack:
            captures = {
                name: stack.enter_context(self.stations[name].capture())
                for name in (*self.servers, client, *others)
            }
            watch = Watch(client, captures, self.servers)
            yield watch
        if folder is not None:
            number = next(n for n in count(1) if not (folder / capture_name(client, n)).exists())
            for name, capture in captures.items():
                capture.write_pcap(folder / capture_name(name, number))

    def _link(self, name: str) -> str:
        """The link or remote network of a client or real server."""
        topology = self.deployment.topology
        machines = topology.clients if name in topology.clients else topology.real_servers
        return machines[name].link

    def _on_link(self, link: str, target: str) -> bool:
        networks = self.deployment.topology.links[link].networks
        return any(ip_address(target) in network for network in networks)


class Watch:
    """Captures at both sides of the load balancer; views are available after the context."""

    def __init__(
        self, client: str, captures: Mapping[str, Capture], servers: Sequence[str]
    ) -> None:
        self.client = client
        self.captures = captures
        self.servers = servers
        self._views: dict[str, list[View]] = {}

    def settle(self, vip: SocketAddress, flows: int = 1, deadline: float | None = None) -> None:
        """Wait until `flows` TCP connections to the VIP have ended at each client and at the RS.

        Returns when the last packets were seen on both sides. Does not raise at the deadline: the
        comparison of both sides then shows what is missing.
        """
        deadline = timeouts.seconds(SETTLE_SECONDS, deadline)
        end = time.monotonic() + deadline
        at_clients = [c for name, c in self.captures.items() if name not in self.servers]
        ours = Match(host=vip.address, port=vip.port)
        closing = Match(outgoing=False, src=vip.address, sport=vip.port, flags="F")
        for capture in at_clients:
            capture.wait_for(closing, flows, max(0.0, end - time.monotonic()))
        while time.monotonic() < end:
            here, there = self._counts(ours, at_clients)
            if there >= here:
                return

    def settle_answers(
        self, vip: SocketAddress, count: int = 0, deadline: float | None = None
    ) -> None:
        """Wait until the client has `count` answers of the VIP and nothing passes; without `count`
        until every client has one.

        Does not raise at the deadline, as `settle`.
        """
        end = time.monotonic() + timeouts.seconds(SETTLE_SECONDS, deadline)
        at_clients = [c for name, c in self.captures.items() if name not in self.servers]
        ours = Match(host=vip.address, port=vip.port)
        answer = Match(outgoing=False, src=vip.address, sport=vip.port, has_payload=True)
        for capture in at_clients:
            wanted = count if capture is self.captures[self.client] else 0
            capture.wait_for(answer, wanted if count else 1, max(0.0, end - time.monotonic()))
        counts, since = (0, 0), time.monotonic()
        while time.monotonic() < min(end, since + STILL):
            before, counts = counts, self._counts(ours, at_clients)
            since = since if counts == before else time.monotonic()

    def _counts(self, ours: Match, at_clients: Sequence[Capture]) -> tuple[int, int]:
        """Packets so far at the clients and at the real servers."""
        # The RS's port may differ from the VIP's, but both sides see the same number of packets.
        here = sum(len(one.wait_for(ours, 1 << 30, 0.02).frames) for one in at_clients)
        there = sum(
            len(self.captures[name].wait_for(Match(protocol=one), 1 << 30, 0.0).frames)
            for name in self.servers
            for one in TCP_OR_TUNNELLED
        )
        return here, there

    def views(self, name: str) -> list[View]:
        """All frames of one capture, dissected. Raises InconclusiveCapture on lost frames."""
        if name not in self._views:
            capture = self.captures[name]
            capture.require_sound()
            self._views[name] = [dissect(frame) for frame in capture.frames]
        return self._views[name]

    @property
    def client_views(self) -> list[View]:
        return self.views(self.client)

    @property
    def server_views(self) -> dict[str, Sequence[View]]:
        return {name: self.views(name) for name in self.servers}
