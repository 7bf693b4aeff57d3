"""What all declarations are made of: frozen models, addresses, names, paths."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _without_scope(address: ipaddress.IPv6Address) -> ipaddress.IPv6Address:
    # Behind a % the standard library takes any text at all for the name of an interface.
    if address.scope_id is not None:
        raise ValueError("an address with %interface is not accepted here")
    return address


IPv6Address = Annotated[ipaddress.IPv6Address, AfterValidator(_without_scope)]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
HostPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/+-]*$", max_length=200)]


class Declared(BaseModel):
    """Base of all declarations: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AddressPair(Declared):
    """An IPv4 address and, where the set-up speaks IPv6, its IPv6 companion."""

    address: IPv4Address
    address6: IPv6Address | None = None

    @property
    def both(self) -> tuple[Address, ...]:
        return (self.address,) if self.address6 is None else (self.address, self.address6)

    def of(self, version: int) -> Address | None:
        """The address of one family, 4 or 6."""
        return self.address6 if version == 6 else self.address


class Machine(AddressPair):
    """A client or a real server: the link it is on, and its addresses there."""

    link: Name
