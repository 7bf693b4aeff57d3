"""Services that a check adds: like one of the topology, with its VIP and LIPs, on another port.

Their real servers are the topology's own. Those whose real servers are crafted: crafted.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.model.service import DeclaredService, Target
from dpvs_acceptance.verdict.causes import NotSupported

from .parts import Parts
from .service import AddedService, Service
from .tools import NO_UNDO, Tools

_UNUSED = "198.51.100.9"  # of the documentation's networks
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
    made = declared_like(base, port or next(parts.service_ports), targets, scheduler, declared)
    added = AddedService(made, parts, tools)
    add(tools, added, options)
    for index, target in enumerate(targets):
        added.add_server(index, target.weight)
    add_lips(parts, tools, added)
    return added


def declared_like(
    base: DeclaredService,
    port: int,
    targets: tuple[Target, ...],
    scheduler: str,
    declared: dict[str, object],
) -> DeclaredService:
    """As the added service would be declared; `declared`: what else differs from `base`."""
    changed = {"name": f"{base.name}-{port}", "port": port, "scheduler": scheduler}
    return base.model_copy(update={**changed, "real_servers": targets, **declared})


def add(tools: Tools, service: AddedService, options: str) -> None:
    """`ipvsadm -A`. NotSupported where the device has no such option or scheduler."""
    scheduler = service.declared.scheduler
    words = commands.service(service.words, scheduler, *options.split())
    command = commands.line(words)
    answer = tools.attempt(command)
    if answer.exit_status == _DOES_NOT_EXIST and (probe := _lacks(tools, scheduler)):
        raise NotSupported(f"`{command}`: {answer.shown}\n{probe}")
    assert answer.exit_status == 0, f"`{command}`: {answer.shown}"


def _lacks(tools: Tools, scheduler: str) -> str:
    """The probe, if no service without options can have the scheduler, while one can have rr."""
    plain, control = (
        tools.attempt(f"ipvsadm -A -t {_UNUSED}:{port} -s {name}")
        for port, name in enumerate((scheduler, "rr"), 1)
    )
    if plain.exit_status != _DOES_NOT_EXIST or control.exit_status:
        return ""
    return f"asked for by itself: `{plain.command}`: {plain.shown}, while `{control.command}` works"


def add_lips(parts: Parts, tools: Tools, service: AddedService) -> None:
    """Give the service the LIPs that it is declared with."""
    for lip in service.declared.local_addresses:
        words = commands.local_address(service.words, lip, parts.deployment.lip_device(lip))
        # The address is the topology's: it stays when the service goes.
        added = tools.attempt(commands.line(words), undo=NO_UNDO)
        assert added.exit_status == 0, f"`{added.command}`: {added.shown}"
