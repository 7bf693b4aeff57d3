"""For what a check runs: selections of a topology's clients, services, VIPs, links and more.

`services.having(mode="fullnat", protocol="tcp")` is a description; `of(topology)` lists what it
describes there. Nothing here talks to a host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from dpvs_acceptance.model.service import DeclaredService
from dpvs_acceptance.model.topology import Topology

from .families import FAMILIES
from .paths import CROSSINGS, pairs


@dataclass(frozen=True, slots=True)
class Choice:
    """One object of a topology: its kind (`service`, `client`, ...), its name, and its facts."""

    kind: str
    name: str
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Selector:
    """A description of objects of one kind; see `having`, `one` and `one_per`."""

    listing: Callable[[Topology], Iterable[Choice]]
    wanted: tuple[tuple[str, object], ...] = ()
    distinct: tuple[str, ...] | None = None

    def having(self, **facts: object) -> Selector:
        """Only those with these facts. A tuple of values means any of them."""
        return replace(self, wanted=(*self.wanted, *facts.items()))

    @property
    def one(self) -> Selector:
        """The first of them: for what any one of them shows."""
        return replace(self, distinct=())

    def one_per(self, *facts: str) -> Selector:
        """The first for each combination of values of these facts."""
        return replace(self, distinct=facts)

    def of(self, topology: Topology) -> tuple[Choice, ...]:
        """What this topology has of it. KeyError for a fact that the kind does not have."""
        found = [one for one in self.listing(topology) if matches(one.facts, self.wanted)]
        if self.distinct is None:
            return tuple(found)
        keys = [tuple(one.facts[fact] for fact in self.distinct) for one in found]
        return tuple(one for at, one in enumerate(found) if keys[at] not in keys[:at])


def matches(facts: Mapping[str, object], wanted: Iterable[tuple[str, object]]) -> bool:
    """Whether the facts have these values. KeyError for a fact that is not there."""
    return all(
        facts[name] in value if isinstance(value, tuple) else facts[name] == value
        for name, value in wanted
    )


def _machine(topology: Topology, kind: str, name: str) -> Choice:
    machines = topology.real_servers if kind == "server" else topology.clients
    link = machines[name].link
    return Choice(kind, name, {"link": link, "remote": link in topology.remote_networks})


def _service(topology: Topology, service: DeclaredService) -> Choice:
    # FullNAT as the deployment guide has it: neither family changes, the client's SYN goes through.
    plain = service.forwarding == "fullnat" and not (service.nat64 or service.synproxy)
    facts = {
        "mode": service.forwarding,
        "protocol": service.protocol,
        "family": service.vip.version,
        "server_family": service.server_family,
        "nat64": service.nat64,
        "synproxy": service.synproxy,
        "plain": plain,
        "toa": plain and service.protocol == "tcp",
        "uoa": plain and service.protocol == "udp",
        "kept": topology.configured_by == "keepalived",
    }
    return Choice("service", service.name, facts)


def _vips(topology: Topology) -> Iterable[Choice]:
    for name, vips in topology.vips.items():
        local = any(client.link == name for client in topology.clients.values())
        for vip in vips:
            facts: dict[str, object] = {
                "link": name,
                "family": vip.version,
                "vlan": topology.links[name].vlan is not None,
                "bond": topology.bonds.get(name),
                "client_on_link": local,
            }
            yield Choice("vip", str(vip), facts)


def _paths(topology: Topology) -> Iterable[Choice]:
    for version in FAMILIES:
        for crossing in CROSSINGS:
            if pairs(topology, version, crossing):
                facts = {"family": version, "crossing": crossing}
                yield Choice("path", f"{crossing}, IPv{version}", facts)


clients = Selector(lambda t: [_machine(t, "client", name) for name in t.vip_clients])
"""Clients of the VIPs. Facts: link, remote (behind a router)."""
inner_hosts = Selector(lambda t: [_machine(t, "client", name) for name in t.inner_hosts])
"""Hosts that go out through SNAT. Facts: as of clients."""
servers = Selector(lambda t: [_machine(t, "server", name) for name in t.real_servers])
"""Real servers. Facts: link, remote."""
services = Selector(lambda t: [_service(t, one) for one in t.services])
"""Services. Facts: mode, protocol, family, server_family, nat64, synproxy; plain: FullNAT that
changes no family and proxies no SYN; toa, uoa: plain, and of TCP or UDP; kept: by keepalived."""
fleets = Selector(lambda t: [Choice("fleet", one.name) for one in t.fleets])
"""Groups of many services."""
rules = Selector(lambda t: [Choice("rule", r.name, {"protocol": r.protocol}) for r in t.snat])
"""SNAT rules. Facts: protocol."""
links = Selector(
    lambda t: [
        Choice("link", name, {"vlan": one.vlan is not None, "bond": t.bonds.get(name)})
        for name, one in t.links.items()
    ]
)
"""Links. Facts: vlan; bond: the mode of the bond that the topology wants there, or None."""
vips = Selector(_vips)
"""VIPs. Facts: link, family, vlan, bond, client_on_link (a client is on the VIP's own link)."""
paths = Selector(_paths)
"""How packets of no service cross DPVS. Facts: family, crossing (one of CROSSINGS)."""
families = Selector(
    lambda _: [Choice("family", one.name, {"family": v}) for v, one in FAMILIES.items()]
)
"""IPv4 and IPv6. Facts: family."""
