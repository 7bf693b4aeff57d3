"""The links of a topology, and the networks behind them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network

from pydantic import Field

from dpvs_acceptance.model.declared import (
    Address,
    AddressPair,
    Declared,
    IPv6Address,
    Name,
    Network,
)


class StaticRoute(Declared):
    """A route of DPVS to a network behind a router on the link."""

    to: Network
    via: Address


class DeclaredLink(Declared):
    """A link of DPVS: its networks, its gateway, and DPVS's addresses on it."""

    network: IPv4Network
    network6: IPv6Network | None = None
    gateway: IPv4Address | None = None
    gateway6: IPv6Address | None = None
    kni: AddressPair | None = None
    own: AddressPair | None = Field(
        default=None,
        description="DPVS's own address on the link: source of its ARP and ND requests and of its "
        "tunnels, and a possible next hop for hosts",
    )
    vlan: int | None = Field(
        default=None,
        ge=1,
        le=4094,
        description="id of the tagged VLAN on the DUT's NIC; hosts are on access ports",
    )

    routes: tuple[StaticRoute, ...] = ()
    mtu: int = Field(default=1500, ge=1280, le=9000, description="of the NIC's port in DPVS")

    @property
    def networks(self) -> tuple[Network, ...]:
        return (self.network,) if self.network6 is None else (self.network, self.network6)

    @property
    def gateways(self) -> tuple[Address, ...]:
        return tuple(g for g in (self.gateway, self.gateway6) if g is not None)


class RemoteNetwork(Declared):
    """A network of hosts behind the gateway of the link `behind`."""

    network: IPv4Network
    network6: IPv6Network | None = None
    behind: Name
    router: IPv4Address
    router6: IPv6Address | None = None

    @property
    def networks(self) -> tuple[Network, ...]:
        return (self.network,) if self.network6 is None else (self.network, self.network6)
