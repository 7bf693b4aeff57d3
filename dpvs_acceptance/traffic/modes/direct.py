"""Direct routing (DR): a client's packet goes to the real server's MAC, otherwise unchanged.

``ip_vs_xmit.c`` __dp_vs_xmit_dr4, __dp_vs_xmit_dr6: DPVS looks up a route to the real server and
passes the packet to neigh_output; TTL, checksums and ports are unchanged, independent of
``xmit_ttl``. The real server has the VIP and replies directly to the client.
"""

from __future__ import annotations

from dataclasses import dataclass

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.expected import Expected

from .arms import Server, past_the_device, to_server
from .unmoved import Unmoved, V


@dataclass(frozen=True, slots=True)
class DirectRouting(Unmoved):
    @property
    def title(self) -> str:
        return "DR"

    def target(self, server: Server) -> SocketAddress:
        del server
        return self.vip

    def at_rs(self, sent: V, server: Server) -> Expected:
        return Expected(to_server(sent, self.arms, server))

    def at_client(self, sent: V, server: Server) -> Expected:
        return Expected(past_the_device(sent, self.arms, server))
