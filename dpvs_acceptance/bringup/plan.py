"""The plan of a bring-up: stages of changes, in order, for each host. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dpvs_acceptance.bringup import daemon, keepalived, peers, platform, service
from dpvs_acceptance.bringup.configuration import render_configuration
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Stage:
    """Changes of one host made in one round trip. `role`: `dut`, or name of a client or RS."""

    name: str
    role: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages of a bring-up. Stages of peers are independent of the DUT and of each other."""

    peers: tuple[Stage, ...]
    dut: tuple[Stage, ...]
    readers: tuple[Stage, ...]
    """The TOA and UOA readers, loaded after the check without them (deployment guide 4)."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.peers + self.dut + self.readers


def make_plan(deployment: Deployment, facts: VersionFacts) -> Plan:
    """The complete plan for `deployment` on unchanged hosts."""
    topology = deployment.topology
    text = render_configuration(deployment, facts)
    limits = deployment.bench.time_limits
    return Plan(
        peers=tuple(
            Stage("client", name, _within(limits.other, peers.client(deployment, name)))
            for name in topology.clients
            if name in deployment.bench.clients
        )
        + tuple(
            Stage("real server", name, _within(limits.other, peers.real_server(deployment, name)))
            for name in topology.real_servers
            if name in deployment.bench.real_servers
        ),
        dut=(
            Stage(
                "platform",
                "dut",
                (
                    *_within(limits.hugepages, platform.hugepages(deployment)),
                    *_within(limits.other, platform.open_files(deployment)),
                    *_within(limits.modules, platform.modules(deployment, facts)),
                    *_within(limits.bindings, platform.bindings(deployment)),
                ),
            ),
            Stage(
                "dpvs",
                "dut",
                (
                    *_within(limits.other, daemon.log_folder(deployment)),
                    *_within(limits.other, [daemon.configuration(deployment, text)]),
                    *_within(limits.start, [daemon.start(deployment, facts)]),
                ),
            ),
            Stage("devices", "dut", _within(limits.other, service.vlans(deployment))),
            Stage(
                "service",
                "dut",
                _within(
                    limits.other,
                    (
                        *service.kernel_interfaces(deployment),
                        *service.addresses_and_routes(deployment),
                        *_services(deployment),
                    ),
                ),
            ),
        ),
        readers=tuple(
            Stage("client address", name, _within(limits.modules, peers.readers(deployment, name)))
            for name in topology.real_servers
            if name in deployment.bench.real_servers
        ),
    )


def _within(seconds: int, changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with the bench's time limit; one that needs longer by itself keeps its own."""
    return tuple(replace(one, timeout=max(one.timeout, float(seconds))) for one in changes)


def _services(deployment: Deployment) -> list[Change]:
    if deployment.topology.configured_by == "keepalived":
        return keepalived.keepalived(deployment)
    return service.services(deployment)


def describe(plan: Plan, deployment: Deployment) -> Iterator[str]:
    """The plan as text: per host and stage, each change with its command and undo."""
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
