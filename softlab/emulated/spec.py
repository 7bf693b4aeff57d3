"""The hardware that is emulated: the caller's choices, completed with the article's machine.

The article's machine (seed 1.1.1) is a Dell R630 with two E5-2630 v4, 64 GB on each, a dual-port
82599ES on the first socket and a dual-port X520 on the second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_PCI_ADDRESS: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_MODEL: Final = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})")
CORES_PER_SOCKET: Final = 10


class SpecError(ValueError):
    """A hardware that cannot be emulated as asked; the text names the key."""


@dataclass(frozen=True, slots=True)
class Nic:
    """One network port: its netdev's name under the kernel driver, its PCI identity, its speed.

    `model` is (vendor, device); `speed` is in Mbit/s.
    """

    name: str
    pci: str
    driver: str
    model: tuple[int, int]
    numa_node: int
    speed: int


@dataclass(frozen=True, slots=True)
class Spec:
    """The hardware. `nodes`: NUMA node to its memory in MB; `release`: what `uname -r` says."""

    nodes: Mapping[int, int]
    smt: bool
    nics: tuple[Nic, ...]
    dpvs_version: str
    iommu: bool
    absent_packages: tuple[str, ...]
    unapplied_patches: tuple[str, ...]

    @property
    def has_rte_kni(self) -> bool:
        """DPVS up to 1.9 has KNI in the kernel module rte_kni; from 1.10 on in vhost-net."""
        major, minor = (int(part) for part in self.dpvs_version.split(".")[:2])
        return (major, minor) < (1, 10)


MANAGEMENT: Final = Nic("eth0", "0000:01:00.0", "igb", (0x8086, 0x1521), 0, 1000)
DATA_NICS: Final = (
    Nic("eth2", "0000:04:00.0", "ixgbe", (0x8086, 0x10FB), 0, 10000),
    Nic("eth3", "0000:04:00.1", "ixgbe", (0x8086, 0x10FB), 0, 10000),
    Nic("eth4", "0000:82:00.0", "ixgbe", (0x8086, 0x154D), 1, 10000),
    Nic("eth5", "0000:82:00.1", "ixgbe", (0x8086, 0x154D), 1, 10000),
)
_NODES: Final = {0: 64184, 1: 64494}


def read_spec(raw: Mapping[str, Any]) -> Spec:
    """Complete a caller's dict. Keys that only concern the rest of the lab are passed over.

    `numa_nodes` {"0": MB, ...}; `smt` "0" or "1"; `nics` [{"name", "pci", "kernel_driver",
    "model" "8086:10fb", "numa_node", "speed"}, ...] (the management NIC is added unless it is
    listed); `dpvs_version`; `iommu` true or false; and what is to be found missing:
    `absent_packages` [name, ...], `unapplied_patches` [name without .patch, ...].
    Raises SpecError.
    """
    nodes = {int(number): int(size) for number, size in raw.get("numa_nodes", _NODES).items()}
    if sorted(nodes) != list(range(len(nodes))) or not nodes:
        raise SpecError(f"numa_nodes: expected 0, 1, ... without a gap, found {sorted(nodes)}")
    smt = str(raw.get("smt", "0"))
    if smt not in ("0", "1"):
        raise SpecError(f'smt: expected "0" or "1", found {smt!r}')
    version = str(raw.get("dpvs_version", "1.10.2"))
    if not re.match(r"\d+\.\d+", version):
        raise SpecError(f'dpvs_version: expected such as "1.10.2", found {version!r}')
    nics = tuple(_nic(one, nodes) for one in raw["nics"]) if "nics" in raw else DATA_NICS
    if all(nic.name != MANAGEMENT.name for nic in nics):
        nics = (MANAGEMENT, *nics)
    return Spec(
        nodes=nodes,
        smt=smt == "1",
        nics=tuple(sorted(nics, key=lambda nic: nic.pci)),
        dpvs_version=version,
        iommu=bool(raw.get("iommu", False)),
        absent_packages=tuple(raw.get("absent_packages", ())),
        unapplied_patches=tuple(raw.get("unapplied_patches", ())),
    )


def _nic(raw: Mapping[str, Any], nodes: Mapping[int, int]) -> Nic:
    name, address = str(raw["name"]), str(raw["pci"])
    if not _PCI_ADDRESS.fullmatch(address):
        raise SpecError(f"nics: {name}: expected such as 0000:04:00.0, found {address!r}")
    model = _MODEL.fullmatch(str(raw.get("model", "8086:10fb")))
    if model is None:
        raise SpecError(f"nics: {name}: model: expected such as 8086:10fb, found {raw['model']!r}")
    node = int(raw.get("numa_node", 0))
    if node not in nodes:
        raise SpecError(f"nics: {name}: there is no NUMA node {node}; there are {sorted(nodes)}")
    return Nic(
        name=name,
        pci=address,
        driver=str(raw.get("kernel_driver", raw.get("driver", "ixgbe"))),
        model=(int(model[1], 16), int(model[2], 16)),
        numa_node=node,
        speed=int(raw.get("speed", 10000)),
    )
