"""Base types of all declarations: frozen models, addresses, names, paths."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _without_scope(address: ipaddress.IPv6Address) -> ipaddress.IPv6Address:
    # The standard library accepts any text after % as an interface name.
    if address.scope_id is not None:
        raise ValueError("an address with %interface is not accepted here")
    return address


IPv6Address = Annotated[ipaddress.IPv6Address, AfterValidator(_without_scope)]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
HostPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/+-]*$", max_length=200)]


class Declared(BaseModel):
    """Base class of all declarations: frozen; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AddressPair(Declared):
    """An IPv4 address and, if the setup uses IPv6, an IPv6 address."""

    address: IPv4Address
    address6: IPv6Address | None = None

    @property
    def both(self) -> tuple[Address, ...]:
        return (self.address,) if self.address6 is None else (self.address, self.address6)

    def of(self, version: int) -> Address | None:
        """The address of one family, 4 or 6."""
        return self.address6 if version == 6 else self.address


class Machine(AddressPair):
    """A client or a real server: its link, and its addresses there."""

    link: Name
