"""Headers of the proxy protocol, as a balancer puts them and as a client may forge them.

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
    """For connections that the sender does not describe; the receiver has to take it as none."""
    del source, target
    return b"PROXY UNKNOWN\r\n"


def v2(source: SocketAddress, target: SocketAddress, extra: bytes = b"") -> bytes:
    """extra: TLVs behind the addresses."""
    addresses = packed(source.address) + packed(target.address)
    body = addresses + struct.pack("!HH", source.port, target.port) + extra
    return SIGNATURE + struct.pack("!BBH", _PROXY, _TCP[source.version], len(body)) + body


def v2_with_tlv(source: SocketAddress, target: SocketAddress) -> bytes:
    """With a TLV, PP2_TYPE_NOOP of four octets."""
    return v2(source, target, b"\x04\x00\x04none")


def v2_local(source: SocketAddress, target: SocketAddress) -> bytes:
    """Of a connection that the proxy opened for itself, such as a health check."""
    del source, target
    return SIGNATURE + struct.pack("!BBH", _LOCAL, 0, 0)


Header = Callable[[SocketAddress, SocketAddress], bytes]
"""Source and target to the octets of a header."""

COMMON: dict[str, Header] = {"v1": v1, "v2": v2}
RARE: dict[str, Header] = {
    "v1 UNKNOWN": v1_unknown,
    "v2 LOCAL": v2_local,
    "v2 with a TLV": v2_with_tlv,
}
