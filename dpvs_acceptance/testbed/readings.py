"""Readings of the hosts, taken when a check asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts import survey
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.snapshot import take
from dpvs_acceptance.model.bench import Bench
from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.observed.machine import ServerState
from dpvs_acceptance.observed.reading import dut_sections
from dpvs_acceptance.verdict.causes import NotTested

from .shared import SharedDut, read_dut

Seen = TypeVar("Seen")
SERVICES = "ipvsadm -ln"
SECONDS = 2.0  # until every lcore has taken over a change


class Look:
    """Fresh readings of the DUT, for checks that compare before and after. One round trip each."""

    def __init__(
        self,
        host: Host,
        bench: Bench,
        topology: Topology,
        facts: VersionFacts,
        table: int | None = None,
    ) -> None:
        """table: connections up to which the whole table of them is read; None: any number."""
        self._table = table
        self._host = host
        self._sections = dut_sections(bench, topology, facts)

    def shared(self, *first: str) -> SharedDut:
        """A reading that many checks share; it refuses to be used once the DUT was changed."""
        return read_dut(self._host, self._sections, first or tuple(survey.at_once(self._sections)))

    def __call__(self, *names: str) -> DutState:
        """The sections of these names (`hosts/survey.py`) as they are now; without names all
        but the table of connections. NotTested where that is asked for and too large."""
        if self._table is not None and survey.CONNECTIONS in names:
            self._require_small_table(self._table)
        wanted = {name: self._sections[name] for name in names or survey.at_once(self._sections)}
        return DutState(take(self._host, wanted))

    def _require_small_table(self, most: int) -> None:
        state = DutState(take(self._host, {SERVICES: self._sections[SERVICES]}))
        listed = [server for service in state.services.services for server in service.servers]
        count = sum(server.active + server.inactive for server in listed)
        if count > most:
            raise NotTested(
                f"`{survey.CONNECTIONS}` would list {count:,} connections: with --attach the whole "
                f"table is read up to {most:,}"
            )

    def until(self, wanted: Seen, found: Callable[[DutState], Seen], *names: str) -> Seen:
        """Read these sections until `found` makes `wanted` of them, for 2 s; what it made last.

        For changes that every lcore takes over in its own time.
        """
        give_up = time.monotonic() + SECONDS
        while (seen := found(self(*names))) != wanted and time.monotonic() < give_up:
            pass  # a reading is a round trip to the host
        return seen


class Servers:
    """Fresh readings of the real servers."""

    def __init__(self, hosts: Mapping[str, Host], bench: Bench) -> None:
        self._hosts = hosts
        self._bench = bench

    def look(self, name: str) -> ServerState:
        """The modules of a real server, and what is loaded at its boot."""
        if name not in self._bench.real_servers:
            raise NotTested(f"the bench has no {name}: only the DUT is checked")
        server = self._bench.real_servers[name]
        readers = tuple(reader.name for reader in (server.toa, server.uoa) if reader is not None)
        sections = survey.real_server(readers)
        wanted = {part: sections[part] for part in ("lsmod", "boot files")}
        return ServerState(take(self._hosts[name], wanted))

    def with_reader(self, kind: str) -> list[str]:
        """Names of the real servers on which the reader (`toa` or `uoa`) is loaded now."""
        if not self._bench.real_servers:
            raise NotTested("the bench has no real servers: only the DUT is checked")
        return [
            name
            for name, server in self._bench.real_servers.items()
            if (reader := getattr(server, kind)) is not None
            and reader.name in self.look(name).modules
        ]
