"""The whole plan of a bring-up: stages of changes, in order, for each host. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dpvs_acceptance.bringup import daemon, peers, platform, service
from dpvs_acceptance.bringup.configuration import render_configuration
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Stage:
    """Changes of one host that are made in one go. `role` is `dut`, or a client's or RS's name."""

    name: str
    role: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bring-up does. The peers' stages do not depend on the DUT's, nor on each other."""

    peers: tuple[Stage, ...]
    dut: tuple[Stage, ...]
    readers: tuple[Stage, ...]
    """The TOA and UOA readers, loaded only once the address without them has been seen (seed 4)."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.peers + self.dut + self.readers


def make_plan(deployment: Deployment, facts: VersionFacts) -> Plan:
    """Everything that brings `deployment` up on hosts where nothing is done yet."""
    topology = deployment.topology
    text = render_configuration(deployment, facts)
    return Plan(
        peers=tuple(
            Stage("client", name, tuple(peers.client(deployment, name)))
            for name in topology.clients
        )
        + tuple(
            Stage("real server", name, tuple(peers.real_server(deployment, name)))
            for name in topology.real_servers
        ),
        dut=(
            Stage(
                "platform",
                "dut",
                (
                    *platform.hugepages(deployment),
                    *platform.open_files(deployment),
                    *platform.modules(deployment, facts),
                    *platform.bindings(deployment),
                ),
            ),
            Stage(
                "dpvs",
                "dut",
                (daemon.configuration(deployment, text), daemon.start(deployment, facts)),
            ),
            Stage("devices", "dut", tuple(service.vlans(deployment))),
            Stage(
                "service",
                "dut",
                (
                    *service.kernel_interfaces(deployment),
                    *service.addresses_and_routes(deployment),
                    *service.services(deployment),
                ),
            ),
        ),
        readers=tuple(
            Stage("client address", name, tuple(peers.readers(deployment, name)))
            for name in topology.real_servers
        ),
    )


def describe(plan: Plan, deployment: Deployment) -> Iterator[str]:
    """The plan as lines to read: per host and stage, each change, its command and its undo."""
    for stage in plan.stages:
        host = deployment.bench.hosts[stage.role]
        if not stage.changes:
            continue
        yield f"== {host} ({stage.role}): {stage.name}"
        for change in stage.changes:
            yield f"  {change.id}: {change.title}"
            yield from _indented("do", change.apply)
            if change.undo is not None:
                yield from _indented("undo", change.undo)
            else:
                yield from _indented("undo, as found by", change.capture_undo or "")


def _indented(label: str, text: str) -> Iterator[str]:
    first, *rest = text.splitlines() or [""]
    yield f"      {label}: {first}"
    yield from (f"      {' ' * len(label)}  {line}" for line in rest)
