"""Places in a deployment that checks run for: VIPs and links."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from dpvs_acceptance.model.deployment import Deployment, Port
from dpvs_acceptance.model.links import DeclaredLink


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the topology and DPVS's port on it."""

    name: str
    declared: DeclaredLink
    port: Port
    device: str
    """DPVS's device there: the port, or the VLAN on it (`dpdk0.229`)."""
    kni_device: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Vip:
    """A VIP, and the link that it is on."""

    address: str
    link: Link

    @property
    def family(self) -> int:
        """4 or 6."""
        return ip_address(self.address).version

    def __str__(self) -> str:
        return self.address


def link_of(deployment: Deployment, name: str) -> Link:
    """The link of this name."""
    declared = deployment.topology.links[name]
    port = deployment.port(name)
    return Link(name, declared, port, deployment.device(name), deployment.kni_device(name))


def vip_of(deployment: Deployment, address: str) -> Vip:
    """The VIP of this address."""
    places = deployment.topology.vips.items()
    return Vip(address, link_of(deployment, next(n for n, v in places if address in map(str, v))))
