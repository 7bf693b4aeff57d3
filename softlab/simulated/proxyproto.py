"""The proxy protocol of a service: a header in front of the client's first octets, in place of one
that the client sent itself (src/ipvs/ip_vs_proxy_proto.c)."""

from __future__ import annotations

import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.connections import Connection

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY = 0x21
_ADDRESSES = {4: 12, 16: 36}
"""Octets of addresses and ports in a header of version 2, by the length of an address."""


def replaced(conn: Connection, payload: bytes) -> bytes:
    """The first payload as the real server gets it."""
    kind = conn.service.proxy
    if payload.startswith(b"PROXY UNKNOWN"):
        return payload  # as the device does: no header is inserted, the client's stays
    if not kind.endswith("insecure"):
        payload = payload[_own(payload) :]
    return _header(conn, kind) + payload


def _own(payload: bytes) -> int:
    """How many octets of the payload are taken for a header of the client's."""
    if payload.startswith(b"PROXY TCP"):
        return payload.find(b"\r\n") + 2
    if payload.startswith(_SIGNATURE) and payload[12:13] == bytes([_PROXY]):
        # The device counts the addresses, not the length field: what follows them is left over.
        return 16 + _ADDRESSES[4 if payload[13] == 0x11 else 16]
    return 0


def _header(conn: Connection, kind: str) -> bytes:
    family = 4 if len(conn.caddr) == 4 else 6
    if kind.startswith("v2"):
        body = conn.caddr + conn.vaddr + struct.pack("!HH", conn.cport, conn.vport)
        return _SIGNATURE + bytes([_PROXY, 0x11 if family == 4 else 0x21, 0, len(body)]) + body
    which = socket.AF_INET if family == 4 else socket.AF_INET6
    ends = " ".join(socket.inet_ntop(which, one) for one in (conn.caddr, conn.vaddr))
    return f"PROXY TCP{family} {ends} {conn.cport} {conn.vport}\r\n".encode("ascii")
