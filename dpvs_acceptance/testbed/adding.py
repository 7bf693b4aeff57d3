"""Services that a check adds: like one of the topology, with its VIP and LIPs, on another port.

Their real servers are the topology's, or crafted: addresses of the bench that only stations answer
for, so that either end of a connection may send anything.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.model.service import DeclaredService, Target
from dpvs_acceptance.model.topology import Address
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.twoends import TwoEnds
from dpvs_acceptance.verdict.causes import NotSupported, NotTested

from .client import Client
from .parts import Parts
from .service import AddedService, Service
from .tools import NO_UNDO, Tools

SETTLED = 5.0  # seconds until every lcore has a new service
_DOES_NOT_EXIST = 252  # `ipvsadm -A` of a service can only mean its scheduler


def add_service(
    parts: Parts,
    tools: Tools,
    like: Service | DeclaredService,
    *,
    scheduler: str = "rr",
    options: str = "",
    weights: Sequence[int] = (),
    port: int | None = None,
    **declared: object,
) -> AddedService:
    """A service like another, with the same real servers.

    options: further words of `ipvsadm -A`; `declared`: what they mean in the model
    (persistence=3). weights: in the order of the real servers (default: 1). port: of VIP and real
    servers (default: an unused port of the VIP). NotSupported where the device has no such option
    or scheduler.
    """
    base = like.declared if isinstance(like, Service) else like
    targets = tuple(
        target.model_copy(update={"weight": weight, "port": port or target.port})
        for target, weight in zip(
            base.real_servers, weights or (1,) * len(base.real_servers), strict=True
        )
    )
    made = _like(base, port or next(parts.service_ports), targets, scheduler, declared)
    added = AddedService(made, parts, tools)
    _add(tools, added, options)
    for index, target in enumerate(targets):
        added.add_server(index, target.weight)
    _add_lips(parts, tools, added)
    return added


def add_crafted_service(
    parts: Parts,
    tools: Tools,
    like: Service | DeclaredService,
    protocol: str = "tcp",
    *,
    servers: int = 1,
    initial: int | None = None,
    scheduler: str = "rr",
    options: str = "",
) -> AddedService:
    """A FullNAT service like another, whose real servers are crafted ends.

    servers, initial: how many ends there are, and how many the service has at first (all).
    NotTested where the bench gives too few addresses. Returns once a first packet has crossed.
    """
    base = like.declared if isinstance(like, Service) else like
    port, lips = next(parts.service_ports), base.local_addresses[:1]
    names, ends = _crafted_ends(parts, lips[0], port, servers)
    made = _like(
        base,
        port,
        tuple(Target(name=name, port=port) for name in names),
        scheduler,
        {"protocol": protocol, "local_addresses": lips},
    )
    added = AddedService(made, parts, tools, ends)
    _add(tools, added, options)
    for index in range(servers if initial is None else initial):
        added.add_server(index)
    _add_lips(parts, tools, added)
    _wait_until_it_forwards(parts, added)
    return added


def two_ends(
    parts: Parts,
    service: Service,
    server: int = 0,
    *,
    source_port: int | None = None,
    isn: int | None = None,
    rs_isn: int | None = None,
    only: Sequence[bytes] = (),
) -> TwoEnds:
    """A connection through a crafted service, not yet opened; both of its ends are crafted."""
    scene = parts.scene
    name, address = parts.sources.spoofed(service.family)
    return TwoEnds(
        scene.stations[name],
        SocketAddress(address, source_port or parts.sources.next(name).port),
        service.vip,
        scene.next_hop(name, service.vip.address),
        scene.stations[service.server_names[server]],
        service.ends[server],
        service.fullnat(Client(name, parts)).lan.dut_mac,
        isn=isn,
        rs_isn=rs_isn,
        only=only,
    )


def _like(
    base: DeclaredService,
    port: int,
    targets: tuple[Target, ...],
    scheduler: str,
    declared: dict[str, object],
) -> DeclaredService:
    changed = {"name": f"{base.name}-{port}", "port": port, "scheduler": scheduler}
    return base.model_copy(update={**changed, "real_servers": targets, **declared})


def _add(tools: Tools, service: AddedService, options: str) -> None:
    words = commands.service(service.words, service.declared.scheduler, *options.split())
    command = commands.line(words)
    answer = tools.attempt(command)
    if answer.exit_status == _DOES_NOT_EXIST:
        raise NotSupported(f"`{command}`: {answer.shown}")
    assert answer.exit_status == 0, f"`{command}`: {answer.shown}"


def _add_lips(parts: Parts, tools: Tools, service: AddedService) -> None:
    for lip in service.declared.local_addresses:
        words = commands.local_address(service.words, lip, parts.deployment.lip_device(lip))
        # The address is the topology's: it stays when the service goes.
        added = tools.attempt(commands.line(words), undo=NO_UNDO)
        assert added.exit_status == 0, f"`{added.command}`: {added.shown}"


def _crafted_ends(
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


def _wait_until_it_forwards(parts: Parts, service: AddedService) -> None:
    """The tools return before every lcore has a change: wait until a first packet crosses."""
    ends = two_ends(parts, service)
    tcp = service.declared.protocol == "tcp"
    frame = ends.client.segment("S") if tcp else ends.client.datagram(b"up?")
    wanted = Match(outgoing=False, dport=service.vip.port)
    with ExitStack() as stack:
        captures = [
            stack.enter_context(parts.scene.stations[name].capture([Match(dst=end.address)]))
            for name, end in zip(service.server_names, service.ends, strict=True)
        ]
        give_up = time.monotonic() + SETTLED
        while time.monotonic() < give_up:
            ends.client.station.send([frame])
            if any(capture.wait_for(wanted, 1, 0.1).enough for capture in captures):
                return
    raise NotSeen(
        f"service {service.which}, added by this check, forwards nothing to {service.ends[0]} "
        f"within {SETTLED:g} s: is it in `ipvsadm -ln`, with its LIP in `ipvsadm -G`?"
    )
