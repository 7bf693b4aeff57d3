"""Proxy protocol headers, as inserted by a load balancer or forged by a client.

Source: HAProxy's proxy-protocol.txt, versions 1 and 2; DPVS's include/ipvs/proxy_proto.h.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from .agent.wire import packed
from .connection import SocketAddress

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
_PROXY, _LOCAL = 0x21, 0x20
_TCP = {4: 0x11, 6: 0x21}


def v1(source: SocketAddress, target: SocketAddress) -> bytes:
    family = f"TCP{source.version}"
    ends = f"{source.address} {target.address} {source.port} {target.port}"
    return f"PROXY {family} {ends}\r\n".encode()


def v1_unknown(source: SocketAddress, target: SocketAddress) -> bytes:
    """Header without addresses (UNKNOWN), which the receiver must ignore."""
    del source, target
    return b"PROXY UNKNOWN\r\n"


def v2(source: SocketAddress, target: SocketAddress, extra: bytes = b"") -> bytes:
    """extra: TLVs after the addresses."""
    addresses = packed(source.address) + packed(target.address)
    body = addresses + struct.pack("!HH", source.port, target.port) + extra
    return SIGNATURE + struct.pack("!BBH", _PROXY, _TCP[source.version], len(body)) + body


def v2_with_tlv(source: SocketAddress, target: SocketAddress) -> bytes:
    """A header with a TLV, PP2_TYPE_NOOP of four octets."""
    return v2(source, target, b"\x04\x00\x04none")


def v2_local(source: SocketAddress, target: SocketAddress) -> bytes:
    """Header of a connection of the proxy itself (LOCAL), such as a health check."""
    del source, target
    return SIGNATURE + struct.pack("!BBH", _LOCAL, 0, 0)


Header = Callable[[SocketAddress, SocketAddress], bytes]
"""Builds a header from source and target."""

COMMON: dict[str, Header] = {"v1": v1, "v2": v2}
RARE: dict[str, Header] = {
    "v1 UNKNOWN": v1_unknown,
    "v2 LOCAL": v2_local,
    "v2 with a TLV": v2_with_tlv,
}
