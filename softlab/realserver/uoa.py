"""UOA, by which DPVS passes the client of a UDP datagram to a real server (pure parsing).

Layouts: DPVS's include/uoa.h and kmod/uoa/uoa.c. Either the datagram comes as IP protocol 248
(`opp`): 4 bytes of header, the option, then the UDP header and data; or the option lies among the
IPv4 header's (`ipo`). The option is kind 31, length 8 or 20, port, address.
"""

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Final

#: IP protocol number of a datagram with its option in front (IPPROTO_OPT, include/uoa.h:144).
PROTOCOL: Final = 248
OPTION: Final = 31
#: Seconds that a client is remembered for its flow (uoa_map_timeout).
MAP_SECONDS: Final = 360.0

_OPP_HEADER: Final = 4
_UDP_HEADER: Final = 8
_LENGTHS: Final = {8: 4, 20: 16}

Endpoint = tuple[str, int]


class BadOpp(ValueError):  # noqa: N818 - a datagram is bad, the program is not in error
    """A datagram of protocol 248 that uoa.ko would not take apart; the text says why."""


@dataclass(frozen=True, slots=True)
class OppDatagram:
    """A datagram of protocol 248, taken apart. `client` is None if its option is not UOA."""

    client: Endpoint | None
    source_port: int
    destination_port: int
    checksum: int
    udp: bytes

    @property
    def data(self) -> bytes:
        return self.udp[_UDP_HEADER:]


def read_opp(payload: bytes) -> OppDatagram:
    """Take apart what follows the IP header of a protocol-248 packet. Raises BadOpp."""
    if len(payload) < _OPP_HEADER:
        raise BadOpp(f"{len(payload)} bytes are no opp header")
    _version, protocol, length = struct.unpack_from("!BBH", payload)
    if protocol != socket.IPPROTO_UDP:
        raise BadOpp(f"inner protocol {protocol}, expected UDP (17)")
    if length < _OPP_HEADER or len(payload) < length + _UDP_HEADER:
        raise BadOpp(f"opp length {length} leaves no UDP header in {len(payload)} bytes")
    client = read_options(payload[_OPP_HEADER:length])
    udp = payload[length:]
    source, destination, udp_length, checksum = struct.unpack_from("!HHHH", udp)
    if not _UDP_HEADER <= udp_length <= len(udp):
        raise BadOpp(f"UDP length {udp_length} in {len(udp)} bytes")
    return OppDatagram(client, source, destination, checksum, udp[:udp_length])


def read_options(options: bytes) -> Endpoint | None:
    """The client that the first UOA option names, None if there is none (uoa_parse_ipopt)."""
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:  # end of options
            return None
        if kind == 1:  # no operation
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            return None
        if kind == OPTION:
            size = _LENGTHS.get(length)
            if size is None:
                return None
            (port,) = struct.unpack_from("!H", options, at + 2)
            return str(ipaddress.ip_address(options[at + 4 : at + 4 + size])), port
        at += length
    return None


def checksum_is_right(source: str, destination: str, udp: bytes) -> bool:
    """Whether a UDP datagram's checksum holds (RFC 768; RFC 8200 8.1: not optional in IPv6)."""
    one, other = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if udp[6:8] == b"\0\0":
        return one.version == 4
    pseudo = one.packed + other.packed + struct.pack("!IHH", len(udp), 0, socket.IPPROTO_UDP)
    data = pseudo + udp + b"\0" * (len(udp) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF
