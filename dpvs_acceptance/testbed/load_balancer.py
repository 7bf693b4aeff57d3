"""The load balancer as checks see it: what was declared, its state, and the changes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import testinfra.host

from dpvs_acceptance.dpvs.answers import Answer
from dpvs_acceptance.dpvs.dpip import BondStatus, parse_links
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.testinfra_backend import host_api
from dpvs_acceptance.model.bench import Bench
from dpvs_acceptance.model.bonds import Cable
from dpvs_acceptance.model.deployment import Deployment, Port
from dpvs_acceptance.model.service import DeclaredService
from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotTested

from .adding import add_service
from .parts import Parts
from .service import AddedService, Service

Seen = TypeVar("Seen")


class LoadBalancer:
    """The device under test. What a check changes of it is undone when the check ends."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # -- what was declared

    @property
    def deployment(self) -> Deployment:
        """What must be there: ports, addresses, routes, services."""
        return self._parts.deployment

    @property
    def topology(self) -> Topology:
        return self.deployment.topology

    @property
    def bench(self) -> Bench:
        return self.deployment.bench

    @property
    def version(self) -> VersionFacts:
        """What is true of its version of DPVS."""
        return self._parts.version

    # -- its state

    @cached_property
    def host(self) -> testinfra.host.Host:
        """testinfra's objects of the machine, over the run's own connection."""
        return host_api(self.shell)

    @property
    def shell(self) -> Host:
        """The connection to the machine, for commands that only read."""
        return self._parts.hosts["dut"]

    @property
    def before(self) -> DutState:
        """Its state before the bring-up."""
        return self._parts.before

    @property
    def state(self) -> DutState:
        """Its state after the bring-up, read once for all checks; refused once it was changed."""
        return self._parts.state

    def read(self, *names: str) -> DutState:
        """Its state now: the sections of these names (`hosts/survey.py`), all without names."""
        return self._parts.look(*names)

    def read_until(self, wanted: Seen, found: Callable[[DutState], Seen], *names: str) -> Seen:
        """Read until `found` makes `wanted` of it, for 2 s; what it made last."""
        return self._parts.look.until(wanted, found, *names)

    # -- changes of it; see tools.py

    @property
    def spare_port(self) -> str:
        """A port to add addresses and routes to: one that is on no link, if there is one."""
        return self._parts.tools.port

    def query(self, command: str) -> Answer:
        """Run a command of DPVS's tools that only reads."""
        return self._parts.tools.query(command)

    def run(
        self, command: str, *, undo: str | Sequence[str] | None = None, undo_text: str = ""
    ) -> None:
        """Change DPVS by a command that must succeed and print nothing."""
        self._parts.tools.run(command, undo=undo, undo_text=undo_text)

    def attempt(
        self, command: str, *, undo: str | Sequence[str] | None = None, undo_text: str = ""
    ) -> Answer:
        """Change DPVS by a command, however that ends."""
        return self._parts.tools.attempt(command, undo=undo, undo_text=undo_text)

    def refuses(self, case: str, command: str) -> None:
        """The command must fail as `dpvs/toolfacts.py` says for `case` in this version."""
        self._parts.tools.refuses(case, command)

    def configure(self, keyword: str, value: str = "", *, log: str) -> None:
        """Set `BLOCK/…/KEYWORD` of dpvs.conf and reload; `log`: what DPVS must log of it."""
        self._parts.tools.configure(keyword, value, log=log)

    def unplug(self, bond: Port, member: Port, *, silently: bool = False) -> None:
        """Take a member's cable away; silently: it keeps its carrier. NotTested where the bench
        does not say how."""
        cable = _cable(bond)
        take = cable.silence if silently else cable.unplug
        self._act(member, take, cable.restore)

    def plug_in(self, bond: Port, member: Port) -> None:
        """The cable is as it was."""
        restore = _cable(bond).restore
        self._act(member, restore, restore)

    def _act(self, member: Port, take: str, back: str) -> None:
        nic = member.nic.name
        take, back = (text.replace("{nic}", nic) for text in (take, back))
        self._parts.tools.cable(nic, take=take, back=back)

    def bond_status(self, bond: Port) -> BondStatus:
        """What DPVS says of a bond now: `dpip link show BOND status`."""
        command = f"dpip link show {bond.name} status"
        answer = self.query(command)
        (shown,) = parse_links(answer.stdout, command) or (None,)
        assert shown is not None, f"`{command}` shows no port"
        assert shown.bond is not None, f"`{command}` shows no bond: {answer.shown}"
        return shown.bond

    def unused_device(self) -> tuple[str, Sequence[str]]:
        """A device that carries nothing declared, and the commands that restore its addresses."""
        return self._parts.tools.unused_device()

    def add_service(self, like: Service | DeclaredService, **how: Any) -> AddedService:
        """A service like another, with the same real servers, on its own port; see adding.py."""
        return add_service(self._parts, self._parts.tools, like, **how)

    def require_no_other_traffic(self, *services: Service) -> None:
        """NotTested where one of these services carries traffic that this run did not make."""
        self._parts.other_traffic.require_none(*(one.declared for one in services))


def _cable(bond: Port) -> Cable:
    assert bond.bond is not None, f"{bond.name} is no bond"
    if bond.bond.cable is None:
        raise NotTested(
            f"the bench does not say how to take a member of {bond.name} away (dut.bonds: cable)"
        )
    return bond.bond.cable
