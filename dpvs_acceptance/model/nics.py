"""A NIC of a bench, and what is known of drivers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from dpvs_acceptance.model.declared import Declared, Name
from dpvs_acceptance.model.loading import KeyedError

Interface = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$")]
Mac = Annotated[str, Field(pattern=r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")]
Pci = Annotated[str, Field(pattern=r"^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")]
Module = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]

WITHOUT_FLOW_RULES = frozenset(
    ("e1000", "e1000e", "igb", "igbvf", "igc", "virtio-pci", "virtio_net", "vmxnet3", "ena")
)
"""Kernel drivers of NICs whose DPDK driver refuses the flow rules of LIPs (upstream's issues #56,
#63, #80, #121, #580, #738, #797, #824)."""


class Nic(Declared):
    """One NIC used by DPVS: by PCI address, or as a software port on a kernel interface."""

    name: Interface
    mac: Mac
    link: Name | None = Field(
        default=None, description="None: DPVS owns the NIC, but the topology does not use it"
    )
    links: tuple[Name, ...] = Field(
        default=(), description="further links of the NIC, each a VLAN in the topology"
    )
    pci: Pci | None = None
    vdev: Annotated[str, Field(pattern=r"^[a-z_]+[0-9]+$")] | None = None
    vdev_arguments: Annotated[str, Field(pattern=r"^[\w=,.:/-]+$")] | None = Field(
        default=None, description="DPDK's arguments of the vdev (default: iface=NAME)"
    )
    model: Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")] | None = None
    kernel_driver: Module | None = None
    dpdk_driver: Module | None = None
    speed: int | None = Field(
        default=10000, description="Mbit/s; null: the driver does not know it (virtio, VF)"
    )
    rte_flow: bool | None = Field(
        default=None,
        description="whether flow rules can steer packets of a LIP to its worker (by default: as "
        "known of the kernel driver)",
    )
    numa_node: int = 0
    give_up_address: bool = Field(
        default=False, description="the NIC may be bound although it has an address or a route"
    )

    @model_validator(mode="after")
    def _pci_or_vdev(self) -> Nic:
        if (self.pci is None) == (self.vdev is None):
            raise KeyedError(("pci",), "set exactly one of pci and vdev")
        if self.pci is not None and (self.kernel_driver is None or self.dpdk_driver is None):
            raise KeyedError(("kernel_driver",), "a PCI NIC needs kernel_driver and dpdk_driver")
        return self

    @property
    def steers(self) -> bool:
        """Whether the NIC has the flow rules that LIPs need with several workers."""
        if self.rte_flow is not None:
            return self.rte_flow
        return self.pci is not None and self.kernel_driver not in WITHOUT_FLOW_RULES

    @property
    def bifurcated(self) -> bool:
        """Whether the kernel keeps the NIC while DPDK uses it, as mlx5_core does."""
        return self.pci is not None and self.kernel_driver == self.dpdk_driver
