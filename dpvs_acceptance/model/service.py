"""Virtual services in each forwarding mode, and SNAT rules."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

from pydantic import Field

from dpvs_acceptance.model.declared import Address, Declared, Name
from dpvs_acceptance.model.health import Health

Forwarding = Literal["fullnat", "nat", "dr", "tunnel", "snat"]
Scheduler = Literal["rr", "wrr", "wlc", "conhash", "mh", "fo"]


class Target(Declared):
    """A real server of a service."""

    name: Name
    port: int = Field(ge=1, le=65535)
    weight: int = Field(default=1, ge=0, le=65535)


class DeclaredService(Declared):
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
        default=None, ge=1, le=31536000, description="persistence timeout in seconds (-p)"
    )
    connection_timeout: int | None = Field(
        default=None, ge=1, le=31535999, description="idle timeout of a connection in seconds"
    )
    health: Health | None = Field(
        default=None, description="how keepalived checks the real servers; TCP by default"
    )

    @property
    def server_family(self) -> int:
        """Address family towards the real servers, 4 or 6. Only FullNAT can change the family."""
        return (self.local_addresses or (self.vip,))[0].version

    @property
    def nat64(self) -> bool:
        """IPv6 towards clients, IPv4 towards real servers (upstream: 6to4)."""
        return self.vip.version == 6 and self.server_family == 4


class WanAddress(Declared):
    """An external source address of SNAT, `ipvsadm -a -J`."""

    address: IPv4Address
    weight: int = Field(default=100, ge=1, le=65535)


class Snat(Declared):
    """One SNAT rule, `ipvsadm -A -H`: source addresses and output link, no VIP, no real servers.

    Packets of `protocol` with a source in `sources` that leave on link `outgoing` get a source
    address from `pool` (doc/tutorial.md, SNAT Mode).
    """

    name: Name
    protocol: Literal["tcp", "udp", "icmp"]
    sources: tuple[IPv4Address, IPv4Address] = Field(description="first and last address")
    outgoing: Name
    pool: tuple[WanAddress, ...] = Field(min_length=1)
    scheduler: Scheduler = "rr"

    @property
    def forwarding(self) -> Literal["snat"]:
        return "snat"

    def covers(self, address: Address) -> bool:
        """Whether the rule applies to packets from `address`."""
        first, last = self.sources
        return isinstance(address, IPv4Address) and first <= address <= last
