"""The outer headers that a gre device of DPVS adds.

``ip_tunnel.c`` ip_tunnel_xmit, for a device that was added without ttl and tos: TTL and DF are
copied from the inner packet, TOS is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from dpvs_acceptance.traffic.views import DONT_FRAGMENT, Checksum, IpView, Outer

PROTOCOL = 47
HEADER = b"\x00\x00\x08\x00"
"""RFC 2784: no options, inner protocol IPv4."""
NEW_ID = {"outer.ip_id": "DPVS numbers outer headers with a counter (ip4_select_id)"}


@dataclass(frozen=True, slots=True)
class Gre:
    """A tunnel between ``local`` (DPVS) and ``remote`` (the peer)."""

    local: str
    remote: str

    def carrier(self, inside: IpView) -> Outer:
        """The outer header of a packet from DPVS; its ``ip_id`` cannot be predicted."""
        correct: Checksum = "correct"
        return Outer(
            version=4,
            src=self.local,
            dst=self.remote,
            tos=0,
            flow_label=None,
            length=20 + len(HEADER) + inside.ip_length,
            ip_id=0,
            ip_flags=(inside.ip_flags or 0) & DONT_FRAGMENT,
            ttl=inside.ttl,
            protocol=PROTOCOL,
            options=b"",
            checksum=correct,
            between=HEADER,
        )
