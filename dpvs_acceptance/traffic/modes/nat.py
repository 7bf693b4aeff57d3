"""NAT: the destination is rewritten to the real server, and in replies the source to the VIP.

``ip_vs_xmit.c`` __dp_vs_xmit_nat4/6 and __dp_vs_out_xmit_nat4/6 with tcp_snat_in_handler and
tcp_snat_out_handler (``ip_vs_proto_tcp.c``; NAT has the same), udp_snat_in/out_handler
(``ip_vs_proto_udp.c``): only address, port and checksums change. A datagram without a UDP
checksum gets one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.views import Checksum, IpView

from .arms import Server, to_client, to_server
from .unmoved import Unmoved, V


@dataclass(frozen=True, slots=True)
class Nat(Unmoved):
    @property
    def title(self) -> str:
        return "NAT"

    def target(self, server: Server) -> SocketAddress:
        return server.end

    def at_rs(self, sent: V, server: Server) -> Expected:
        moved = to_server(sent, self.arms, server)
        moved = replace(moved, dst=server.end.address, dport=server.end.port)
        return Expected(summed(moved))

    def at_client(self, sent: V, server: Server) -> Expected:
        moved = to_client(sent, self.arms, server)
        moved = replace(moved, src=self.vip.address, sport=self.vip.port)
        return Expected(summed(moved))


def summed(view: V) -> V:
    """Both checksums are recomputed, also a missing one."""
    correct: Checksum = "correct"
    return replace(view, checksum=correct, ip_checksum=ip_sum(view))


def ip_sum(view: IpView) -> Checksum | None:
    return "correct" if view.version == 4 else None
