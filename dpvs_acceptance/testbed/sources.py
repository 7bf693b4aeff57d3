"""Source ports and addresses of the clients: none is used twice within one run's time of memory."""

from __future__ import annotations

from collections.abc import Sequence

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.flows import Flow, Flows
from dpvs_acceptance.verdict.causes import NotTested

from .sending import CONNECTIONS, Sending


class Sources:
    """Hands out source ports, by the names of the clients' hosts."""

    def __init__(self, deployment: Deployment, sending: Sending | None = None) -> None:
        """sending: counts a connection or UDP flow for each port of a socket."""
        self.sending = sending or Sending()
        self._deployment = deployment
        self._flows = {name: Flows() for name in deployment.bench.clients}

    def port_ranges(self, name: str, count: int) -> list[range]:
        """A range of source ports for each of `count` sockets of a client's host."""
        if name not in self._flows:
            raise NotTested(f"the bench has no {name}: only the DUT is checked")
        self.sending.take(CONNECTIONS, count)
        return [self._flows[name].port_range() for _ in range(count)]

    def many(self, name: str, count: int) -> list[tuple[int, ...]]:
        """Source ports for each of very many sockets of a client's host."""
        self.sending.take(CONNECTIONS, count)
        return self._flows[name].many(count)

    def next(self, name: str) -> Flow:
        """A source port and a payload that nothing else of this run has, or had recently."""
        return self._flows[name].next()

    def spoofed(self, version: int = 4, among: Sequence[str] = ()) -> tuple[str, str]:
        """A client of the topology with a free address of this family to send from.

        among: only these clients, if any. NotTested where the bench gives none such an address.
        """
        among = among or tuple(self._deployment.topology.clients)
        for name, client in self._deployment.bench.clients.items():
            address = client.crafted_address6 if version == 6 else client.crafted_address
            if address is not None and name in among:
                self.sending.borrow([str(address)])
                return name, str(address)
        key = "crafted_address6" if version == 6 else "crafted_address"
        raise NotTested(
            f"the bench gives none of {', '.join(among)} a free address to send from ({key})"
        )

    def spoofed_end(self, version: int = 4, among: Sequence[str] = ()) -> tuple[str, SocketAddress]:
        """The same with a source port, a new one each time."""
        name, address = self.spoofed(version, among)
        return name, SocketAddress(address, self.next(name).port)
