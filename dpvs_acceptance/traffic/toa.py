"""TOA: the client's address as a TCP option (kmod/toa/toa.h, include/ipvs/proto_tcp.h).

kind 254 | length 8 (IPv4 client) or 20 (IPv6) | port | address, all in network order. The size
depends on the client's address family: with NAT64 an IPv4 packet carries the 20-byte option.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

KIND = 254
LENGTHS = {8: socket.AF_INET, 20: socket.AF_INET6}


class ToaError(ValueError):
    """A TCP option of kind 254 that is not a valid TOA, or more than one of them."""


@dataclass(frozen=True, slots=True)
class Toa:
    """The content of the option; ``position``: index among the options, from 0."""

    address: str
    port: int
    position: int = 0

    def encode(self) -> bytes:
        """The complete option: 8 or 20 bytes."""
        return encode(self.address, self.port)

    def __str__(self) -> str:
        return (
            f"TOA [{self.address}]:{self.port}"
            if ":" in self.address
            else (f"TOA {self.address}:{self.port}")
        )


def encode(address: str, port: int) -> bytes:
    """``encode("10.0.0.9", 40000)`` is ``fe 08 9c 40 0a 00 00 09``."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    return struct.pack("!BBH", KIND, 4 + len(packed), port) + packed


def decode(option: bytes, position: int = 0) -> Toa:
    """Parses a complete option with kind and length; raises ToaError."""
    if len(option) < 2 or option[0] != KIND:
        raise ToaError(f"expected TCP option kind {KIND}, saw {option.hex(' ') or 'nothing'}")
    if option[1] not in LENGTHS or option[1] != len(option):
        raise ToaError(
            f"expected TOA of length 8 or 20, saw length byte {option[1]} on {len(option)} "
            f"bytes: {option.hex(' ')}"
        )
    (port,) = struct.unpack_from("!H", option, 2)
    return Toa(socket.inet_ntop(LENGTHS[option[1]], option[4:]), port, position)
