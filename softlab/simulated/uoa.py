"""The client's address in UDP: UOA (src/ipvs/ip_vs_proto_udp.c, include/uoa.h)."""

from __future__ import annotations

OPP = "opp"
IPO = "ipo"

_CODE = 31


def block(client: bytes, port: int) -> bytes:
    """The UOA block: code 31, length 8 or 20, port and address in network order."""
    return bytes([_CODE, 4 + len(client)]) + port.to_bytes(2, "big") + client


def opp_header(client: bytes, port: int, inner: int) -> bytes:
    """The private protocol's header (IP protocol 248) with the block, put before the UDP header."""
    body = block(client, port)
    version = 1 if len(client) == 4 else 2
    return bytes([version << 4, inner]) + (4 + len(body)).to_bytes(2, "big") + body
