"""One topology on one bench: the names and numbers that plan, expected state and packets share.

Pure derivation; nothing here talks to a host. What depends on what the device can do (is there a
kni?) comes in as an argument, after it has been probed.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from dpvs_acceptance.model.bench import Bench, Lcore, Nic
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import Address, Network, Service, Topology


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

    lcore: Lcore
    queue: int
    icmp_redirect: bool

    @property
    def name(self) -> str:
        return f"cpu{self.lcore.id}"


@dataclass(frozen=True, slots=True)
class ExpectedRoute:
    """A route as `dpip route show` must list it. `via` None: directly on the link."""

    destination: Network
    port: str
    scope: str
    via: Address | None = None


@dataclass(frozen=True, slots=True)
class ExpectedAddress:
    """An address that a port must own: `use` is `vip` or `lip`."""

    address: Address
    port: str
    use: str


@dataclass(frozen=True, slots=True)
class ExpectedTarget:
    """A real server of a service, as `ipvsadm -ln` must list it."""

    address: Address
    port: int
    weight: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """A topology placed on a bench. `kni`: the device can make kni devices (probed)."""

    topology: Topology
    bench: Bench
    kni: bool

    @property
    def ports(self) -> tuple[Port, ...]:
        """Ports in DPDK's order: by PCI address; software ports in the bench's order."""
        nics = sorted(self.bench.dut.nics, key=lambda nic: nic.pci or "")
        return tuple(Port(f"dpdk{index}", nic, nic.link) for index, nic in enumerate(nics))

    def port(self, link: str) -> Port:
        """The port on a link of the topology."""
        return next(port for port in self.ports if port.link == link)

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
        """VIPs, then LIPs, each once."""
        vips = [
            ExpectedAddress(vip, self.port(link).name, "vip")
            for link, addresses in self.topology.vips.items()
            for vip in addresses
        ]
        lips = [
            ExpectedAddress(lip, self.lip_port(lip).name, "lip")
            for service in self.topology.services
            for lip in service.local_addresses
        ]
        return tuple(dict.fromkeys(vips + lips))

    def lip_port(self, lip: Address) -> Port:
        link = self.topology.link_of(lip)
        assert link is not None, "the topology's own checks place every LIP on a link"
        return self.port(link)

    @property
    def declared_routes(self) -> tuple[ExpectedRoute, ...]:
        """The routes that the plan adds: networks, kni addresses, default gateways."""
        networks = [
            ExpectedRoute(network, self.port(name).name, "link")
            for name, link in self.topology.links.items()
            for network in link.networks
        ]
        knis = [
            ExpectedRoute(ip_network(address), self.port(name).name, "kni_host")
            for name, link in self.topology.links.items()
            if self.kni and link.kni
            for address in link.kni.both
        ]
        defaults = [
            ExpectedRoute(
                ip_network("::/0" if gateway.version == 6 else "0.0.0.0/0"),
                self.port(name).name,
                "global",
                gateway,
            )
            for name, link in self.topology.links.items()
            for gateway in link.gateways
        ]
        return tuple(networks + knis + defaults)

    @property
    def routes(self) -> tuple[ExpectedRoute, ...]:
        """Every route that must be there: the declared, and the host routes of VIP and LIP."""
        hosts = [
            ExpectedRoute(ip_network(owned.address), owned.port, "host") for owned in self.addresses
        ]
        return self.declared_routes + tuple(hosts)

    def targets(self, service: Service) -> tuple[ExpectedTarget, ...]:
        """The service's real servers, by the address of the family that the LIPs have."""
        family = service.local_addresses[0].version
        expected = []
        for target in service.real_servers:
            machine = self.topology.real_servers[target.name]
            address: Address | None = machine.address6 if family == 6 else machine.address
            assert address is not None, "checked when the deployment was made"
            expected.append(ExpectedTarget(address, target.port, target.weight))
        return tuple(expected)


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
    for service in topology.services:
        for target in service.real_servers:
            v6 = service.local_addresses[0].version == 6
            if v6 and topology.real_servers[target.name].address6 is None:
                problems.append(f"service {service.name!r}: {target.name} has no IPv6 address")
    if problems:
        where = f"{bench.path} with topology {topology.name!r}"
        raise DeclarationError("\n".join(f"{where}: {problem}" for problem in problems))
    return Deployment(topology, bench, kni)
