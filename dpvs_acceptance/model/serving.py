"""Cross-checks of a topology's services: what each forwarding mode needs and cannot do.

Each raises KeyedError with the key; the loader turns it into `file:line: key: sentence`.
"""

from __future__ import annotations

from dpvs_acceptance.model.declared import Address
from dpvs_acceptance.model.loading import Key, KeyedError
from dpvs_acceptance.model.service import DeclaredService, Snat
from dpvs_acceptance.model.topologyfields import TopologyFields

# Names of the modes in messages.
WORDS = {"fullnat": "FullNAT", "nat": "NAT", "dr": "DR", "tunnel": "tunnel", "snat": "SNAT"}


def check(topology: TopologyFields) -> None:
    """VIPs, services and SNAT rules."""
    if not topology.services and not topology.snat:
        raise KeyedError(("services",), "the topology has neither a service nor a SNAT rule")
    _vips(topology)
    names: set[str] = set()
    seen: set[tuple[str, Address, int]] = set()
    for index, service in enumerate(topology.services):
        where: Key = ("services", index)
        _once(names, service.name, where)
        identity = (service.protocol, service.vip, service.port)
        if identity in seen:
            raise KeyedError(where, f"{service.name}: this VIP, port and protocol are used twice")
        seen.add(identity)
        _service(topology, service, where)
    for index, rule in enumerate(topology.snat):
        _once(names, rule.name, ("snat", index))
        _snat(topology, rule, ("snat", index))
    # The checks of VIPs need a client that does not use SNAT.
    if topology.services and not topology.vip_clients:
        raise KeyedError(("clients",), "every client uses SNAT: no client is left for the VIPs")
    _fleets(topology)


def _once(names: set[str], name: str, where: Key) -> None:
    if name in names:
        raise KeyedError((*where, "name"), f"two services have the name {name!r}")
    names.add(name)


def _vips(topology: TopologyFields) -> None:
    for name, vips in topology.vips.items():
        if name not in topology.links:
            raise KeyedError(("vips", name), f"no link {name!r}")
        for index, vip in enumerate(vips):
            link = topology.links[name]
            prefix = topology.prefix_of(vip)
            if not 0 < prefix <= vip.max_prefixlen:
                raise KeyedError(("vips", name, index), f"{vip}: /{prefix} is no prefix length")
            # By routing (OSPF, ECMP) a VIP need not be in a network of its link.
            routed = link.own is not None and topology.link_of(vip) is None
            if topology.link_of(vip) != name and not routed:
                nets = ", ".join(map(str, topology.links[name].networks))
                raise KeyedError(
                    ("vips", name, index),
                    f"VIP {vip} is outside {name} ({nets}); a routed VIP needs an address of DPVS "
                    "on the link (links.….own)",
                )


def _service(topology: TopologyFields, service: DeclaredService, where: Key) -> None:
    if service.vip not in {vip for vips in topology.vips.values() for vip in vips}:
        raise KeyedError((*where, "vip"), f"{service.vip} is not listed in vips")
    _local_addresses(topology, service, where)
    if service.synproxy and (service.protocol, service.forwarding) != ("tcp", "fullnat"):
        raise KeyedError((*where, "synproxy"), "synproxy requires TCP and FullNAT")
    for target in service.real_servers:
        if target.name not in topology.real_servers:
            raise KeyedError(
                (*where, "real_servers"), f"no real server {target.name!r} is declared"
            )
        machine = topology.real_servers[target.name]
        if machine.of(service.server_family) is None:
            raise KeyedError(
                (*where, "real_servers"),
                f"service {service.name!r} uses IPv6 to its real servers, but {target.name} has "
                "no IPv6 address" + ("" if service.forwarding == "fullnat" else _ONLY_FULLNAT),
            )
    _paths(topology, service, where)


_ONLY_FULLNAT = ": only FullNAT can have IPv4 real servers behind an IPv6 VIP"


def _local_addresses(topology: TopologyFields, service: DeclaredService, where: Key) -> None:
    key = (*where, "local_addresses")
    name, mode = service.name, WORDS[service.forwarding]
    if service.forwarding != "fullnat":
        if service.local_addresses:
            raise KeyedError(
                key, f"service {name!r} is {mode}: only FullNAT has local addresses (LIP)"
            )
        return
    if not service.local_addresses:
        raise KeyedError(key, f"service {name!r} is FullNAT but has no local address (LIP)")
    for lip in service.local_addresses:
        if topology.link_of(lip) is None:
            raise KeyedError(key, f"LIP {lip} is on no link")
        if lip.version != service.server_family:
            raise KeyedError(key, f"service {name!r} has LIPs of both families")
        if lip.version > service.vip.version:
            raise KeyedError(
                key, f"service {name!r}: DPVS does not support IPv6 real servers behind an IPv4 VIP"
            )


def _paths(topology: TopologyFields, service: DeclaredService, where: Key) -> None:
    """What a mode requires of the path to the real server and back."""
    mode = WORDS[service.forwarding]
    for index, target in enumerate(service.real_servers):
        machine = topology.real_servers[target.name]
        key = (*where, "real_servers", index)
        if service.forwarding in ("dr", "tunnel") and target.port != service.port:
            raise KeyedError(
                (*key, "port"),
                f"{mode} does not change the port: {target.name} must listen on {service.port}",
            )
        if service.forwarding == "dr" and machine.link not in topology.links:
            raise KeyedError(
                (*key, "name"), f"DR needs real servers on a link of DPVS, not in {machine.link}"
            )
        arm = topology.links[topology.arm_of(machine)]
        if service.forwarding != "fullnat" and (
            arm.own is None or arm.own.of(service.server_family) is None
        ):
            why = {
                "nat": "its real servers need it as their next hop",
                "dr": "a real server that has the VIP answers no ARP request from the VIP",
                "tunnel": "it is the source address of the tunnel",
            }[service.forwarding]
            raise KeyedError(
                (*key, "name"),
                f"service {service.name!r} is {mode} and DPVS has no IPv{service.server_family} "
                f"address on link {topology.arm_of(machine)} (links.….own): {why}",
            )
        if service.forwarding == "nat" and machine.link not in topology.links:
            raise KeyedError(
                (*key, "name"),
                "NAT needs real servers on a link of DPVS, since DPVS is their next hop",
            )


def _snat(topology: TopologyFields, rule: Snat, where: Key) -> None:
    first, last = rule.sources
    if first > last:
        raise KeyedError(
            (*where, "sources"), f"the first address {first} is above the last, {last}"
        )
    if rule.outgoing not in topology.links:
        raise KeyedError((*where, "outgoing"), f"no link {rule.outgoing!r}")
    for index, wan in enumerate(rule.pool):
        if topology.link_of(wan.address) != rule.outgoing:
            raise KeyedError(
                (*where, "pool", index), f"{wan.address} is not in a network of {rule.outgoing}"
            )
        if rule.covers(wan.address):
            raise KeyedError(
                (*where, "sources"), f"{wan.address} is both in the pool and in the sources"
            )
    inner = [name for name, one in topology.clients.items() if rule.covers(one.address)]
    if not inner:
        raise KeyedError((*where, "sources"), f"no client has an address from {first} to {last}")
    for name in inner:
        link = topology.clients[name].link
        if link not in topology.links or topology.links[link].own is None:
            raise KeyedError(
                ("clients", name, "link"),
                f"{name} uses SNAT and needs DPVS as its next hop, but DPVS has no address on link "
                f"{link} (links.….own)",
            )
        if link == rule.outgoing:
            raise KeyedError(
                ("clients", name, "link"), f"{name} is on {link}, which is the outgoing link"
            )
    if not any(topology.arm_of(one) == rule.outgoing for one in topology.real_servers.values()):
        raise KeyedError((*where, "outgoing"), f"no real server is on or behind {rule.outgoing}")


def _fleets(topology: TopologyFields) -> None:
    """Raises KeyedError for an unknown service in `like`, and for ports already in use."""
    names = {service.name for service in topology.services}
    taken = {(s.protocol, s.vip, s.port): s.name for s in topology.services}
    for index, fleet in enumerate(topology.fleets):
        where = ("fleets", index)
        if fleet.name in names:
            raise KeyedError((*where, "name"), f"duplicate name {fleet.name!r}")
        if fleet.like not in {service.name for service in topology.services}:
            raise KeyedError((*where, "like"), f"unknown service {fleet.like!r}")
        if fleet.ports[-1] > 65535:
            raise KeyedError((*where, "count"), f"its last port would be {fleet.ports[-1]}")
        for one in fleet.services(topology.service(fleet.like)):
            if (other := taken.get(key := (one.protocol, one.vip, one.port))) is not None:
                raise KeyedError(
                    (*where, "first_port"), f"port {one.port} is already used by {other}"
                )
            taken[key] = fleet.name
        names.add(fleet.name)
