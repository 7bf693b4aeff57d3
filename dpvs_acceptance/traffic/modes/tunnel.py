"""Tunnel: a client's packet is encapsulated unchanged and sent to the real server.

``ip_vs_xmit.c``: __dp_vs_xmit_tunnel4 (IPIP: TOS, DF and TTL are the inner packet's, no options),
__dp_vs_xmit_tunnel6 (IPv6 in IPv6: traffic class, flow label and hop limit are the inner one's),
__dp_vs_xmit_tunnel_6o4 (IPv6 in IPv4: TOS 0, DF, TTL the inner hop limit). The real
server has the VIP on its tunnel device and replies directly to the client.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.translate import HEADER
from dpvs_acceptance.traffic.views import DONT_FRAGMENT, Checksum, IpView, Outer

from .arms import Server, past_the_device, to_server
from .unmoved import Unmoved, V

_NEW_ID = {"outer.ip_id": "DPVS numbers outer headers with a counter (ip4_select_id)"}
_PROTOCOL = {4: 4, 6: 41}


@dataclass(frozen=True, slots=True)
class TunnelMode(Unmoved):
    """source: outer source address by IP version, that of DPVS's route to the real server. IPv4:
    0.0.0.0 if the route has no ``src``; IPv6: an address of the port."""

    source: dict[int, str]

    @property
    def title(self) -> str:
        return "tunnel"

    def target(self, server: Server) -> SocketAddress:
        del server
        return self.vip

    def at_rs(self, sent: V, server: Server) -> Expected:
        inside = to_server(sent, self.arms, server)
        version = server.end.version
        outer = _outer(inside, self.source[version], server.end)
        # Routers behind the DUT change only the outer header.
        inside = replace(inside, ttl=inside.ttl + server.hops)
        free = _NEW_ID if version == 4 else {}
        ethertype = 0x0800 if version == 4 else 0x86DD
        return Expected(replace(inside, outer=outer, ethertype=ethertype), free)

    def at_client(self, sent: V, server: Server) -> Expected:
        return Expected(past_the_device(sent, self.arms, server))


def _outer(inside: IpView, source: str, end: SocketAddress) -> Outer:
    version = end.version
    four = version == 4
    same = version == inside.version
    correct: Checksum = "correct"
    # Only DF is copied; IPv6 in IPv4 always has it.
    flags = (inside.ip_flags or 0) & DONT_FRAGMENT if same else DONT_FRAGMENT
    return Outer(
        version=version,
        src=source,
        dst=end.address,
        tos=inside.tos if same else 0,
        flow_label=None if four else inside.flow_label,
        length=inside.ip_length + HEADER[version],
        ip_id=0 if four else None,
        ip_flags=flags if four else None,
        ttl=inside.ttl,
        protocol=_PROTOCOL[inside.version],
        options=b"",
        checksum=correct if four else None,
    )
