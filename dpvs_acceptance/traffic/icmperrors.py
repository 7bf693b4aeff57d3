"""ICMP errors about a connection: crafted errors, and the expected translation by FullNAT.

An error embeds the packet that caused it. A device that translates addresses must translate the
embedded packet too, so that the receiver can find the connection (RFC 3022, 4.3; RFC 5508, 4).
DPVS: dp_vs_in_icmp() and dp_vs_xmit_icmp() (ip_vs_core.c, ip_vs_xmit.c).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from . import frames
from .agent.wire import internet_checksum, packed
from .connection import Connection, SocketAddress
from .expected import Expected, NotPredicted
from .translate import towards_client, towards_rs
from .views import IcmpView, IpView

TCP = 6
WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class Kind:
    """Type and code of an error. rest: the second word of its header, with the MTU if any."""

    words: str
    icmp_type: int
    code: int
    rest: bytes = bytes(4)


UNREACHABLE = Kind("host unreachable", 3, 1)
NEED_TO_FRAGMENT = Kind("fragmentation needed, MTU 1280", 3, 4, struct.pack("!HH", 0, 1280))
SOURCE_QUENCH = Kind("source quench", 4, 0)
TIME_EXCEEDED = Kind("time exceeded", 11, 0)
UNREACHABLE6 = Kind("address unreachable", 1, 3)
TOO_BIG6 = Kind("packet too big, MTU 1280", 2, 0, struct.pack("!I", 1280))
TIME_EXCEEDED6 = Kind("hop limit exceeded", 3, 0)

KINDS = {
    4: (UNREACHABLE, NEED_TO_FRAGMENT, SOURCE_QUENCH, TIME_EXCEEDED),
    6: (UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6),
}


def quotation(about: IpView, most: int | None = None) -> bytes:
    """The embedded packet of an error: complete, or IP header and `most` bytes."""
    data = about.frame.data[14 + 4 * len(about.vlans) :][: about.ip_length]
    header = about.ip_length - len(about.ip_payload)
    return data if most is None else data[: header + most]


def error(ends: frames.Ends, kind: Kind, quoted: bytes, ip_id: int = 0) -> bytes:
    """A frame with an ICMP or ICMPv6 error and correct checksums."""
    body = bytes([kind.icmp_type, kind.code, 0, 0]) + kind.rest + quoted
    four = ends.version == 4
    pseudo = b"" if four else packed(ends.src) + packed(ends.dst)
    pseudo += b"" if four else struct.pack("!II", len(body), 58)
    total = internet_checksum(pseudo + body)
    body = body[:2] + total.to_bytes(2, "big") + body[4:]
    s = frames.scapy()
    fields = {"proto": 1, "flags": 0} if four else {"nh": 58}
    return bytes(frames.network(ends, ip_id, **fields) / s.Raw(body))


def icmp_at_client(sent: IcmpView, connection: Connection) -> Expected:
    """The error at the client for an error sent to the LIP, about a packet to the RS."""
    offset = connection.seq_offset or 0
    payload = _requoted(sent, connection.client, connection.service.vip, -offset)
    return _expected(towards_client(sent, connection), payload)


def icmp_at_rs(sent: IcmpView, connection: Connection) -> Expected:
    """The error at the RS for an error sent to the VIP, about a packet to the client."""
    payload = _requoted(sent, connection.rs, connection.lip, 0)
    return _expected(towards_rs(sent, connection), payload)


def _expected(moved: IcmpView, payload: bytes) -> Expected:
    free = {
        "ttl": "RFC 5508 does not define it",
    }
    return Expected(replace(moved, payload=payload, checksum="correct"), free)


def _requoted(sent: IcmpView, src: SocketAddress, dst: SocketAddress, shift: int) -> bytes:
    """The embedded packet with other addresses and a shifted sequence number. The IPv4 header
    checksum is corrected, the TCP checksum is left unchanged."""
    quoted = sent.payload
    version = quoted[0] >> 4
    if version != src.version:
        raise NotPredicted("an ICMP error about a packet of the other address family (NAT64)")
    header = (quoted[0] & 15) * 4 if version == 4 else 40
    protocol = quoted[9] if version == 4 else quoted[6]
    if version == 4:
        head = quoted[:10] + b"\0\0" + packed(src.address) + packed(dst.address)
        head += quoted[20:header]
        head = head[:10] + internet_checksum(head).to_bytes(2, "big") + head[12:]
    else:
        head = quoted[:8] + packed(src.address) + packed(dst.address)
    upper = struct.pack("!HH", src.port, dst.port) + quoted[header + 4 :]
    if protocol == TCP:
        number = (int.from_bytes(upper[4:8], "big") + shift) % WRAP
        upper = upper[:4] + number.to_bytes(4, "big") + upper[8:]
    return head + upper
