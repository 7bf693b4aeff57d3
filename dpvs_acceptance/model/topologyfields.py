"""The fields of a topology, and what follows from them. `topology` has the rules between them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from dpvs_acceptance.model.declared import Address, Declared, HostPath, Machine, Name, Network
from dpvs_acceptance.model.fleet import Fleet
from dpvs_acceptance.model.links import DeclaredLink, RemoteNetwork
from dpvs_acceptance.model.service import DeclaredService, Snat


class HugepageSettings(Declared):
    """Pages to reserve on each NUMA node (deployment guide 2.1.3)."""

    size_kb: Literal[2048, 1048576] = 2048
    per_node: int = Field(ge=1)
    mount: HostPath = "/mnt/huge"


class DpvsSettings(Declared):
    """Settings of dpvs.conf (deployment guide 2.4)."""

    log_level: Literal["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"] = (
        "INFO"
    )
    log_file: HostPath | None = Field(
        default="/var/log/dpvs.log", description="null: syslog, read by journalctl"
    )
    rx_descriptors: int = Field(default=1024, ge=32, le=65535)
    tx_descriptors: int = Field(default=1024, ge=32, le=65535)
    rss: Literal["all", "ip", "tcp", "udp"] = "all"
    pktpool_size: int = Field(default=65535, ge=1023)
    connection_pool_size: int = Field(default=65536, ge=65536)
    icmp_redirect: bool = False
    uoa_mode: Literal["opp", "ipo"] = "opp"
    expire_quiescent_template: bool = Field(
        default=False, description="weight 0 expires the persistence templates of a real server"
    )


class TopologyFields(Declared):
    """All that a topology declares; each field is valid by itself."""

    title: str = Field(max_length=120)
    source: str = Field(max_length=120)
    requirements: tuple[Name, ...] = Field(
        default=("seed", "users"),
        min_length=1,
        description="catalogues by which runs of this topology are judged",
    )
    links: dict[Name, DeclaredLink] = Field(min_length=1)
    remote_networks: dict[Name, RemoteNetwork] = Field(default={})
    clients: dict[Name, Machine] = Field(min_length=1)
    real_servers: dict[Name, Machine] = Field(min_length=1)
    vips: dict[Name, tuple[Address, ...]] = Field(default={})
    vip_prefixes: dict[Address, int] = Field(
        default={},
        description="prefix length with which a VIP is on its port, if it is no host address; "
        "10.0.0.1/24 in vips says the same",
    )
    services: tuple[DeclaredService, ...] = ()
    snat: tuple[Snat, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    bonds: dict[Name, int] = Field(
        default={},
        description="links that the bench must have a bond for, and its mode: what a run of this "
        "topology is to prove. The links themselves are as on any port",
    )
    hugepages: HugepageSettings
    open_files: int = Field(default=655350, ge=1024)
    dpvs: DpvsSettings = DpvsSettings()
    configured_by: Literal["suite", "keepalived"] = Field(
        default="suite", description="who configures services: the suite, or DPVS's keepalived"
    )
    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _with_prefixes(cls, data: object) -> object:
        """`vips: {wan: [10.0.0.1/24]}`: the address, and the prefix length separately."""
        if not isinstance(data, dict) or not isinstance(data.get("vips"), dict):
            return data
        prefixes = dict(data.get("vip_prefixes") or {})
        vips = {}
        for link, listed in data["vips"].items():
            vips[link] = listed
            if isinstance(listed, (list, tuple)):
                vips[link] = [str(one).partition("/")[0] for one in listed]
                for one in map(str, listed):
                    address, slash, prefix = one.partition("/")
                    if slash:
                        prefixes[address] = prefix
        return {**data, "vips": vips, "vip_prefixes": prefixes}

    def networks_of(self, name: str) -> tuple[Network, ...]:
        """The networks of a link or of a remote network, IPv4 first."""
        if name in self.links:
            return self.links[name].networks
        return self.remote_networks[name].networks

    def link_of(self, address: Address) -> str | None:
        """The name of the link whose network contains `address`, or None."""
        for name, link in self.links.items():
            if any(address in network for network in link.networks):
                return name
        return None

    def prefix_of(self, vip: Address) -> int:
        """The prefix length with which a VIP is on its port."""
        return self.vip_prefixes.get(vip, vip.max_prefixlen)

    def default_link(self, version: int) -> str | None:
        """The link by whose gateway DPVS's default route of a family goes: one with VIPs or of
        SNAT before others, then the first."""
        gated = [
            name
            for name, link in self.links.items()
            if any(gateway.version == version for gateway in link.gateways)
        ]
        outer = {rule.outgoing for rule in self.snat}
        outer |= {n for n, vips in self.vips.items() if any(v.version == version for v in vips)}
        return next((name for name in gated if name in outer), next(iter(gated), None))

    def arm_of(self, machine: Machine) -> str:
        """The link by which DPVS reaches `machine`: its own link, or that of its router."""
        remote = self.remote_networks.get(machine.link)
        return machine.link if remote is None else remote.behind

    def service(self, name: str) -> DeclaredService:
        """The service called `name`."""
        return next(s for s in self.services if s.name == name)

    def services_of(self, fleet: str) -> tuple[DeclaredService, ...]:
        """The services of the fleet called `fleet`."""
        found = next(one for one in self.fleets if one.name == fleet)
        return found.services(self.service(found.like))

    def snat_rule(self, name: str) -> Snat:
        """The SNAT rule called `name`."""
        return next(rule for rule in self.snat if rule.name == name)

    @property
    def inner_hosts(self) -> tuple[str, ...]:
        """The clients that use SNAT; they are not clients of the VIPs."""
        return tuple(
            name
            for name, machine in self.clients.items()
            if any(rule.covers(machine.address) for rule in self.snat)
        )

    @property
    def vip_clients(self) -> tuple[str, ...]:
        """The clients of the VIPs."""
        return tuple(name for name in self.clients if name not in self.inner_hosts)
