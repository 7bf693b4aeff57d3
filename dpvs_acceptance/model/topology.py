"""A topology: what is to be configured and shown; roles and link names, never hosts or NICs."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dpvs_acceptance.model.loading import KeyedError, load_model


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

GIB = 1 << 30


class Declared(BaseModel):
    """Base of all declarations: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(Declared):
    """An IPv4 address and, where the set-up speaks IPv6, its IPv6 companion."""

    address: IPv4Address
    address6: IPv6Address | None = None

    @property
    def both(self) -> tuple[Address, ...]:
        return (self.address,) if self.address6 is None else (self.address, self.address6)


class Link(Declared):
    """One arm of the load balancer: its networks, its gateway, and the kni's addresses on it."""

    network: IPv4Network
    network6: IPv6Network | None = None
    gateway: IPv4Address | None = None
    gateway6: IPv6Address | None = None
    kni: Pair | None = None

    @property
    def networks(self) -> tuple[Network, ...]:
        return (self.network,) if self.network6 is None else (self.network, self.network6)

    @property
    def gateways(self) -> tuple[Address, ...]:
        return tuple(g for g in (self.gateway, self.gateway6) if g is not None)


class RemoteNetwork(Declared):
    """A network of clients that is reached through the gateway of `behind`."""

    network: IPv4Network
    network6: IPv6Network | None = None
    behind: Name
    router: IPv4Address
    router6: IPv6Address | None = None


class Machine(Pair):
    """A client or a real server: the link it is on, and its addresses there."""

    link: Name


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
    scheduler: Literal["rr", "wrr", "wlc"] = "rr"
    forwarding: Literal["fullnat"] = "fullnat"
    local_addresses: tuple[Address, ...] = ()
    real_servers: tuple[Target, ...] = Field(min_length=1)


class Hugepages(Declared):
    """Pages to reserve on each NUMA node (seed 2.1.3)."""

    size_kb: Literal[2048, 1048576] = 2048
    per_node: int = Field(ge=1)
    mount: HostPath = "/mnt/huge"


class Dpvs(Declared):
    """Settings of dpvs.conf (seed 2.4)."""

    log_level: Literal["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"] = (
        "INFO"
    )
    log_file: HostPath = "/var/log/dpvs.log"
    rx_descriptors: int = Field(default=1024, ge=32, le=65535)
    tx_descriptors: int = Field(default=1024, ge=32, le=65535)
    rss: Literal["all", "ip", "tcp", "udp"] = "all"
    pktpool_size: int = Field(default=65535, ge=1023)
    connection_pool_size: int = Field(default=65536, ge=65536)
    icmp_redirect: bool = False
    uoa_mode: Literal["opp", "ipo"] = "opp"


class Topology(Declared):
    """The whole declaration; see topologies/fnat-two-arm.yaml for one with comments."""

    title: str = Field(max_length=120)
    source: str = Field(max_length=120)
    links: dict[Name, Link] = Field(min_length=1)
    remote_networks: dict[Name, RemoteNetwork] = {}
    clients: dict[Name, Machine] = Field(min_length=1)
    real_servers: dict[Name, Machine] = Field(min_length=1)
    vips: dict[Name, tuple[Address, ...]] = Field(min_length=1)
    services: tuple[Service, ...] = Field(min_length=1)
    hugepages: Hugepages
    open_files: int = Field(default=655350, ge=1024)
    dpvs: Dpvs = Dpvs()
    name: str = ""

    @model_validator(mode="after")
    def _cross_check(self) -> Topology:
        self._check_networks()
        self._check_places()
        self._check_vips()
        self._check_services()
        if self.hugepages.size_kb * 1024 * self.hugepages.per_node < GIB:
            raise KeyedError(
                ("hugepages", "per_node"),
                "less than 1 GB of hugepages: DPVS may not start (seed 2.1.3)",
            )
        return self

    def _check_networks(self) -> None:
        named = [
            (("links", name, "network6" if net.version == 6 else "network"), net)
            for name, link in self.links.items()
            for net in link.networks
        ] + [
            (("remote_networks", name, "network6" if net.version == 6 else "network"), net)
            for name, remote in self.remote_networks.items()
            for net in (remote.network, remote.network6)
            if net is not None
        ]
        for (_, one), (key, other) in combinations(named, 2):
            if one.version == other.version and one.overlaps(other):
                raise KeyedError(key, f"{other} overlaps {one}")
        for name, link in self.links.items():
            for gateway in link.gateways:
                if self.link_of(gateway) != name:
                    field = "gateway6" if gateway.version == 6 else "gateway"
                    raise KeyedError(("links", name, field), f"{gateway} is not in its network")
            for kni in link.kni.both if link.kni else ():
                if self.link_of(kni) != name:
                    raise KeyedError(("links", name, "kni"), f"{kni} is not in the link's network")
        for name, remote in self.remote_networks.items():
            link_behind = self.links.get(remote.behind)
            if link_behind is None or link_behind.gateway is None:
                raise KeyedError(
                    ("remote_networks", name, "behind"),
                    f"{remote.behind!r} is not a link with a gateway",
                )

    def _check_places(self) -> None:
        seen: dict[Address, str] = {}
        for section, machines in (("clients", self.clients), ("real_servers", self.real_servers)):
            for name, machine in machines.items():
                if machine.link not in self.links and machine.link not in self.remote_networks:
                    raise KeyedError((section, name, "link"), f"no link {machine.link!r}")
                for address in machine.both:
                    if not any(address in net for net in self._networks_of(machine.link)):
                        raise KeyedError(
                            (section, name), f"{address} is not in a network of {machine.link}"
                        )
                    if address in seen:
                        raise KeyedError(
                            (section, name), f"{address} is the address of {seen[address]} too"
                        )
                    seen[address] = name

    def _check_vips(self) -> None:
        for name, vips in self.vips.items():
            if name not in self.links:
                raise KeyedError(("vips", name), f"no link {name!r}")
            for index, vip in enumerate(vips):
                if self.link_of(vip) != name:
                    nets = ", ".join(map(str, self.links[name].networks))
                    raise KeyedError(("vips", name, index), f"VIP {vip} is outside {name} ({nets})")

    def _check_services(self) -> None:
        declared = {vip for vips in self.vips.values() for vip in vips}
        seen: set[tuple[str, Address, int]] = set()
        for index, service in enumerate(self.services):
            where = ("services", index)
            if service.vip not in declared:
                raise KeyedError((*where, "vip"), f"{service.vip} is not among the vips")
            identity = (service.protocol, service.vip, service.port)
            if identity in seen:
                raise KeyedError(where, f"{service.name}: this VIP, port and protocol stand twice")
            seen.add(identity)
            if not service.local_addresses:
                raise KeyedError(
                    (*where, "local_addresses"),
                    f"service {service.name!r} is FullNAT and has no local address (LIP)",
                )
            for lip in service.local_addresses:
                if self.link_of(lip) is None:
                    raise KeyedError((*where, "local_addresses"), f"LIP {lip} is on no link")
            for target in service.real_servers:
                if target.name not in self.real_servers:
                    raise KeyedError(
                        (*where, "real_servers"), f"no real server {target.name!r} is declared"
                    )

    def _networks_of(self, name: str) -> tuple[Network, ...]:
        if name in self.links:
            return self.links[name].networks
        remote = self.remote_networks[name]
        return tuple(n for n in (remote.network, remote.network6) if n is not None)

    def link_of(self, address: Address) -> str | None:
        """The name of the link whose network holds `address`; None where no link does."""
        for name, link in self.links.items():
            if any(address in network for network in link.networks):
                return name
        return None

    def service(self, name: str) -> Service:
        """The service called `name`; KeyError where there is none."""
        return next(s for s in self.services if s.name == name)


def load_topology(path: Path) -> Topology:
    """The topology in `path`, named after the file; raises DeclarationError."""
    return load_model(path, Topology).model_copy(update={"name": path.stem})
