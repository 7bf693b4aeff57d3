"""What the objects of a testbed stand on. Each part is made when a check first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic.icmp import PingResult, ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import CraftedTcp

from .other_traffic import OtherTraffic
from .readings import Look, Servers
from .sources import Sources
from .tools import Tools

Ping = Callable[..., PingResult]
"""As `traffic.icmp.ping`."""


@dataclass(frozen=True, slots=True)
class Senders:
    """How packets are sent. A replay of a stored run has others, which send nothing."""

    ping: Ping = ping
    tcp: type[CraftedTcp] = CraftedTcp


class Parts(Protocol):
    """The parts by name. A part that cannot be made raises Blocked or NotTested."""

    @property
    def deployment(self) -> Deployment: ...
    @property
    def refused(self) -> Mapping[str, str]:
        """What the device's tools have no option for: the change's id, the command, its answer."""
        ...

    @property
    def version(self) -> VersionFacts: ...
    @property
    def hosts(self) -> Mapping[str, Host]:
        """The connections: `dut`, and clients and real servers by name."""
        ...

    @property
    def before(self) -> DutState:
        """The DUT before the bring-up."""
        ...

    @property
    def state(self) -> DutState:
        """The DUT after the bring-up and before any traffic; refused once the DUT was changed."""
        ...

    @property
    def look(self) -> Look: ...
    @property
    def server_readings(self) -> Servers: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def scene(self) -> Scene: ...
    @property
    def sources(self) -> Sources: ...
    @property
    def senders(self) -> Senders: ...
    @property
    def other_traffic(self) -> OtherTraffic: ...
    @property
    def service_ports(self) -> Iterator[int]:
        """Ports of VIPs that no service of a topology has; none is given twice in a run."""
        ...

    @property
    def captures(self) -> Path:
        """The folder of this check's own evidence."""
        ...

    def load_readers(self) -> None:
        """Load the readers of the client's address on every real server."""
        ...
