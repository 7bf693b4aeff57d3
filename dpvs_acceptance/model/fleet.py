"""Many services from one declaration: a fleet repeats one service on many ports."""

from __future__ import annotations

from pydantic import Field

from dpvs_acceptance.model.declared import Declared, Name
from dpvs_acceptance.model.service import DeclaredService


class Fleet(Declared):
    """`count` services like the service `like`, on the ports from `first_port` on."""

    name: Name
    like: Name
    first_port: int = Field(ge=1, le=65535)
    count: int = Field(ge=1, le=2000)

    @property
    def ports(self) -> range:
        return range(self.first_port, self.first_port + self.count)

    def services(self, model: DeclaredService) -> tuple[DeclaredService, ...]:
        """Its services, named NAME-PORT; `model`: the service `like`."""
        return tuple(
            model.model_copy(update={"name": f"{self.name}-{port}", "port": port})
            for port in self.ports
        )
