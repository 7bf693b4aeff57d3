"""A real server as checks see it: its state, and the programs that run on it for a check."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

import testinfra.host

from dpvs_acceptance.hosts.testinfra_backend import host_api
from dpvs_acceptance.model.bench import ReaderModule
from dpvs_acceptance.model.topology import Machine
from dpvs_acceptance.observed.machine import ServerState
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.verdict.causes import NotTested

from .parts import Parts


class RealServer:
    """A real server of the topology, by its name."""

    def __init__(self, name: str, parts: Parts) -> None:
        self.name = name
        self._parts = parts

    def __str__(self) -> str:
        return self.name

    @cached_property
    def host(self) -> testinfra.host.Host:
        """testinfra's objects of the machine, over the run's own connection."""
        return host_api(self._parts.hosts[self.name])

    @property
    def station(self) -> Station:
        """Its tested interface, to send frames from and to capture."""
        return self._parts.scene.stations[self.name]

    @property
    def declared(self) -> Machine:
        return self._parts.deployment.topology.real_servers[self.name]

    @property
    def address(self) -> IPv4Address:
        return self.declared.address

    def address_of(self, family: int) -> IPv4Address | IPv6Address | None:
        """Its address of one family, 4 or 6."""
        return self.declared.of(family)

    @property
    def toa_reader(self) -> ReaderModule:
        """The module that tells servers the client's address; NotTested where there is none."""
        host = self._parts.deployment.bench.real_servers.get(self.name)
        if host is None:
            raise NotTested(f"the bench has no {self}: only the DUT is checked")
        reader = host.toa
        if reader is None:
            raise NotTested(f"the bench names no TOA reader for {self} (real_servers.*.toa)")
        return reader

    def read(self) -> ServerState:
        """Its kernel modules, and what its boot loads, as they are now."""
        return self._parts.server_readings.look(self.name)

    def serve_toa_address(self, address: str, port: int) -> AbstractContextManager[None]:
        """In the context, a small HTTP server there that answers with the client's address as the
        TOA reader gives it (getsockopt)."""
        return self.station.toa_server(address, port)
