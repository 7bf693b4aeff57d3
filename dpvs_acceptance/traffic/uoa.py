"""UOA: the client's address with a UDP datagram (include/uoa.h, src/ipvs/ip_vs_proto_udp.c).

Both modes carry the same block: op_code 0x1f | op_len 8 or 20 | port | address (network order).
``opp``: IP protocol 248, then version<<4 | inner protocol | length (big-endian, header and block)
| block, then the UDP header. ``ipo``: the block is an IPv4 option, directly after the fixed header.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Literal

PROTOCOL = 248
OPTION = 0x1F
LENGTHS = {8: socket.AF_INET, 20: socket.AF_INET6}
_VERSIONS = {1: 8, 2: 20}  # opphdr version to the length of its block
_OPP = struct.Struct("!BBH")

UoaMode = Literal["opp", "ipo"]


class UoaError(ValueError):
    """Bytes that are not a valid UOA."""


@dataclass(frozen=True, slots=True)
class Uoa:
    """The client's address and port, and how they were carried."""

    address: str
    port: int
    mode: UoaMode

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"UOA {self.mode} {host}:{self.port}"


def block(address: str, port: int) -> bytes:
    """``block("10.0.0.9", 40000)`` is ``1f 08 9c 40 0a 00 00 09``."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    return struct.pack("!BBH", OPTION, 4 + len(packed), port) + packed


def encode_opp(address: str, port: int, inner: int = socket.IPPROTO_UDP) -> bytes:
    """The bytes between IP header (protocol 248) and UDP header: 12 or 24 bytes."""
    body = block(address, port)
    version = 1 if len(body) == 8 else 2
    return _OPP.pack(version << 4, inner, _OPP.size + len(body)) + body


def decode_block(data: bytes, mode: UoaMode) -> Uoa:
    if len(data) < 2 or data[0] != OPTION:
        raise UoaError(f"expected UOA op_code 0x1f, saw {data[:20].hex(' ') or 'nothing'}")
    if data[1] not in LENGTHS or len(data) != data[1]:
        raise UoaError(
            f"expected UOA of length 8 or 20, saw length byte {data[1]} on {len(data)} bytes: "
            f"{data[:24].hex(' ')}"
        )
    (port,) = struct.unpack_from("!H", data, 2)
    return Uoa(socket.inet_ntop(LENGTHS[data[1]], data[4:]), port, mode)


def decode_opp(data: bytes) -> tuple[Uoa, int, bytes]:
    """(UOA, inner protocol, rest) of an IP payload of protocol 248."""
    if len(data) < _OPP.size:
        raise UoaError(f"expected an opp header of 4 bytes, saw {data.hex(' ') or 'nothing'}")
    version, inner, length = _OPP.unpack_from(data)
    size = _VERSIONS.get(version >> 4)
    if size is None or version & 15:
        raise UoaError(f"expected opp version byte 0x10 or 0x20, saw {version:#04x}")
    if length != _OPP.size + size or len(data) < length:
        raise UoaError(
            f"expected opp length {_OPP.size + size} for version {version >> 4}, saw {length} "
            f"in {len(data)} bytes"
        )
    return decode_block(data[_OPP.size : length], "opp"), inner, data[length:]


def decode_ipo(options: bytes) -> Uoa | None:
    """UOA among IPv4 options, or None. Raises UoaError if it is malformed."""
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            return None
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            raise UoaError(f"IP options are truncated: {options.hex(' ')}")
        if kind == OPTION:
            return decode_block(options[at : at + options[at + 1]], "ipo")
        at += options[at + 1]
    return None
