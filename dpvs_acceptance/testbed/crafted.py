"""Services with crafted real servers, and connections both of whose ends are crafted.

The ends are addresses of the bench that only stations answer for: no kernel knows of them, so that
either side may send anything. A FullNAT service is needed to add one like it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from dpvs_acceptance.dpvs.dpip.addr import SourcePool
from dpvs_acceptance.model.service import DeclaredService, Target
from dpvs_acceptance.model.topology import Address
from dpvs_acceptance.traffic.capture import Capture
from dpvs_acceptance.traffic.connection import Connection, FullNat, SocketAddress
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.pairing import Conversation, find_tcp
from dpvs_acceptance.traffic.twoends import TwoEnds
from dpvs_acceptance.traffic.verify import check_tcp, in_words
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import Inconclusive, NotTested

from .adding import add, add_lips, declared_like
from .client import Client, spoofing_client
from .parts import Parts
from .service import AddedService, Service
from .tools import Tools

SECONDS = 5.0  # until every lcore has taken over a change
DATAGRAMS_WITH_ADDRESS = 3  # uoa_max_trail, where dpvs.conf does not set it

Shared = dict[tuple[str, str, str], tuple[DeclaredService, dict[SocketAddress, str]]]
"""Services that several checks use, by base, protocol and options."""


class Crafted:
    """Adds such services by `tools`, and makes connections through them."""

    def __init__(self, parts: Parts, tools: Tools, shared: Shared) -> None:
        self._parts = parts
        self._tools = tools
        self._shared = shared

    # -- services

    def service(self, like: Service, protocol: str = "tcp", options: str = "") -> AddedService:
        """A service with one crafted real server, shared by checks: do not change it."""
        key = like.name, protocol, options
        if key not in self._shared:
            made = self.add(like, protocol, options=options)
            self._shared[key] = made.declared, made.crafted
        declared, ends = self._shared[key]
        return AddedService(declared, self._parts, self._tools, ends)

    def add(
        self,
        like: Service,
        protocol: str = "tcp",
        *,
        servers: int = 1,
        initial: int | None = None,
        scheduler: str = "rr",
        options: str = "",
    ) -> AddedService:
        """A FullNAT service like another, which the check may change.

        servers, initial: how many real servers there are, and how many the service has at first
        (all). NotTested where the bench gives too few addresses. Returns once a first packet has
        crossed.
        """
        port, lips = next(self._parts.service_ports), like.declared.local_addresses[:1]
        names, ends = _ends(self._parts, lips[0], port, servers)
        made = declared_like(
            like.declared,
            port,
            tuple(Target(name=name, port=port) for name in names),
            scheduler,
            {"protocol": protocol, "local_addresses": lips},
        )
        added = AddedService(made, self._parts, self._tools, ends)
        add(self._tools, added, options)
        for index in range(servers if initial is None else initial):
            added.add_server(index)
        add_lips(self._parts, self._tools, added)
        self._wait_until_it_forwards(added)
        return added

    def client(self, service: Service) -> Client:
        """The client whose station is the client's end of connections through the service."""
        return spoofing_client(self._parts, service.family)

    def fullnat(self, service: AddedService) -> FullNat:
        """What FullNAT must do with the packets of connections through the service."""
        return service.fullnat(self.client(service))

    # -- connections

    @contextmanager
    def connection(
        self,
        service: AddedService,
        server: int = 0,
        *,
        source_port: int | None = None,
        isn: int | None = None,
        rs_isn: int | None = None,
        only: Sequence[bytes] = (),
    ) -> Iterator[TwoEnds]:
        """A connection through the service, not yet opened; its frames are kept as evidence."""
        ends = self._two_ends(
            service, server, source_port=source_port, isn=isn, rs_isn=rs_isn, only=only
        )
        try:
            with ends:
                yield ends
        finally:
            for side in (ends.client, ends.server):
                name = f"{side.station.host_name}-{ends.client.own.port}.pcap"
                write_pcap(self._parts.captures / name, side.capture.frames)

    def send_beyond_uoa(self, ends: TwoEnds) -> None:
        """A UDP flow, both ways, beyond the datagrams that carry the client's address."""
        for number in range(DATAGRAMS_WITH_ADDRESS + 1):
            ends.datagram_to_rs(b"request %d" % number)
        ends.datagram_to_client(b"answer")

    def conversation(
        self, service: AddedService, ends: TwoEnds
    ) -> tuple[Conversation[TcpView], Connection]:
        """Both sides of an ended connection, matched."""
        near, far = ends.views()
        return find_tcp(near, far, ends.client.own, service.fullnat(self.client(service)))

    def require_exact(self, service: AddedService, ends: TwoEnds) -> Conversation[TcpView]:
        """Every segment reached the other side, once, as FullNAT has to make it; else a FAIL."""
        conversation, connection = self.conversation(service, ends)
        findings = check_tcp(conversation, connection)
        assert not findings, in_words(findings)
        return conversation

    # -- which real servers DPVS chooses

    def chosen_servers(self, service: AddedService, count: int) -> list[int]:
        """Which real server each of so many new connections went to: their indexes, in order.

        Only their SYNs are sent, and not answered. NotSeen where one reached no real server.
        """
        stations = [server.station for server in service.servers]
        client, end = self.client(service), self._two_ends(service).client
        found = []
        with ExitStack() as stack:
            captures = [
                stack.enter_context(station.capture([Match(outgoing=False, dst=one.address)]))
                for station, one in zip(stations, service.ends, strict=True)
            ]
            for _ in range(count):
                end.station.send([end.segment("S", sport=client.source().port)])
                found.append(_one_of(captures, Match(dport=service.vip.port, flags="S"), service))
        return found

    def wait_until_chosen(self, service: AddedService, servers: set[int]) -> None:
        """Wait until new connections go to exactly these real servers, on every lcore."""
        give_up = time.monotonic() + SECONDS
        while (seen := set(self.chosen_servers(service, 4))) != servers:
            if time.monotonic() > give_up:
                names = ", ".join(service.server_names[index] for index in sorted(seen))
                wanted = ", ".join(service.server_names[index] for index in sorted(servers))
                raise NotSeen(f"new connections to {service.vip} go to {names}, expected {wanted}")

    # -- what DPVS lists of them

    def states(self, ends: TwoEnds) -> list[str]:
        """The connection's states in `ipvsadm -lnc` now: one, or none once it is gone."""
        listed = self._parts.look("ipvsadm -lnc").connections
        return [c.state for c in listed if str(c.client) == str(ends.client.own)]

    def listed_ports(self) -> set[int]:
        """The clients' ports of all connections in `ipvsadm -lnc` now."""
        return {one.client.port for one in self._parts.look("ipvsadm -lnc").connections}

    def source_pool(self, service: AddedService) -> SourcePool:
        """The source ports of its LIP now, as `dpip -s addr show` counts them."""
        lip = service.declared.local_addresses[0]
        entries = self._parts.look("dpip -s addr show").addresses_of(lip)
        found = next((entry.pool for entry in entries if entry.pool), None)
        if found is None:
            raise Inconclusive(f"`dpip -s addr show` counts no source ports of the LIP {lip}")
        return found

    def _two_ends(
        self,
        service: AddedService,
        server: int = 0,
        *,
        source_port: int | None = None,
        isn: int | None = None,
        rs_isn: int | None = None,
        only: Sequence[bytes] = (),
    ) -> TwoEnds:
        client, address = self.client(service), self._parts.sources.spoofed(service.family)[1]
        return TwoEnds(
            client.station,
            SocketAddress(address, source_port or client.source().port),
            service.vip,
            client.next_hop(service.vip.address),
            service.servers[server].station,
            service.ends[server],
            service.fullnat(client).lan.dut_mac,
            isn=isn,
            rs_isn=rs_isn,
            only=only,
        )

    def _wait_until_it_forwards(self, service: AddedService) -> None:
        """The tools return before every lcore has a change: wait until a first packet crosses."""
        end = self._two_ends(service).client
        tcp = service.declared.protocol == "tcp"
        frame = end.segment("S") if tcp else end.datagram(b"up?")
        wanted = Match(outgoing=False, dport=service.vip.port)
        with ExitStack() as stack:
            captures = [
                stack.enter_context(server.station.capture([Match(dst=one.address)]))
                for server, one in zip(service.servers, service.ends, strict=True)
            ]
            give_up = time.monotonic() + SECONDS
            while time.monotonic() < give_up:
                end.station.send([frame])
                if any(capture.wait_for(wanted, 1, 0.1).enough for capture in captures):
                    return
        raise NotSeen(
            f"service {service.which}, added by this check, forwards nothing to {service.ends[0]} "
            f"within {SECONDS:g} s: is it in `ipvsadm -ln`, with its LIP in `ipvsadm -G`?"
        )


def _one_of(captures: list[Capture], wanted: Match, service: AddedService) -> int:
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        for index, capture in enumerate(captures):
            if capture.wait_next(wanted, 1, 0.02).enough:
                return index
    names = ", ".join(service.server_names)
    raise NotSeen(f"a new connection to {service.vip} reached none of {names}")


def _ends(
    parts: Parts, lip: Address, port: int, wanted: int
) -> tuple[tuple[str, ...], dict[SocketAddress, str]]:
    """Names of real servers, and the ends at their stations to the stations' MACs."""
    deployment, names, ends = parts.deployment, [], {}
    topology = deployment.topology
    for name, machine in topology.real_servers.items():
        server = deployment.bench.real_servers[name]
        address = server.crafted_address6 if lip.version == 6 else server.crafted_address
        if address is not None and topology.link_of(address) == machine.link:
            names.append(name)
            ends[SocketAddress(str(address), port)] = parts.scene.stations[name].mac
    if len(names) < wanted:
        key = "crafted_address6" if lip.version == 6 else "crafted_address"
        raise NotTested(
            f"{wanted} real servers with a free address on their link are needed ({key}), the "
            f"bench has {len(names)}"
        )
    return tuple(names[:wanted]), dict(list(ends.items())[:wanted])
