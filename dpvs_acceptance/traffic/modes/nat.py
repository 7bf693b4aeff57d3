"""NAT: the destination becomes the real server's, and in the reply the source the VIP's.

``ip_vs_xmit.c`` __dp_vs_xmit_nat4/6 and __dp_vs_out_xmit_nat4/6 with tcp_snat_in_handler and
tcp_snat_out_handler (``ip_vs_proto_tcp.c``; NAT has the same), udp_snat_in/out_handler
(``ip_vs_proto_udp.c``): address, port and checksums, nothing else. A datagram that had no UDP
checksum gets one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.mapping import Endpoint
from dpvs_acceptance.traffic.views import Checksum, IpView

from .arms import Arms, Server, to_client, to_server
from .unmoved import Unmoved, V


@dataclass(frozen=True, slots=True)
class Nat(Unmoved):
    @property
    def title(self) -> str:
        return "NAT"

    def target(self, server: Server) -> Endpoint:
        return server.end

    def at_rs(self, sent: V, server: Server) -> Expected:
        return Expected(inwards(sent, self.arms, server))

    def at_client(self, sent: V, server: Server) -> Expected:
        del server
        return Expected(outwards(sent, self.arms, self.vip))


def inwards(sent: V, arms: Arms, server: Server) -> V:
    """A packet to a virtual address, at the host behind it."""
    moved = replace(to_server(sent, arms, server), dst=server.end.address, dport=server.end.port)
    return _summed(moved)


def outwards(sent: V, arms: Arms, virtual: Endpoint) -> V:
    """A packet of the host behind, at the other side, where it comes from the virtual end."""
    moved = replace(to_client(sent, arms), src=virtual.address, sport=virtual.port)
    return _summed(moved)


def _summed(view: V) -> V:
    correct: Checksum = "correct"
    return replace(view, checksum=correct, ip_checksum=ip_sum(view))


def ip_sum(view: IpView) -> Checksum | None:
    return "correct" if view.version == 4 else None
