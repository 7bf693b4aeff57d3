"""What DPVS serves: virtual services in each forwarding mode, and SNAT."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

from pydantic import Field

from dpvs_acceptance.model.declared import Address, Declared, Name

Forwarding = Literal["fullnat", "nat", "dr", "tunnel", "snat"]
Scheduler = Literal["rr", "wrr", "wlc", "conhash", "mh", "fo"]


class Target(Declared):
    """A real server of a service."""

    name: Name
    port: int = Field(ge=1, le=65535)
    weight: int = Field(default=1, ge=0, le=65535)


class Service(Declared):
    """One virtual service, `ipvsadm -A`: VIP, port, scheduler, and its real servers."""

    name: Name
    protocol: Literal["tcp", "udp"]
    vip: Address
    port: int = Field(ge=1, le=65535)
    scheduler: Scheduler = "rr"
    forwarding: Literal["fullnat", "nat", "dr", "tunnel"] = "fullnat"
    local_addresses: tuple[Address, ...] = ()
    real_servers: tuple[Target, ...] = Field(min_length=1)
    synproxy: bool = False
    persistence: int | None = Field(
        default=None, ge=1, le=31536000, description="seconds that a client stays with its RS"
    )
    connection_timeout: int | None = Field(
        default=None, ge=1, le=31535999, description="seconds that an idle connection is kept"
    )

    @property
    def server_family(self) -> int:
        """4 or 6: how its real servers are spoken to. Only FullNAT can change the family."""
        return (self.local_addresses or (self.vip,))[0].version

    @property
    def nat64(self) -> bool:
        """IPv6 at the client's side, IPv4 at the real servers' (upstream: 6to4)."""
        return self.vip.version == 6 and self.server_family == 4


class WanAddress(Declared):
    """An address that inner hosts go out by, `ipvsadm -a -J`."""

    address: IPv4Address
    weight: int = Field(default=100, ge=1, le=65535)


class Snat(Declared):
    """One SNAT rule, `ipvsadm -A -H`: no VIP and no real servers, but whose packets, and where to.

    Packets of `protocol` whose source is in `sources` and which leave by `outgoing` get one of
    `pool` as their source (doc/tutorial.md, SNAT Mode).
    """

    name: Name
    protocol: Literal["tcp", "udp", "icmp"]
    sources: tuple[IPv4Address, IPv4Address] = Field(description="first and last")
    outgoing: Name
    pool: tuple[WanAddress, ...] = Field(min_length=1)
    scheduler: Scheduler = "rr"

    @property
    def forwarding(self) -> Literal["snat"]:
        return "snat"

    def covers(self, address: Address) -> bool:
        """Whether a packet from `address` is the rule's."""
        first, last = self.sources
        return isinstance(address, IPv4Address) and first <= address <= last
