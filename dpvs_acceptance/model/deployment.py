"""A topology on a bench: names and numbers shared by plan, expected state and expected packets.

Pure derivation without access to hosts. What depends on the device (does it have kni?) is probed
first and passed as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from dpvs_acceptance.model.bench import Bench, LcorePlacement
from dpvs_acceptance.model.bonds import ACTIVE_BACKUP, BROADCAST, Bond, address
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.nics import Nic
from dpvs_acceptance.model.topology import (
    Address,
    AddressPair,
    DeclaredLink,
    DeclaredService,
    Network,
    Snat,
    Topology,
)

# Names of the forwarding modes in `ipvsadm -ln`.
FORWARD_WORDS = {
    "fullnat": "FullNat",
    "nat": "Masq",
    "dr": "Route",
    "tunnel": "Tunnel",
    "snat": "SNAT",
}


@dataclass(frozen=True, slots=True)
class Port:
    """A DPDK port: its name (`dpdk0`, `bond0`), its NIC, and its link in the topology.

    Of a bond, `nic` is the primary member, and `members` are its ports.
    """

    name: str
    nic: Nic
    link: str | None
    bond: Bond | None = None
    members: tuple[Port, ...] = ()

    @property
    def kni(self) -> str:
        """The name of its kni device, such as `dpdk0.kni`."""
        return f"{self.name}.kni"

    @property
    def speed(self) -> int | None:
        """Mbit/s; of a bond as DPDK reports it: of one member, or of all together. None: the
        driver of a NIC does not know it."""
        if self.bond is None or self.bond.mode == ACTIVE_BACKUP:
            return self.nic.speed
        speeds = [speed for member in self.members if (speed := member.nic.speed) is not None]
        if len(speeds) < len(self.members):
            return None
        return min(speeds) if self.bond.mode == BROADCAST else sum(speeds)


@dataclass(frozen=True, slots=True)
class Worker:
    """A data-plane lcore and the queue that it serves on every port (deployment guide 2.4)."""

    lcore: LcorePlacement
    queue: int
    icmp_redirect: bool

    @property
    def name(self) -> str:
        return f"cpu{self.lcore.id}"


@dataclass(frozen=True, slots=True)
class ExpectedRoute:
    """A route as `dpip route show` must list it. `via` None: directly on the link.

    `source`: the address from which DPVS itself sends on this route, or None.
    """

    destination: Network
    port: str
    scope: str
    via: Address | None = None
    source: Address | None = None


@dataclass(frozen=True, slots=True)
class ExpectedAddress:
    """An address that a port must have: `use` is `vip`, `lip`, `own` or `pool` (of SNAT)."""

    address: Address
    port: str
    use: str
    prefix: int

    @property
    def has_pool(self) -> bool:
        """Whether connections use source ports of this address."""
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
    """A topology placed on a bench. `kni`: the device supports kni (probed).

    `refused`: names of services that the device's tools have no option for (found at bring-up).
    """

    topology: Topology
    bench: Bench
    kni: bool
    refused: frozenset[str] = frozenset()

    @property
    def services(self) -> tuple[DeclaredService, ...]:
        """The services of the topology that this device supports."""
        return tuple(one for one in self.topology.services if one.name not in self.refused)

    @property
    def snat(self) -> tuple[Snat, ...]:
        """The SNAT rules of the topology that this device supports."""
        return tuple(one for one in self.topology.snat if one.name not in self.refused)

    @property
    def nic_ports(self) -> tuple[Port, ...]:
        """A port for each NIC, members of bonds too, in DPDK's order: by PCI address; software
        ports in the order of the bench."""
        nics = sorted(self.bench.dut.nics, key=lambda nic: nic.pci or "")
        return tuple(Port(f"dpdk{index}", nic, nic.link) for index, nic in enumerate(nics))

    @property
    def bonds(self) -> tuple[Port, ...]:
        """The bonds of the bench."""
        ports = {address(port.nic): port for port in self.nic_ports}
        return tuple(
            Port(
                bond.name,
                ports[bond.first].nic,
                bond.link,
                bond,
                tuple(ports[member] for member in bond.members),
            )
            for bond in self.bench.dut.bonds
        )

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports that DPVS receives and sends by: NICs that are no members, then bonds."""
        members = {member for bond in self.bonds for member in bond.members}
        return tuple(port for port in self.nic_ports if port not in members) + self.bonds

    def port(self, link: str) -> Port:
        """The port on a link of the topology."""
        return next(port for port in self.ports if link in (port.link, *port.nic.links))

    def device(self, link: str) -> str:
        """DPVS's device on a link: its port, `dpdk0`, or the VLAN of it, `dpdk0.229`."""
        vlan = self.topology.links[link].vlan
        port = self.port(link).name
        return port if vlan is None else f"{port}.{vlan}"

    def leg(self, link: str) -> str:
        """The kernel's own interface on a link, for a device without kni; empty without one."""
        legs = (leg.interface for leg in self.bench.dut.legs if leg.link == link)
        return "" if self.kni else next(legs, "")

    @property
    def kernel_reaches_servers(self) -> bool:
        """Whether the DUT's kernel has a way to each real server: what keepalived's checks need."""
        arms = {self.topology.arm_of(one) for one in self.topology.real_servers.values()}
        return all(self.leg(arm) or (self.kni and self.topology.links[arm].kni) for arm in arms)

    def kni_device(self, link: str) -> str:
        """The kni device of DPVS's device on a link: `dpdk0.kni`, `dpdk0.229.kni`."""
        return f"{self.device(link)}.kni"

    @property
    def workers(self) -> tuple[Worker, ...]:
        lcores = self.bench.dut.lcores.workers
        # A build with ICMP redirection drops all ICMP unless a worker is configured for it, so one
        # is configured even if there is only one worker.
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
            ExpectedAddress(vip, self.device(link), "vip", self.topology.prefix_of(vip))
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
        assert link is not None, "the cross-checks place every address on a link"
        return link

    def vip_port(self, vip: Address) -> Port:
        return self.port(next(n for n, vips in self.topology.vips.items() if vip in vips))

    def lip_port(self, lip: Address) -> Port:
        return self.port(self._link_of(lip))

    def lip_device(self, lip: Address) -> str:
        """The device argument of `ipvsadm --add-laddr`."""
        return self.device(self._link_of(lip))

    @property
    def declared_routes(self) -> tuple[ExpectedRoute, ...]:
        """The routes that the plan adds: networks, kni addresses, default gateways.

        Adding an address with its network, DPVS's own or a VIP, also adds the network's route.
        """
        implied = {route.destination for route in self._own_routes}
        networks = [
            ExpectedRoute(network, self.device(name), "link")
            for name, link in self.topology.links.items()
            for network in link.networks
            if network not in implied
        ]
        knis = [
            ExpectedRoute(ip_network(address), self.device(name), "kni_host")
            for name, link in self.topology.links.items()
            if self.kni and link.kni
            for address in link.kni.both
        ]
        static = [
            ExpectedRoute(route.to, self.device(name), "global", route.via)
            for name, link in self.topology.links.items()
            for route in link.routes
        ]
        return tuple(networks + knis + self._gateway_routes + static)

    @property
    def _gateway_routes(self) -> list[ExpectedRoute]:
        """The default route of each family, by one link; by other gateways, what is behind them."""
        found: list[ExpectedRoute] = []
        for version in (4, 6):
            default = self.topology.default_link(version)
            for name, link in self.topology.links.items():
                gateway = next((one for one in link.gateways if one.version == version), None)
                if gateway is None:
                    continue
                behind = [
                    network
                    for remote in self.topology.remote_networks.values()
                    if remote.behind == name
                    for network in remote.networks
                    if network.version == version
                ]
                everything = ip_network("::/0" if version == 6 else "0.0.0.0/0")
                found += [
                    ExpectedRoute(network, self.device(name), "global", gateway)
                    for network in ([everything] if name == default else behind)
                ]
        return found

    @property
    def _own_routes(self) -> tuple[ExpectedRoute, ...]:
        return tuple(
            ExpectedRoute(network, self.device(name), "link", source=address)
            for name, link in self.topology.links.items()
            for address, network in _with_networks(link.own, link)
        ) + tuple(
            ExpectedRoute(
                ip_network(f"{vip}/{prefix}", strict=False), self.device(name), "link", source=vip
            )
            for name, vips in self.topology.vips.items()
            for vip in vips
            if (prefix := self.topology.prefix_of(vip)) < vip.max_prefixlen
        )

    @property
    def routes(self) -> tuple[ExpectedRoute, ...]:
        """Every route that must exist: the declared ones, and those implied by addresses."""
        hosts = [
            ExpectedRoute(ip_network(owned.address), owned.port, "host") for owned in self.addresses
        ]
        return self.declared_routes + self._own_routes + tuple(hosts)

    def targets(self, service: DeclaredService | Snat) -> tuple[ExpectedTarget, ...]:
        """The real servers that `ipvsadm -ln` must list, with addresses of the server family."""
        word = FORWARD_WORDS[service.forwarding]
        if isinstance(service, Snat):
            return tuple(ExpectedTarget(wan.address, 0, wan.weight, word) for wan in service.pool)
        expected = []
        for target in service.real_servers:
            address = self.topology.real_servers[target.name].of(service.server_family)
            assert address is not None, "the cross-checks require it"
            expected.append(ExpectedTarget(address, target.port, target.weight, word))
        return tuple(expected)


def _with_networks(pair: AddressPair | None, link: DeclaredLink) -> list[tuple[Address, Network]]:
    """Addresses on a link, each with its network."""
    both = pair.both if pair else ()
    return [(one, net) for one in both for net in link.networks if one in net]


def deploy(
    topology: Topology, bench: Bench, *, kni: bool = True, without_peers: bool = False
) -> Deployment:
    """`topology` on `bench`; raises DeclarationError if the bench lacks a role or a link.

    without_peers: clients and real servers may be missing, since nothing is to be changed.
    """
    linked = {nic.link for nic in bench.dut.nics} | {bond.link for bond in bench.dut.bonds}
    linked |= {link for nic in bench.dut.nics for link in nic.links}
    problems = [
        f"dut.nics: no NIC is on link {link!r}, which the topology needs"
        for link in topology.links
        if link not in linked
    ]
    bonds = {bond.link: bond.mode for bond in bench.dut.bonds}
    problems += [
        f"dut.bonds: the topology needs a bond of mode {mode} on link {link!r}, "
        + ("which the bench lacks" if link not in bonds else f"the bench has mode {bonds[link]}")
        for link, mode in topology.bonds.items()
        if bonds.get(link) != mode
    ]
    for nic in bench.dut.nics:
        here = [link for link in (nic.link, *nic.links) if link in topology.links]
        if sum(topology.links[link].vlan is None for link in here) > 1:
            problems.append(f"dut.nics: links {', '.join(here)} share {nic.name} and are no VLANs")
    problems += [
        f"clients: the topology needs {name!r}, which the bench lacks"
        for name in topology.clients
        if name not in bench.clients and not without_peers
    ]
    problems += [
        f"real_servers: the topology needs {name!r}, which the bench lacks"
        for name in topology.real_servers
        if name not in bench.real_servers and not without_peers
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
