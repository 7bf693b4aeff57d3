"""A DPDK port as the device knows it, with what the tools show of it."""

from __future__ import annotations

from dataclasses import dataclass

SPEED = 10000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Link:
    """What a NIC says of its cable. Software ports are always up, at 10 Gbit/s."""

    up: bool = True
    speed: int = SPEED


class Port:
    """One port. ``queues`` maps a receive queue to the worker lcore that serves it."""

    def __init__(
        self,
        index: int,
        name: str,
        hardware: bytes,
        *,
        socket: int = 0,
        mtu: int = 1500,
        rx_queues: int = 1,
        tx_queues: int = 1,
        pci: str = "vdev",
        driver: str = "net_af_packet",
        ifindex: int = 0,
        kni_name: str = "",
        link: Link | None = None,
        max_queues: int = 1,
        queues: Mapping[int, int] | None = None,
        tx_workers: Mapping[int, int] | None = None,
    ) -> None:
        self.index = index
        self.name = name
        self.hardware = hardware
        self.socket = socket
        self.mtu = mtu
        self.rx_queues = rx_queues
        self.tx_queues = tx_queues
        self.pci = pci
        self.driver = driver
        self.ifindex = ifindex
        self.kni_name = kni_name
        self.max_queues = max_queues
        self.queues = dict(queues or {})
        self.tx_workers = dict(tx_workers or {})
        self.up = link is None or link.up
        self.speed = SPEED if link is None else link.speed
        # What dpvs.conf says of it.
        self.asked_rx = 0
        self.asked_tx = 0
        self.rss = "all"
        self.promisc = False
        self.allmulticast = False
        self.forward2kni = False
        self.tc_egress = False
        self.tc_ingress = False
        self.lldp = False
        self.fast_free = True
        self.ipackets = 0
        self.opackets = 0
        self.ibytes = 0
        self.obytes = 0
        self.oerrors = 0
        # Multicast groups the port listens to, newest first.
        self.groups: list[bytes] = []

    @property
    def is_software(self) -> bool:
        """True for a port of DPDK's af_packet driver."""
        return self.driver == "net_af_packet"


class LcoreStats:
    """What ``dpip -s link show cpu`` counts for one lcore."""

    __slots__ = ("dropped", "ibytes", "ipackets", "loops", "obytes", "opackets", "started")

    def __init__(self) -> None:
        self.loops = 0
        self.started = 0.0
        self.ipackets = 0
        self.ibytes = 0
        self.opackets = 0
        self.obytes = 0
        self.dropped = 0
