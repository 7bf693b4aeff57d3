"""Cross-checks of a topology's networks, gateways and machines.

Each raises KeyedError with the key; the loader turns it into `file:line: key: sentence`.
"""

from __future__ import annotations

from itertools import combinations

from dpvs_acceptance.model.bonds import MODES
from dpvs_acceptance.model.declared import Address, Network
from dpvs_acceptance.model.loading import Key, KeyedError
from dpvs_acceptance.model.topologyfields import TopologyFields

GIB = 1 << 30


def check(topology: TopologyFields) -> None:
    """All cross-checks except those of services."""
    _overlaps(topology)
    _links(topology)
    _machines(topology)
    _bonds(topology)
    if topology.hugepages.size_kb * 1024 * topology.hugepages.per_node < GIB:
        raise KeyedError(
            ("hugepages", "per_node"),
            "less than 1 GB of hugepages: DPVS may not start (deployment guide 2.1.3)",
        )


def _overlaps(topology: TopologyFields) -> None:
    named: list[tuple[Key, Network]] = [
        ((section, name, "network6" if net.version == 6 else "network"), net)
        for section, places in (
            ("links", topology.links),
            ("remote_networks", topology.remote_networks),
        )
        for name, place in places.items()
        for net in place.networks
    ]
    for (_, one), (key, other) in combinations(named, 2):
        if one.version == other.version and one.overlaps(other):
            raise KeyedError(key, f"{other} overlaps {one}")


def _links(topology: TopologyFields) -> None:
    for name, link in topology.links.items():
        for gateway in link.gateways:
            if topology.link_of(gateway) != name:
                field = "gateway6" if gateway.version == 6 else "gateway"
                raise KeyedError(("links", name, field), f"{gateway} is not in the link's network")
        for index, route in enumerate(link.routes):
            if topology.link_of(route.via) != name or route.via.version != route.to.version:
                raise KeyedError(
                    ("links", name, "routes", index), f"{route.via} is not in the link's network"
                )
        for field, pair in (("kni", link.kni), ("own", link.own)):
            for address in pair.both if pair else ():
                if topology.link_of(address) != name:
                    raise KeyedError(
                        ("links", name, field), f"{address} is not in the link's network"
                    )
    for name, remote in topology.remote_networks.items():
        behind = topology.links.get(remote.behind)
        if behind is None or behind.gateway is None:
            raise KeyedError(
                ("remote_networks", name, "behind"),
                f"{remote.behind!r} is not a link with a gateway",
            )


def _bonds(topology: TopologyFields) -> None:
    for name, mode in topology.bonds.items():
        if name not in topology.links:
            raise KeyedError(("bonds", name), f"no link {name!r}")
        if mode not in MODES:
            raise KeyedError(("bonds", name), f"{mode} is no mode of a bond: 0 to {max(MODES)}")


def _machines(topology: TopologyFields) -> None:
    seen: dict[Address, str] = {}
    for section, machines in (
        ("clients", topology.clients),
        ("real_servers", topology.real_servers),
    ):
        for name, machine in machines.items():
            if machine.link not in topology.links and machine.link not in topology.remote_networks:
                raise KeyedError((section, name, "link"), f"no link {machine.link!r}")
            for address in machine.both:
                if not any(address in net for net in topology.networks_of(machine.link)):
                    raise KeyedError(
                        (section, name), f"{address} is not in a network of {machine.link}"
                    )
                if address in seen:
                    raise KeyedError(
                        (section, name), f"{address} is already the address of {seen[address]}"
                    )
                seen[address] = name
