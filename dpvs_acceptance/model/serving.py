"""Cross-checks of a topology's services: what each forwarding mode needs, and what it cannot do.

Each raises KeyedError with the key it is about; the loader makes it `file:line: key: sentence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpvs_acceptance.model.declared import Address
from dpvs_acceptance.model.loading import Key, KeyedError
from dpvs_acceptance.model.service import Service, Snat

if TYPE_CHECKING:
    from dpvs_acceptance.model.topology import Topology

# How people call the modes, in sentences.
WORDS = {"fullnat": "FullNAT", "nat": "NAT", "dr": "DR", "tunnel": "tunnel", "snat": "SNAT"}


def check(topology: Topology) -> None:
    """VIPs, services and SNAT rules."""
    if not topology.services and not topology.snat:
        raise KeyedError(("services",), "there is neither a service nor a SNAT rule to show")
    _vips(topology)
    names: set[str] = set()
    seen: set[tuple[str, Address, int]] = set()
    for index, service in enumerate(topology.services):
        where: Key = ("services", index)
        _once(names, service.name, where)
        identity = (service.protocol, service.vip, service.port)
        if identity in seen:
            raise KeyedError(where, f"{service.name}: this VIP, port and protocol stand twice")
        seen.add(identity)
        _service(topology, service, where)
    for index, rule in enumerate(topology.snat):
        _once(names, rule.name, ("snat", index))
        _snat(topology, rule, ("snat", index))
    # FullNAT to an inner host's VIP would be another set-up than the one that the checks send for.
    if topology.services and not topology.vip_clients:
        raise KeyedError(("clients",), "every client goes out through SNAT: none is the VIPs'")


def _once(names: set[str], name: str, where: Key) -> None:
    if name in names:
        raise KeyedError((*where, "name"), f"two services are called {name!r}")
    names.add(name)


def _vips(topology: Topology) -> None:
    for name, vips in topology.vips.items():
        if name not in topology.links:
            raise KeyedError(("vips", name), f"no link {name!r}")
        for index, vip in enumerate(vips):
            if topology.link_of(vip) != name:
                nets = ", ".join(map(str, topology.links[name].networks))
                raise KeyedError(("vips", name, index), f"VIP {vip} is outside {name} ({nets})")


def _service(topology: Topology, service: Service, where: Key) -> None:
    if service.vip not in {vip for vips in topology.vips.values() for vip in vips}:
        raise KeyedError((*where, "vip"), f"{service.vip} is not among the vips")
    _local_addresses(topology, service, where)
    if service.synproxy and (service.protocol, service.forwarding) != ("tcp", "fullnat"):
        raise KeyedError((*where, "synproxy"), "synproxy is for TCP in FullNAT")
    for target in service.real_servers:
        if target.name not in topology.real_servers:
            raise KeyedError(
                (*where, "real_servers"), f"no real server {target.name!r} is declared"
            )
        machine = topology.real_servers[target.name]
        if machine.of(service.server_family) is None:
            raise KeyedError(
                (*where, "real_servers"),
                f"service {service.name!r} speaks IPv6 to its real servers, and {target.name} has "
                "no IPv6 address" + ("" if service.forwarding == "fullnat" else _ONLY_FULLNAT),
            )
    _ways(topology, service, where)


_ONLY_FULLNAT = ": only FullNAT can have IPv4 real servers behind an IPv6 VIP"


def _local_addresses(topology: Topology, service: Service, where: Key) -> None:
    key = (*where, "local_addresses")
    name, mode = service.name, WORDS[service.forwarding]
    if service.forwarding != "fullnat":
        if service.local_addresses:
            raise KeyedError(
                key, f"service {name!r} is {mode}: a local address (LIP) is for FullNAT only"
            )
        return
    if not service.local_addresses:
        raise KeyedError(key, f"service {name!r} is FullNAT and has no local address (LIP)")
    for lip in service.local_addresses:
        if topology.link_of(lip) is None:
            raise KeyedError(key, f"LIP {lip} is on no link")
        if lip.version != service.server_family:
            raise KeyedError(key, f"service {name!r}: its LIPs are of both families")
        if lip.version > service.vip.version:
            raise KeyedError(
                key, f"service {name!r}: IPv6 real servers behind an IPv4 VIP is nothing DPVS can"
            )


def _ways(topology: Topology, service: Service, where: Key) -> None:
    """How packets come to the real server and back, where the mode asks something of it."""
    mode = WORDS[service.forwarding]
    for index, target in enumerate(service.real_servers):
        machine = topology.real_servers[target.name]
        key = (*where, "real_servers", index)
        if service.forwarding in ("dr", "tunnel") and target.port != service.port:
            raise KeyedError(
                (*key, "port"),
                f"{mode} does not change the port: {target.name} has to listen on {service.port}",
            )
        if service.forwarding == "dr" and machine.link not in topology.links:
            raise KeyedError(
                (*key, "name"), f"DR reaches real servers on its own links, not in {machine.link}"
            )
        arm = topology.links[topology.arm_of(machine)]
        if service.forwarding != "fullnat" and (
            arm.own is None or arm.own.of(service.server_family) is None
        ):
            why = {
                "nat": "its real servers answer through DPVS's own address",
                "dr": "a real server that has the VIP itself answers no ARP that comes from it",
                "tunnel": "packets are tunnelled from DPVS's own address",
            }[service.forwarding]
            raise KeyedError(
                (*key, "name"),
                f"service {service.name!r} is {mode} and link {topology.arm_of(machine)} has no "
                f"own IPv{service.server_family} address (links.….own): {why}",
            )
        if service.forwarding == "nat" and machine.link not in topology.links:
            raise KeyedError(
                (*key, "name"), "NAT needs real servers whose next hop can be DPVS itself"
            )


def _snat(topology: Topology, rule: Snat, where: Key) -> None:
    first, last = rule.sources
    if first > last:
        raise KeyedError((*where, "sources"), f"{first} is behind {last}")
    if rule.outgoing not in topology.links:
        raise KeyedError((*where, "outgoing"), f"no link {rule.outgoing!r}")
    for index, wan in enumerate(rule.pool):
        if topology.link_of(wan.address) != rule.outgoing:
            raise KeyedError(
                (*where, "pool", index), f"{wan.address} is not in a network of {rule.outgoing}"
            )
        if rule.covers(wan.address):
            raise KeyedError(
                (*where, "sources"), f"{wan.address} goes out by the rule and is a source of it"
            )
    inner = [name for name, one in topology.clients.items() if rule.covers(one.address)]
    if not inner:
        raise KeyedError(
            (*where, "sources"), f"no client has an address from {first} to {last} to go out from"
        )
    for name in inner:
        link = topology.clients[name].link
        if link not in topology.links or topology.links[link].own is None:
            raise KeyedError(
                ("clients", name, "link"),
                f"{name} goes out through DPVS, and {link} has no own address of DPVS "
                "(links.….own) to be its next hop",
            )
        if link == rule.outgoing:
            raise KeyedError(
                ("clients", name, "link"), f"{name} is on {link}, where it is to go out to"
            )
    if not any(topology.arm_of(one) == rule.outgoing for one in topology.real_servers.values()):
        raise KeyedError(
            (*where, "outgoing"), f"no real server is on or behind {rule.outgoing} to go out to"
        )
