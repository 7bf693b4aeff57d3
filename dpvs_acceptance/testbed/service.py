"""A service as checks see it: where it is, what it must do, and its real servers."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, Protocol

from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.model.service import DeclaredService
from dpvs_acceptance.traffic.connection import FullNat, SocketAddress
from dpvs_acceptance.traffic.modes.mode import ForwardingMode
from dpvs_acceptance.traffic.modes.placing import mode_of

from .parts import Parts
from .real_server import RealServer
from .tools import NO_UNDO, Tools


class Named(Protocol):
    """A client, as far as a service needs it."""

    @property
    def name(self) -> str:
        """Its name in the topology."""
        ...


class Service:
    """One virtual service. `declared`: as a topology declares it."""

    def __init__(self, declared: DeclaredService, parts: Parts) -> None:
        self.declared = declared
        self._parts = parts

    def __str__(self) -> str:
        return self.declared.name

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def family(self) -> int:
        """Of the VIP: 4 or 6."""
        return self.declared.vip.version

    @property
    def vip(self) -> SocketAddress:
        return SocketAddress(str(self.declared.vip), self.declared.port)

    @property
    def url(self) -> str:
        return f"http://{self.vip}/"

    @property
    def lips(self) -> frozenset[str]:
        """Its local addresses."""
        return frozenset(map(str, self.declared.local_addresses))

    @property
    def server_names(self) -> tuple[str, ...]:
        """The names of its real servers, in order."""
        return tuple(target.name for target in self.declared.real_servers)

    @property
    def servers(self) -> tuple[RealServer, ...]:
        """Its real servers, in order."""
        return tuple(RealServer(name, self._parts) for name in self.server_names)

    @property
    def weights(self) -> dict[str, int]:
        """By real server; those of weight 0 are left out."""
        return {
            target.name: target.weight for target in self.declared.real_servers if target.weight
        }

    @property
    def ends(self) -> tuple[SocketAddress, ...]:
        """Address and port of each real server, in order."""
        targets = self._parts.deployment.targets(self.declared)
        return tuple(SocketAddress(str(one.address), one.port) for one in targets)

    def mode(self, client: Named) -> ForwardingMode:
        """What it must do with this client's packets."""
        return mode_of(self._parts.scene, self.declared, client.name)

    def fullnat(self, client: Named) -> FullNat:
        """What FullNAT must do with this client's packets."""
        return self._parts.scene.fullnat(self.declared, client.name)

    @property
    def words(self) -> commands.Words:
        """As ipvsadm names the service: ``-t``, ``VIP:PORT``."""
        return commands.which(self.declared.protocol, self.declared.vip, self.declared.port)

    @property
    def which(self) -> str:
        """The same as text, e.g. ``-t 10.0.96.204:80``."""
        return " ".join(self.words)

    def target(self, index: int) -> str:
        """A real server, as ipvsadm names it."""
        end = self.ends[index]
        return commands.end(ip_address(end.address), end.port)


class AddedService(Service):
    """A service that a check has added, and may change. It goes when the check's changes do.

    crafted: the ends that stations answer for in place of real servers, to the stations' MACs; see
    crafted.py.
    """

    def __init__(
        self,
        declared: DeclaredService,
        parts: Parts,
        tools: Tools,
        crafted: dict[SocketAddress, str] | None = None,
    ) -> None:
        super().__init__(declared, parts)
        self._tools = tools
        self.crafted = crafted or {}

    @property
    def ends(self) -> tuple[SocketAddress, ...]:
        return tuple(self.crafted) or super().ends

    def fullnat(self, client: Named) -> FullNat:
        return self._parts.scene.fullnat(self.declared, client.name, self.crafted or None)

    def add_server(self, index: int, weight: int = 1) -> None:
        """Add one of its real servers."""
        self._real_server("-a", index, weight)

    def set_weight(self, index: int, weight: int) -> None:
        """Give one of its real servers another weight; 0 takes it out of scheduling."""
        self._real_server("-e", index, weight)

    def remove_server(self, index: int) -> None:
        """Take one of its real servers out."""
        self._tools.run(f"ipvsadm -d {self.which} -r {self.target(index)}", undo=NO_UNDO)

    def set_scheduler(self, words: str) -> None:
        """Give it another scheduler; further words of `ipvsadm -E` may follow it."""
        self._tools.run(f"ipvsadm -E {self.which} -s {words}", undo=NO_UNDO)

    def _real_server(self, verb: Literal["-a", "-e"], index: int, weight: int) -> None:
        mode = self.declared.forwarding
        words = commands.real_server(verb, self.words, self.target(index), weight, mode)
        self._tools.run(commands.line(words), undo=NO_UNDO)
