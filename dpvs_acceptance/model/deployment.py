"""One topology on one bench: the names and numbers that plan, expected state and packets share.

Pure derivation; nothing here talks to a host. What depends on what the device can do (is there a
kni?) comes in as an argument, after it has been probed.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from dpvs_acceptance.model.bench import Bench, LcorePlacement, Nic
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import (
    Address,
    AddressPair,
    Link,
    Network,
    Service,
    Snat,
    Topology,
)

# How `ipvsadm -ln` calls the forwarding modes.
FORWARD_WORDS = {
    "fullnat": "FullNat",
    "nat": "Masq",
    "dr": "Route",
    "tunnel": "Tunnel",
    "snat": "SNAT",
}


@dataclass(frozen=True, slots=True)
class Port:
    """A DPDK port: its name (`dpdk0`), the NIC behind it and the link the topology knows it by."""

    name: str
    nic: Nic
    link: str | None

    @property
    def kni(self) -> str:
        """The name of its kernel companion, e.g. `dpdk0.kni`."""
        return f"{self.name}.kni"


@dataclass(frozen=True, slots=True)
class Worker:
    """A data-plane lcore and the one queue that it serves on every port (seed 2.4)."""

    lcore: LcorePlacement
    queue: int
    icmp_redirect: bool

    @property
    def name(self) -> str:
        return f"cpu{self.lcore.id}"


@dataclass(frozen=True, slots=True)
class ExpectedRoute:
    """A route as `dpip route show` must list it. `via` None: directly on the link.

    `source` is the address that DPVS itself sends from on it, where it has one there.
    """

    destination: Network
    port: str
    scope: str
    via: Address | None = None
    source: Address | None = None


@dataclass(frozen=True, slots=True)
class ExpectedAddress:
    """An address that a port must own: `use` is `vip`, `lip`, `own` or `pool` (of SNAT)."""

    address: Address
    port: str
    use: str
    prefix: int

    @property
    def has_pool(self) -> bool:
        """Whether connections take source ports of it."""
        return self.use in ("lip", "pool")


@dataclass(frozen=True, slots=True)
class ExpectedTarget:
    """A real server of a service, as `ipvsadm -ln` must list it; of SNAT, a WAN address, port 0."""

    address: Address
    port: int
    weight: int
    forward: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A topology placed on a bench. `kni`: the device can make kni devices (probed).

    `refused`: names of services that the device has no option for (seen at bring-up).
    """

    topology: Topology
    bench: Bench
    kni: bool
    refused: frozenset[str] = frozenset()

    @property
    def services(self) -> tuple[Service, ...]:
        """The topology's services that this device can have."""
        return tuple(one for one in self.topology.services if one.name not in self.refused)

    @property
    def snat(self) -> tuple[Snat, ...]:
        """The topology's SNAT rules that this device can have."""
        return tuple(one for one in self.topology.snat if one.name not in self.refused)

    @property
    def ports(self) -> tuple[Port, ...]:
        """Ports in DPDK's order: by PCI address; software ports in the bench's order."""
        nics = sorted(self.bench.dut.nics, key=lambda nic: nic.pci or "")
        return tuple(Port(f"dpdk{index}", nic, nic.link) for index, nic in enumerate(nics))

    def port(self, link: str) -> Port:
        """The port on a link of the topology."""
        return next(port for port in self.ports if port.link == link)

    def device(self, link: str) -> str:
        """DPVS's device on a link: its port, `dpdk0`, or the VLAN of it, `dpdk0.229`."""
        vlan = self.topology.links[link].vlan
        port = self.port(link).name
        return port if vlan is None else f"{port}.{vlan}"

    def kni_device(self, link: str) -> str:
        """The kernel companion of DPVS's device on a link: `dpdk0.kni`, `dpdk0.229.kni`."""
        return f"{self.device(link)}.kni"

    @property
    def workers(self) -> tuple[Worker, ...]:
        lcores = self.bench.dut.lcores.workers
        # A build that can redirect ICMP and is not told where to loses all of it, so that it is
        # said even where there is only one worker.
        redirect = len(lcores) - 1 if self.topology.dpvs.icmp_redirect else None
        return tuple(Worker(lcore, i, i == redirect) for i, lcore in enumerate(lcores))

    @property
    def hugepages_per_node(self) -> int:
        return self.bench.dut.hugepages_per_node or self.topology.hugepages.per_node

    @property
    def addresses(self) -> tuple[ExpectedAddress, ...]:
        """DPVS's own addresses, VIPs, LIPs, then SNAT's addresses, each once."""
        own = [
            ExpectedAddress(address, self.device(name), "own", network.prefixlen)
            for name, link in self.topology.links.items()
            for address, network in _with_networks(link.own, link)
        ]
        vips = [
            self._host(vip, link, "vip")
            for link, addresses in self.topology.vips.items()
            for vip in addresses
        ]
        lips = [
            self._host(lip, self._link_of(lip), "lip")
            for service in self.services
            for lip in service.local_addresses
        ]
        pools = [
            self._host(wan.address, rule.outgoing, "pool")
            for rule in self.snat
            for wan in rule.pool
        ]
        return tuple(dict.fromkeys(own + vips + lips + pools))

    def _host(self, address: Address, link: str, use: str) -> ExpectedAddress:
        return ExpectedAddress(address, self.device(link), use, address.max_prefixlen)

    def _link_of(self, address: Address) -> str:
        link = self.topology.link_of(address)
        assert link is not None, "the topology's own checks place every address on a link"
        return link

    def lip_port(self, lip: Address) -> Port:
        return self.port(self._link_of(lip))

    def lip_device(self, lip: Address) -> str:
        """The device that `ipvsadm --add-laddr` is told."""
        return self.device(self._link_of(lip))

    @property
    def declared_routes(self) -> tuple[ExpectedRoute, ...]:
        """The routes that the plan adds: networks, kni addresses, default gateways.

        Where DPVS has an address of its own, adding that brings the network's route with it.
        """
        brought = {route.destination for route in self._own_routes}
        networks = [
            ExpectedRoute(network, self.device(name), "link")
            for name, link in self.topology.links.items()
            for network in link.networks
            if network not in brought
        ]
        knis = [
            ExpectedRoute(ip_network(address), self.device(name), "kni_host")
            for name, link in self.topology.links.items()
            if self.kni and link.kni
            for address in link.kni.both
        ]
        defaults = [
            ExpectedRoute(
                ip_network("::/0" if gateway.version == 6 else "0.0.0.0/0"),
                self.device(name),
                "global",
                gateway,
            )
            for name, link in self.topology.links.items()
            for gateway in link.gateways
        ]
        return tuple(networks + knis + defaults)

    @property
    def _own_routes(self) -> tuple[ExpectedRoute, ...]:
        return tuple(
            ExpectedRoute(network, self.device(name), "link", source=address)
            for name, link in self.topology.links.items()
            for address, network in _with_networks(link.own, link)
        )

    @property
    def routes(self) -> tuple[ExpectedRoute, ...]:
        """Every route that must be there: the declared, and those that addresses bring."""
        hosts = [
            ExpectedRoute(ip_network(owned.address), owned.port, "host") for owned in self.addresses
        ]
        return self.declared_routes + self._own_routes + tuple(hosts)

    def targets(self, service: Service | Snat) -> tuple[ExpectedTarget, ...]:
        """What it must be listed with: real servers by the family that they are spoken to in."""
        word = FORWARD_WORDS[service.forwarding]
        if isinstance(service, Snat):
            return tuple(ExpectedTarget(wan.address, 0, wan.weight, word) for wan in service.pool)
        expected = []
        for target in service.real_servers:
            address = self.topology.real_servers[target.name].of(service.server_family)
            assert address is not None, "the topology's own checks see to it"
            expected.append(ExpectedTarget(address, target.port, target.weight, word))
        return tuple(expected)


def _with_networks(pair: AddressPair | None, link: Link) -> list[tuple[Address, Network]]:
    """Addresses on a link, each with the network that it is of."""
    both = pair.both if pair else ()
    return [(one, net) for one in both for net in link.networks if one in net]


def deploy(topology: Topology, bench: Bench, *, kni: bool = True) -> Deployment:
    """`topology` on `bench`; raises DeclarationError where the bench lacks a role or a link."""
    linked = {nic.link for nic in bench.dut.nics}
    problems = [
        f"dut.nics: no NIC is on link {link!r}, which the topology needs"
        for link in topology.links
        if link not in linked
    ]
    problems += [
        f"clients: the topology needs {name!r} and the bench has none"
        for name in topology.clients
        if name not in bench.clients
    ]
    problems += [
        f"real_servers: the topology needs {name!r} and the bench has none"
        for name in topology.real_servers
        if name not in bench.real_servers
    ]
    for name, client in topology.clients.items():
        if name in bench.clients and bench.clients[name].link != client.link:
            problems.append(
                f"clients.{name}.link: the bench says {bench.clients[name].link!r}, "
                f"the topology {client.link!r}"
            )
    if problems:
        where = f"{bench.path} with topology {topology.name!r}"
        raise DeclarationError("\n".join(f"{where}: {problem}" for problem in problems))
    return Deployment(topology, bench, kni)
