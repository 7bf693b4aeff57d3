"""FullNAT of UDP, and the client's address that goes with a connection's first datagrams
(src/ipvs/ip_vs_proto_udp.c)."""

from __future__ import annotations

import struct

from softlab.packet import (
    PROTO_OPT,
    PROTO_UDP,
    ipv4_header,
    transport_checksum,
)
from softlab.simulated import fullnat, uoa
from softlab.simulated.fullnat import Packet, readdress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.connections import Connection


def _udp(src: bytes, dst: bytes, sport: int, dport: int, payload: bytes, *, summed: bool) -> bytes:
    raw = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    if not summed:
        return raw
    total = transport_checksum(src, dst, PROTO_UDP, raw) or 0xFFFF
    return raw[:6] + total.to_bytes(2, "big") + raw[8:]


def _with_option(packet: Packet, option: bytes) -> Packet:
    """The IPv4 packet with one more IP option, put before those it has."""
    words = (len(packet.head) + len(option)) // 4
    head = bytes([0x40 | words]) + packet.head[1:20] + option + packet.head[20:]
    return Packet(head, packet.proto, packet.body)


def udp_inbound(
    conn: Connection, packet: Packet, mtu: int, mode: str, ident: Callable[[bytes, bytes], int]
) -> list[bytes] | None:
    """A client's datagram towards the RS: the IP packets to send, None to drop.

    While the connection has UOA left, the datagram carries the client's address; when that does
    not fit, an empty datagram with it goes first, whose IPv4 identification ``ident`` gives.
    """
    if len(packet.body) < 8:
        return None
    payload = packet.body[8:]
    four = len(conn.laddr) == 4
    sent: list[bytes] = []
    prefix = b""
    if conn.uoa_left > 0 and not (mode == uoa.IPO and packet.family == 16):
        conn.uoa_left -= 1
        if mode == uoa.IPO:
            if len(packet.head) + 8 <= 60 and len(packet) + 8 <= mtu:
                packet = _with_option(packet, uoa.block(conn.caddr, conn.cport))
            else:
                sent.append(_standalone_uoa(conn, packet, mode, ident))
        else:
            prefix = uoa.opp_header(conn.caddr, conn.cport, PROTO_UDP)
            plain = packet.family == 4 or len(packet.head) == 40
            if not plain or len(packet) + len(prefix) > mtu:
                sent.append(_standalone_uoa(conn, packet, mode, ident))
                prefix = b""
    if fullnat.is_untranslatable(packet, conn.laddr):
        return sent
    summed = not (prefix and four)
    datagram = _udp(conn.laddr, conn.daddr, conn.lport, conn.dport, payload, summed=summed)
    proto = PROTO_OPT if prefix else PROTO_UDP
    sent.append(readdress(packet, conn.laddr, conn.daddr, proto, prefix + datagram))
    return sent


def _standalone_uoa(
    conn: Connection, packet: Packet, mode: str, ident: Callable[[bytes, bytes], int]
) -> bytes:
    """An empty datagram that carries nothing but the client's address."""
    four = len(conn.laddr) == 4
    empty = _udp(conn.laddr, conn.daddr, conn.lport, conn.dport, b"", summed=not four)
    proto, option = PROTO_OPT, b""
    if mode == uoa.IPO:
        proto, option = PROTO_UDP, uoa.block(conn.caddr, conn.cport)
    else:
        empty = uoa.opp_header(conn.caddr, conn.cport, PROTO_UDP) + empty
    if not four:
        bare = Packet(packet.head[:40], PROTO_UDP, b"")
        return readdress(bare, conn.laddr, conn.daddr, proto, empty)
    # Of an IPv6 datagram the device takes the same bytes, though they mean something else there.
    tos, ttl = packet.head[1], packet.head[8]
    number = ident(conn.laddr, conn.daddr)
    head = ipv4_header(
        conn.laddr, conn.daddr, proto, len(empty), ttl=ttl, tos=tos, ident=number, fragment=0
    )
    if option:
        head = _with_option(Packet(head, proto, empty), option).head
    return readdress(Packet(head, proto, empty), conn.laddr, conn.daddr, proto, empty)


def udp_outbound(conn: Connection, packet: Packet) -> bytes | None:
    """An RS's datagram towards the client; None to drop."""
    if len(packet.body) < 8:
        return None
    datagram = _udp(conn.vaddr, conn.caddr, conn.vport, conn.cport, packet.body[8:], summed=True)
    return readdress(packet, conn.vaddr, conn.caddr, PROTO_UDP, datagram)
