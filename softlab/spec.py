"""What a lab is made of: its hosts, links and network cards, and what a caller may choose.

The choices come as JSON (`--spec`), which `softlab/asked.py` reads.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

Device = Literal["simulated", "build"]
Machine = Literal["namespaces", "guest"]
Role = Literal["client", "dut", "real server"]


class SpecError(Exception):
    """A lab that cannot be built as asked; the text is for the person who asked."""


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of the lab: `link` is where its data interface eth1 is, None for the DUT."""

    name: str
    role: Role
    link: str | None
    management: str
    number: int

    def mac(self, interface: int) -> str:
        """The MAC of eth0 (management) or eth1 (data): fixed, so that two runs look alike."""
        return f"02:00:00:{'ff' if interface == 0 else '01'}:00:{self.number:02x}"


@dataclass(frozen=True, slots=True)
class Nic:
    """A network card's port of the DUT as its kernel and its PCI bus show it before binding.

    `speed` is in Mbit/s, `link` the fabric's link that it is plugged into, None for a spare,
    `model` the PCI vendor and device id, `pci` the PCI address, None where there is no PCI bus.
    """

    name: str
    mac: str
    pci: str | None
    kernel_driver: str
    model: str
    numa_node: int
    speed: int
    link: str | None


@dataclass(frozen=True, slots=True)
class LabLeg:
    """An interface of the DUT that DPVS leaves to the kernel, on a link under test."""

    name: str
    mac: str
    link: str


HOSTS: Final = (
    LabHost("client1", "client", "wan", "10.255.0.11", 0x11),
    LabHost("client2", "client", "remote", "10.255.0.12", 0x12),
    LabHost("lb01", "dut", None, "10.255.0.10", 0x10),
    LabHost("rs1", "real server", "lan", "10.255.0.21", 0x21),
    LabHost("rs2", "real server", "lan", "10.255.0.22", 0x22),
)
LINKS: Final = ("wan", "lan", "remote")
ROUTER_MANAGEMENT: Final = "10.255.0.254"
MANAGEMENT_PREFIX: Final = 24

#: The article's machine: a dual-port 82599ES on node 0 and a dual-port X520 on node 1.
SIMULATED_NICS: Final = (
    Nic("eth2", "02:00:00:04:00:00", "0000:04:00.0", "ixgbe", "8086:10fb", 0, 10000, "lan"),
    Nic("eth3", "02:00:00:04:00:01", "0000:04:00.1", "ixgbe", "8086:10fb", 0, 10000, None),
    Nic("eth4", "02:00:00:82:00:00", "0000:82:00.0", "ixgbe", "8086:154d", 1, 10000, "wan"),
    Nic("eth5", "02:00:00:82:00:01", "0000:82:00.1", "ixgbe", "8086:154d", 1, 10000, None),
)
#: The two ports of the card on each link: the members of its bond, the first one the primary.
CARDS: Final = {"lan": ("eth2", "eth3"), "wan": ("eth4", "eth5")}
#: A virtual machine's: three kinds on two nodes. The names are udev's: enp33s0 is on bus 33.
GUEST_NICS: Final = (
    Nic("enp33s0", "02:00:00:21:00:00", "0000:21:00.0", "e1000e", "8086:10d3", 0, 1000, "lan"),
    Nic("enp65s0", "02:00:00:41:00:00", "0000:41:00.0", "vmxnet3", "15ad:07b0", 1, 10000, "wan"),
    Nic("enp66s0", "02:00:00:42:00:00", "0000:42:00.0", "virtio-pci", "1af4:1041", 1, 10000, None),
)
#: Pages of 2 MiB on each node of a virtual machine: what DPVS takes, and its pools.
GUEST_HUGEPAGES: Final = 640
#: A virtual machine has two on each of its two nodes.
GUEST_CPUS: Final = 4
#: Which of them DPVS has: the master on node 0, a worker on each node.
GUEST_LCORES: Final = ((0, (0,)), ((1, (1,)), (2, (2,))))
#: Of a build in it: its lcores spin, and each would take a whole CPU of the machine beneath.
GUEST_BUILD_LCORES: Final = ((0, (3,)), ((1, (3,)),))

#: Of a build's DUT, which has no kni in a lab: its kernel's own way to the real servers.
LEG: Final = LabLeg("eth6", "02:00:00:06:00:00", "lan")

_CRAFTED: Final = {
    "client1": ("10.0.96.150", "2001:db8:96::150"),
    "rs1": ("192.168.229.171", "fd00:229::171"),
    "rs2": ("192.168.229.172", "fd00:229::172"),
}
_ROUTER: Final = {
    "wan": ("10.0.96.254/24", "2001:db8:96::fe/64"),
    "remote": ("172.16.0.254/24", "2001:db8:172::fe/64"),
}


@dataclass(frozen=True, slots=True)
class Lcores:
    """DPDK's logical cores: id to the machine's CPUs; the master first, then the workers."""

    master: tuple[int, tuple[int, ...]]
    workers: tuple[tuple[int, tuple[int, ...]], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "master": {"id": self.master[0], "cpus": list(self.master[1])},
            "workers": [{"id": number, "cpus": list(cpus)} for number, cpus in self.workers],
        }


def build_lcores(cpus: tuple[int, ...]) -> Lcores:
    """A master and one worker, as a software port has one queue. Both spin, so they share the last
    CPU and leave the others to the rest of the lab, unless there are more than two.
    """
    return Lcores((0, cpus[-2:-1] if len(cpus) > 2 else cpus[-1:]), ((1, cpus[-1:]),))


def default_lcores(cpus: tuple[int, ...]) -> Lcores:
    """A master and two workers on the machine's CPUs: the master alone on the first one."""
    first, other = cpus[0], cpus[1] if len(cpus) > 1 else cpus[0]
    return Lcores((0, (first,)), ((1, (other,)), (2, (other,))))


@dataclass(frozen=True, slots=True)
class LabSpec:
    """What a caller chose; everything has a default.

    `router`: link to addresses of the gateway. `places`: host to the link that it is on, where that
    is not its usual one. `crafted`: host to free addresses of its link, from which its station
    sends crafted packets. `vlans`: link to the VLAN, tagged, that it is on the DUT's NIC.
    `bonds`: link to the mode of the bond that the DUT is on it by (DPDK's number).
    `names`: link to the name that it has in the bench file, where that is another.
    `software_ports`: of a build, what kind (softports.py). `machine`: what the DUT is.
    """

    device: Device = "simulated"
    machine: Machine = "namespaces"
    dpvs_version: str = "1.10.2"
    dpvs_home: Path | None = None
    router: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(_ROUTER))
    places: Mapping[str, str] = field(default_factory=dict)
    crafted: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(_CRAFTED))
    vlans: Mapping[str, int] = field(default_factory=dict)
    bonds: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    software_ports: str = "af_packet"
    lcores: Lcores = field(
        default_factory=lambda: default_lcores(tuple(sorted(os.sched_getaffinity(0))))
    )

    @property
    def nics(self) -> tuple[Nic, ...]:
        """A DPVS build has plain veths, without a PCI bus behind them, and none to spare."""
        if self.machine == "guest":
            # DPVS asks for RSS, which QEMU's virtio has not: it skips such a port at its start.
            left_out = {"virtio-pci"} if self.device == "build" else frozenset[str]()
            return tuple(nic for nic in GUEST_NICS if nic.kernel_driver not in left_out)
        if self.device == "simulated":
            return SIMULATED_NICS
        members = {name for link in self.bonds for name in CARDS[link]}
        return tuple(
            replace(nic, pci=None, kernel_driver="veth", model="veth", numa_node=0)
            for nic in SIMULATED_NICS
            if nic.link is not None or nic.name in members
        )

    def bonded(self, nic: Nic) -> str | None:
        """The link by whose bond a NIC is on the fabric, or None."""
        return next((link for link in self.bonds if nic.name in CARDS[link]), None)

    @property
    def software(self) -> bool:
        """Whether DPVS is a build on software ports."""
        return self.device == "build" and self.machine == "namespaces"

    @property
    def legs(self) -> tuple[LabLeg, ...]:
        return (LEG,) if self.software else ()

    @property
    def hosts(self) -> tuple[LabHost, ...]:
        """All hosts, each on the link that it was asked for on."""
        return tuple(replace(one, link=self.places.get(one.name, one.link)) for one in HOSTS)

    def named(self, link: str | None) -> str | None:
        """A link as the bench file calls it."""
        return None if link is None else self.names.get(link, link)

    def as_json(self) -> dict[str, Any]:
        """The whole lab as JSON values, for the emulated hardware of the DUT."""
        return {
            "device": self.device,
            "machine": self.machine,
            "dpvs_version": self.dpvs_version,
            "dpvs_home": None if self.dpvs_home is None else str(self.dpvs_home),
            "router": {link: list(addresses) for link, addresses in self.router.items()},
            "places": dict(self.places),
            "crafted": {name: list(addresses) for name, addresses in self.crafted.items()},
            "vlans": dict(self.vlans),
            "bonds": dict(self.bonds),
            "names": dict(self.names),
            "lcores": self.lcores.as_json(),
            "nics": [asdict(nic) for nic in self.nics],
        }
