"""Checksums and headers of the frames the data path reads and writes (RFC 791, 8200, 826, 4861).

Addresses are bytes in network order, 4 long for IPv4 and 16 long for IPv6; their length is the
address family everywhere in this package.
"""

from __future__ import annotations

import socket
import struct

ETH_IPV4 = b"\x08\x00"
ETH_ARP = b"\x08\x06"
ETH_IPV6 = b"\x86\xdd"
BROADCAST = b"\xff\xff\xff\xff\xff\xff"

PROTO_ICMP = 1
PROTO_TCP = 6
PROTO_UDP = 17
PROTO_ICMPV6 = 58
PROTO_OPT = 248

ARP_REQUEST = 1
ARP_REPLY = 2

ICMP_ECHO_REPLY = 0
ICMP_UNREACHABLE = 3
ICMP_ECHO = 8
ICMP6_UNREACHABLE = 1
ICMP6_TOO_BIG = 2
ICMP6_TIME_EXCEEDED = 3
ICMP6_ECHO = 128
ICMP6_ECHO_REPLY = 129
ICMP6_NS = 135
ICMP6_NA = 136

ANY4 = bytes(4)
ANY6 = bytes(16)

_ARP = struct.Struct("!HHBBH6s4s6s4s")
_IP4 = struct.Struct("!BBHHHBBH4s4s")


def address(text: str) -> bytes:
    """Network-order bytes of an IPv4 or IPv6 address; OSError when it is neither."""
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except OSError:
        return socket.inet_pton(socket.AF_INET6, text)


def address_text(addr: bytes) -> str:
    """The address as the tools print it."""
    return socket.inet_ntop(socket.AF_INET if len(addr) == 4 else socket.AF_INET6, addr)


def mac(text: str) -> bytes:
    """Six bytes of ``aa:bb:cc:dd:ee:ff``."""
    return bytes.fromhex(text.replace(":", ""))


def mac_text(raw: bytes) -> str:
    """``aa:bb:cc:dd:ee:ff`` of six bytes."""
    return raw.hex(":")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of data, 16 bits.

    A ones-complement sum of 16-bit words is the number modulo 65535, which Python takes of the
    whole buffer at once: far cheaper than adding words in a loop.
    """
    if len(data) & 1:
        data += b"\x00"
    rest = int.from_bytes(data, "big") % 0xFFFF
    if rest == 0 and any(data):
        return 0
    return 0xFFFF - rest


def transport_checksum(src: bytes, dst: bytes, proto: int, segment: bytes) -> int:
    """Checksum of a TCP, UDP or ICMPv6 segment whose own checksum field is zero."""
    if len(src) == 4:
        pseudo = src + dst + struct.pack("!HH", proto, len(segment))
    else:
        pseudo = src + dst + struct.pack("!II", len(segment), proto)
    return checksum(pseudo + segment)


def ipv4_header(
    src: bytes,
    dst: bytes,
    proto: int,
    length: int,
    *,
    ttl: int = 64,
    tos: int = 0,
    ident: int = 0,
    fragment: int = 0,
) -> bytes:
    """A 20-byte IPv4 header with its checksum; length is the payload's, fragment the flag word."""
    head = _IP4.pack(0x45, tos, 20 + length, ident, fragment, ttl, proto, 0, src, dst)
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:]


def fragmented(packet: bytes, mtu: int) -> list[bytes]:
    """The IPv4 packet in parts that fit; as it is when it may not be taken apart."""
    if packet[0] >> 4 != 4 or packet[6] & 0x40:
        return [packet]
    size = (packet[0] & 0xF) * 4
    head, body = packet[:size], packet[size:]
    step = (mtu - size) & ~7
    parts = []
    for at in range(0, len(body), step):
        part = body[at : at + step]
        word = at >> 3 | (0x2000 if at + step < len(body) else 0)
        length = (size + len(part)).to_bytes(2, "big")
        new = head[:2] + length + head[4:6] + word.to_bytes(2, "big") + head[8:10] + b"\0\0"
        new += head[12:]
        parts.append(new[:10] + checksum(new).to_bytes(2, "big") + new[12:] + part)
    return parts


def ipv6_header(
    src: bytes, dst: bytes, proto: int, length: int, *, hops: int = 64, flow: int = 0
) -> bytes:
    """A 40-byte IPv6 header; length is the payload's."""
    return struct.pack("!IHBB", 0x60000000 | flow, length, proto, hops) + src + dst


def ethernet(dst: bytes, src: bytes, payload: bytes) -> bytes:
    """An Ethernet frame around an IP packet."""
    return dst + src + (ETH_IPV4 if payload[0] >> 4 == 4 else ETH_IPV6) + payload


def arp(op: int, eth_dst: bytes, sha: bytes, spa: bytes, tha: bytes, tpa: bytes) -> bytes:
    """An ARP frame, not padded."""
    return eth_dst + sha + ETH_ARP + _ARP.pack(1, 0x0800, 6, 4, op, sha, spa, tha, tpa)


def parse_arp(frame: bytes) -> tuple[int, bytes, bytes, bytes, bytes] | None:
    """(operation, sender MAC, sender IP, target MAC, target IP), None if it is not ARP for IPv4."""
    if len(frame) < 42:
        return None
    hw, proto, hlen, plen, op, sha, spa, tha, tpa = _ARP.unpack_from(frame, 14)
    if (hw, proto, hlen, plen) != (1, 0x0800, 6, 4):
        return None
    return op, sha, spa, tha, tpa


def solicited_node(addr: bytes) -> bytes:
    """The solicited-node multicast address of an IPv6 address (RFC 4291, 2.7.1)."""
    return bytes.fromhex("ff0200000000000000000001ff") + addr[-3:]


def multicast_mac(group: bytes) -> bytes:
    """The Ethernet address of an IPv6 multicast group (RFC 2464, 7)."""
    return b"\x33\x33" + group[-4:]


def icmp6(src: bytes, dst: bytes, body: bytes, *, hops: int = 64) -> bytes:
    """An ICMPv6 packet from a body whose checksum field (bytes 2 and 3) is zero."""
    total = transport_checksum(src, dst, PROTO_ICMPV6, body)
    body = body[:2] + total.to_bytes(2, "big") + body[4:]
    return ipv6_header(src, dst, PROTO_ICMPV6, len(body), hops=hops) + body


def link_local(hardware: bytes) -> bytes:
    """The fe80:: address made from a MAC (modified EUI-64, RFC 4291)."""
    eui = bytes([hardware[0] ^ 2]) + hardware[1:3] + b"\xff\xfe" + hardware[3:]
    return b"\xfe\x80" + bytes(6) + eui
