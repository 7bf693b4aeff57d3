"""A client as checks use it: it sends requests, echoes and datagrams, and captures what comes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.traffic import timeouts
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.flows import Flow
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.http import HttpAnswer, curl_burst, curl_each, curl_many
from dpvs_acceptance.traffic.icmp import PingResult
from dpvs_acceptance.traffic.scatter import scatter
from dpvs_acceptance.traffic.scene import Watch
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from dpvs_acceptance.traffic.udp import Exchanged, exchange
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import Inconclusive, NotTested

from .parts import Parts
from .places import Link, Vip
from .service import Service

SETTLED = 5.0  # seconds until every lcore has a new service


@dataclass(frozen=True, slots=True)
class Echoes:
    """Echo requests of one client and their replies. `exact`: each was answered once, rightly."""

    client: str
    result: PingResult

    @property
    def exact(self) -> bool:
        return not self.result.problems

    @property
    def received(self) -> int:
        """How many requests were answered."""
        return self.result.received

    @property
    def report(self) -> str:
        """What is wrong, for an assertion's message."""
        return f"ping {self.result.target} from {self.client}: " + "\n".join(self.result.problems)


class Client:
    """A client host of the bench, by its name in the topology."""

    def __init__(self, name: str, parts: Parts) -> None:
        self._name = name
        self._parts = parts

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Its name in the topology."""
        return self._name

    @property
    def host(self) -> Host:
        """The connection to it, for commands of its own."""
        return self._parts.hosts[self.name]

    @property
    def station(self) -> Station:
        """Its tested interface, to send frames from and to capture."""
        return self._parts.scene.stations[self.name]

    @property
    def link(self) -> str:
        """The link, or the network behind a router, that it is on."""
        return self._parts.deployment.topology.clients[self.name].link

    def on_link(self, link: Link) -> Client:
        """The first client on this link; NotTested where there is none."""
        clients = self._parts.deployment.topology.clients
        name = next((name for name, one in clients.items() if one.link == link.name), None)
        if name is None:
            raise NotTested(f"no client is on link {link}")
        return Client(name, self._parts)

    def next_hop(self, target: object) -> str:
        """The MAC that it sends to for this address; NotSeen where nothing answers for it."""
        return self._parts.scene.next_hop(self.name, str(target))

    # -- requests

    def get(
        self, target: Service | str, count: int = 1, *, timeout: float | None = None
    ) -> list[HttpAnswer]:
        """`count` requests to a service or URL, one after another, each on its own connection."""
        ports = self._parts.sources.port_ranges(self.name, count)
        return curl_many(self.host, _url(target), count, source_ports=ports, max_time=timeout)

    def get_burst(self, target: Service | str, count: int) -> list[HttpAnswer]:
        """The same by one curl, which is faster."""
        ports = self._parts.sources.port_ranges(self.name, count)
        return curl_burst(self.host, _url(target), count, source_ports=ports)

    def get_each(self, targets: Sequence[Service | str], seconds: float) -> list[HttpAnswer]:
        """One request to each, by one curl, within so many seconds in all."""
        ports = self._parts.sources.port_ranges(self.name, len(targets))
        urls = [_url(target) for target in targets]
        return curl_each(self.host, urls, source_ports=ports, seconds=seconds)

    def get_all(self, service: Service, count: int) -> None:
        """So many requests, all of which must be answered 200; AssertionError otherwise."""
        answers = self.get_burst(service, count)
        failed = [str(answer) for answer in answers if answer.status != 200]
        assert not failed, f"{len(failed)} of {count} requests failed: {failed[0]}"

    def wait_until_served(self, target: Service | str) -> None:
        """Request until it is answered 200, for 5 s: the tools return before every lcore knows a
        new service. What is still wrong then is for the check to find."""
        give_up = time.monotonic() + timeouts.seconds(SETTLED)
        while self.get(target)[0].status != 200 and time.monotonic() < give_up:
            pass

    def send_datagrams(
        self, target: Service | SocketAddress, payloads: Sequence[bytes]
    ) -> Exchanged:
        """Datagrams on one socket, each given a second for its reply."""
        (ports,) = self._parts.sources.port_ranges(self.name, 1)
        end = target.vip if isinstance(target, Service) else target
        return exchange(self.station, end, payloads, source_ports=ports)

    def ping(self, target: Vip | str, count: int = 5, **options: Any) -> Echoes:
        """Echo requests, as `traffic.icmp.ping`; frames and round-trip times are kept as evidence.

        options: gap_ms, deadline, size, mac (default: its next hop).
        """
        address = str(target)
        mac = options.pop("mac", None) or self.next_hop(address)
        result = self._parts.senders.ping(self.station, address, mac=mac, count=count, **options)
        folder = self._parts.captures
        write_pcap(folder / f"{self.name}.pcap", result.frames)
        rtts = {"vip": address, "client": self.name, "seconds": list(result.rtts)}
        (folder / "rtt.json").write_text(json.dumps(rtts))
        return Echoes(self.name, result)

    # -- captures

    @contextmanager
    def watch(self, *, keep: bool = True) -> Iterator[Watch]:
        """Captures at this client and at every real server; kept as evidence unless keep=False."""
        folder = self._parts.captures if keep else None
        with self._parts.scene.watch(self.name, folder) as watch:
            yield watch

    # -- crafted connections

    def source(self) -> Flow:
        """A source port and a payload that nothing else of this run has, or had recently."""
        return self._parts.sources.next(self.name)

    def spoofed_end(self, family: int = 4) -> SocketAddress:
        """An address that only its station answers for, and a new port. NotTested without one."""
        return self._parts.sources.spoofed_end(family, among=[self.name])[1]

    def connection(self, target: Service | SocketAddress, **options: Any) -> CraftedTcp:
        """A connection from a spoofed end, not yet opened; options as of `CraftedTcp`."""
        end = target.vip if isinstance(target, Service) else target
        source = self.spoofed_end(end.version)
        mac = self.next_hop(end.address)
        return self._parts.senders.tcp(self.station, source, end, mac=mac, **options)

    # -- which real servers DPVS chooses

    def servers_of_requests(self, service: Service, count: int) -> dict[str, list[TcpView]]:
        """The SYNs at each real server of so many requests, all of which must be answered.

        NotTested where the service carries other traffic: its SYNs look like ours there.
        """
        self._parts.other_traffic.require_none(service.declared)
        with self.watch() as watch:
            self.get_all(service, count)
            watch.settle(service.vip, count)
        return service.mode(self).openings(watch.server_views)

    def servers_of_syns(self, service: Service, count: int) -> Mapping[SocketAddress, str]:
        """The real server of each of so many SYNs from one spoofed address; none is completed."""
        address = self.spoofed_end(service.family).address
        sources = [SocketAddress(address, self.source().port) for _ in range(count)]
        return self.servers_of_sources(service, sources, answer_for=[address])

    def servers_of_sources(
        self, service: Service, sources: Sequence[SocketAddress], answer_for: Sequence[str] = ()
    ) -> Mapping[SocketAddress, str]:
        """The real server of a SYN from each source; AssertionError where one came to none.

        answer_for: addresses whose ARP or ND the station answers meanwhile.
        """
        found = self.servers_reached(service, sources, answer_for)
        lost = [source for source in sources if source not in found]
        if len(lost) == len(sources):
            raise Inconclusive(f"none of {len(sources)} SYNs reached a real server")
        assert not lost, f"{len(lost)} of {len(sources)} SYNs reached no real server: {lost[0]}"
        return found

    def servers_reached(
        self, service: Service, sources: Sequence[SocketAddress], answer_for: Sequence[str] = ()
    ) -> Mapping[SocketAddress, str]:
        """The same; a source whose SYN came to no real server is left out."""
        return scatter(
            self._parts.scene,
            service.declared,
            self.name,
            sources,
            answer_for=answer_for,
            folder=self._parts.captures,
        )


def spoofing_client(parts: Parts, family: int = 4, among: Sequence[str] = ()) -> Client:
    """A client of the topology that has a free address of this family to send from.

    NotTested where the bench gives none such an address.
    """
    return Client(parts.sources.spoofed(family, among)[0], parts)


def _url(target: Service | str) -> str:
    return target.url if isinstance(target, Service) else target
