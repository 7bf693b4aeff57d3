"""The users: all clients of the VIPs at once, with many flows, each of them verified.

Real servers are the topology's own, or the suite's server behind a service that the check has
added (`own_servers`), which verifies every octet that it receives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, repeat

from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.scene import Watch
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, Request, UdpFlow
from dpvs_acceptance.traffic.users.judging import wrong_exchanges, wrong_talks
from dpvs_acceptance.traffic.users.making import UserFlows, begin, serving
from dpvs_acceptance.traffic.users.onwire import ClientSide, follow
from dpvs_acceptance.verdict.causes import NotTested

from .adding import add_service
from .client import Client
from .crafted import Shared
from .lasting import LONGEST, Lasting, Past, quiet, wrong_of
from .parts import Parts
from .places import Link
from .sending import CONNECTIONS, DATAGRAMS
from .served import OwnServers, Served
from .service import Service
from .tools import Tools

AT_ONCE = 200
HELD = 8  # octets of a datagram of a flow that is only held open
SETTLED = 5.0  # seconds until every lcore has a new service


class Users:
    """Makes flows, each from a port that no flow of this run had recently."""

    def __init__(
        self,
        parts: Parts,
        tools: Callable[[], Tools],
        shared: Shared,
        past: Past,
        connections: int,
    ) -> None:
        """tools: to add services that the module's checks share. connections: of `--flows`, of
        all clients and TCP services together."""
        self._parts = parts
        self._tools = tools
        self._shared = shared
        self.past = past
        self._connections = connections

    @property
    def clients(self) -> tuple[Client, ...]:
        """Every client of the VIPs, remote ones as well."""
        names = self._parts.deployment.topology.vip_clients
        return tuple(Client(name, self._parts) for name in names)

    def station_on(self, link: Link) -> tuple[Station, str]:
        """The station of a client or real server on this link, and its IPv4 address."""
        topology = self._parts.deployment.topology
        for name, machine in {**topology.clients, **topology.real_servers}.items():
            if machine.link == link.name and machine.address is not None:
                return self._parts.scene.stations[name], str(machine.address)
        raise NotTested(f"no client or real server is on link {link}")

    @property
    def workers(self) -> int:
        """How many workers DPVS has."""
        return len(self._parts.deployment.workers)

    @property
    def share_of_connections(self) -> int:
        """How many of `--flows` fall to one client of one TCP service."""
        topology = self._parts.deployment.topology
        services = sum(service.protocol == "tcp" for service in topology.services)
        return max(1, -(-self._connections // (services * len(topology.vip_clients))))

    def begin(
        self,
        client: Client,
        service: Service,
        tcp: Sequence[Dialogue] = (),
        udp: Sequence[UdpFlow] = (),
        *,
        parallel: int = AT_ONCE,
        seconds: float = 10.0,
    ) -> UserFlows:
        """Begin flows of one client, at most `parallel` at once and for `seconds` in all."""
        ports = self._parts.sources.many(client.name, len(tcp) + len(udp))
        return begin(
            client.station,
            service.vip,
            tcp,
            udp,
            ports=ports,
            parallel=parallel,
            seconds=seconds,
        )

    def talk(
        self,
        service: Service | OwnServers,
        tcp: Sequence[Dialogue] = (),
        udp: Sequence[UdpFlow] = (),
        *,
        also: Sequence[Dialogue] = (),
        among: int = 0,
        parallel: int = AT_ONCE,
        seconds: float = 10.0,
    ) -> Served:
        """Make these flows from every client at the same time, captured at both sides.

        also: of the first client alone. among: so many others of the first client are open
        meanwhile; only their packets are judged. parallel: of one client. What the suite's servers
        saw is judged once their context has ended.
        """
        own = service if isinstance(service, OwnServers) else None
        to = service.service if isinstance(service, OwnServers) else service
        flows_of = chain([[*tcp, *also]], repeat(tcp))
        names = [client.name for client in self.clients]
        # All of them or none: what has begun would go on.
        sending, each = self._parts.sources.sending, len(tcp) + len(udp)
        sending.require(CONNECTIONS, each * len(names) + len(also) + among)
        sending.require(DATAGRAMS, sum(len(flow.datagrams) for flow in udp) * len(names))
        with self._watch() as watch:
            others = self._open(to, among, watch)
            begun = [
                self.begin(client, to, flows, udp, parallel=parallel, seconds=seconds)
                for client, flows in zip(self.clients, flows_of, strict=False)
            ]
            ends = [one.finished(self._parts.captures, self.past.lasting) for one in begun]
            for one in others:
                one.go_on()
            held = [one.finished(self._parts.captures) for one in others]
            if tcp:
                watch.settle(to.vip, sum(one.ends_by_fin for one in tcp))
        sides = [
            ClientSide(one.name, to.mode(one), watch.views(one.name), [*end.locals, *beside])
            for one, end, beside in zip(
                self.clients, ends, chain((one.locals for one in held), repeat([])), strict=False
            )
        ]
        port, protocol = to.ends[0].port, to.declared.protocol
        on_wire = follow(
            sides,
            to.vip,
            watch.server_views,
            server_port=port,
            protocol=protocol,
            lasting=ends[0].lasting,
        )
        served = Served(to.name, dict(zip(names, ends, strict=True)), on_wire, own)
        served.write(self._parts.captures)
        return served

    def _open(self, service: Service, count: int, watch: Watch) -> list[UserFlows]:
        """So many flows of the first client, open until they are ordered to go on."""
        if not count:
            return []
        tcp = service.declared.protocol == "tcp"
        talk = Dialogue((Request(), Request(pause=-LONGEST)))
        flow = UdpFlow((Datagram(HELD), Datagram(HELD, pause=-LONGEST)))
        flows = ([talk] * count, []) if tcp else ([], [flow] * count)
        begun = self.begin(self.clients[0], service, *flows, parallel=count, seconds=LONGEST)
        watch.settle_answers(service.vip, count)
        return [begun]

    def keep_open(self, service: Service) -> None:
        """Open a connection or UDP flow from every client, with one request. The next ones follow
        when `end_open` orders them, and one in 50 s until then."""
        try:
            with self._watch() as watch:
                begun = [
                    self.begin(client, service, *quiet(service), seconds=LONGEST)
                    for client in self.clients
                ]
                watch.settle_answers(service.vip)
        except Exception as error:
            self.past.failed[service.name] = error
            raise
        self.past.open[service.name] = Lasting(tuple(begun), watch, time.monotonic())

    def end_open(self, service: Service) -> list[str]:
        """Let the flows that were kept open make their last requests and end, captured. What was
        wrong of them, in words. Without `keep_open` before, they are opened now."""
        if service.name in self.past.failed:
            raise self.past.failed[service.name]
        if service.name not in self.past.open:
            self.keep_open(service)
        kept = self.past.open.pop(service.name)
        kept.wait()
        with self._watch() as watch:
            for flows in kept.begun:
                flows.go_on()
            ends = [flows.finished() for flows in kept.begun]
            if service.declared.protocol == "tcp":
                watch.settle(service.vip)
        return wrong_of(kept, watch, self.clients, service, ends)

    def _watch(self) -> AbstractContextManager[Watch]:
        """Captures at every client and real server, kept as evidence."""
        names = [client.name for client in self.clients]
        return self._parts.scene.watch(names[0], self._parts.captures, names[1:])

    @contextmanager
    def own_servers(self, like: Service) -> Iterator[OwnServers]:
        """A service like another on its own port, whose real servers run the suite's server.

        The module's checks share it. NotSeen where it is not served within 5 s.
        """
        parts, key = self._parts, (like.name, like.declared.protocol, "own servers")
        known = self._shared.get(key)
        if known is None:
            port = next(parts.service_ports)
            made = add_service(parts, self._tools(), like, port=port)
            known = self._shared[key] = made.declared, {}
        service = Service(known[0], parts)
        addresses = {
            name: [end.address]
            for name, end in zip(service.server_names, service.ends, strict=True)
        }
        with serving(parts.scene.stations, addresses, service.ends[0].port) as seen:
            self._wait_until_served(service)
            yield OwnServers(service, seen)

    def _wait_until_served(self, service: Service) -> None:
        """The tools return before every lcore has a new service."""
        client, give_up = self.clients[0], time.monotonic() + SETTLED
        tcp = service.declared.protocol == "tcp"
        datagram = UdpFlow((Datagram(12, 12),), patience=0.2)
        flows = ([Dialogue()], []) if tcp else ([], [datagram])
        while True:
            with client.watch(keep=False) as watch:
                ends = self.begin(client, service, *flows, seconds=1.0).finished()
                wrong = wrong_talks(ends.talks, None) + wrong_exchanges(ends.exchanges, None)
                if not wrong:
                    if tcp:
                        watch.settle(service.vip)
                    return
            if time.monotonic() > give_up:
                raise NotSeen(f"{service.which}, added by this check, is not served: {wrong[0]}")
