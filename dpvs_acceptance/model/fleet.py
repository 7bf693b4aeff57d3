"""Many services from one declaration: a fleet repeats one service on many ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dpvs_acceptance.model.declared import Declared, Name
from dpvs_acceptance.model.loading import KeyedError
from dpvs_acceptance.model.service import DeclaredService

if TYPE_CHECKING:
    from dpvs_acceptance.model.topology import Topology


class Fleet(Declared):
    """`count` services like the service `like`, on the ports from `first_port` on."""

    name: Name
    like: Name
    first_port: int = Field(ge=1, le=65535)
    count: int = Field(ge=1, le=2000)

    @property
    def ports(self) -> range:
        return range(self.first_port, self.first_port + self.count)

    def services(self, topology: Topology) -> tuple[DeclaredService, ...]:
        """Its services, named NAME-PORT."""
        model = topology.service(self.like)
        return tuple(
            model.model_copy(update={"name": f"{self.name}-{port}", "port": port})
            for port in self.ports
        )


def check(topology: Topology) -> None:
    """Raises KeyedError for an unknown service in `like`, and for ports already in use."""
    names = {service.name for service in topology.services}
    taken = {(s.protocol, s.vip, s.port): s.name for s in topology.services}
    for index, fleet in enumerate(topology.fleets):
        where = ("fleets", index)
        if fleet.name in names:
            raise KeyedError((*where, "name"), f"duplicate name {fleet.name!r}")
        if fleet.like not in {service.name for service in topology.services}:
            raise KeyedError((*where, "like"), f"unknown service {fleet.like!r}")
        if fleet.ports[-1] > 65535:
            raise KeyedError((*where, "count"), f"its last port would be {fleet.ports[-1]}")
        for one in fleet.services(topology):
            if (other := taken.get(key := (one.protocol, one.vip, one.port))) is not None:
                raise KeyedError(
                    (*where, "first_port"), f"port {one.port} is already used by {other}"
                )
            taken[key] = fleet.name
        names.add(fleet.name)
