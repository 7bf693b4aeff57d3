"""FullNAT of TCP and UDP, IPv4, IPv6 and from IPv6 to IPv4 (src/ipvs/ip_vs_xmit.c, _proto_tcp.c,
_proto_udp.c, _nat64.c).

The functions take a packet apart, translate it and give back the IP packet to send. They know
nothing of routes and neighbours; the data path does that with the result.
"""

from __future__ import annotations

import struct

from softlab.packet import (
    PROTO_TCP,
    checksum,
    ipv4_header,
    ipv6_header,
    transport_checksum,
)
from softlab.simulated import proxyproto, tcpopts
from softlab.simulated.tcpstates import ACK, RST, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.connections import Connection
    from softlab.simulated.versions import Version

_MASK = 0xFFFFFFFF
_DF = 0x4000
_REFUSAL_TTL = 63


class Packet:
    """An IP packet taken apart: ``head`` is the IP header with its options, ``body`` the rest."""

    __slots__ = ("body", "dst", "head", "proto", "src")

    def __init__(self, head: bytes, proto: int, body: bytes) -> None:
        self.head = head
        self.proto = proto
        self.body = body
        if head[0] >> 4 == 4:
            self.src, self.dst = head[12:16], head[16:20]
        else:
            self.src, self.dst = head[8:24], head[24:40]

    @property
    def family(self) -> int:
        """4 or 16, the length of its addresses."""
        return len(self.src)

    def __len__(self) -> int:
        return len(self.head) + len(self.body)

    def ports(self) -> tuple[int, int]:
        """Source and destination port of TCP and UDP."""
        sport, dport = struct.unpack_from("!HH", self.body)
        return sport, dport


FRAGMENT = 44
_EXTENSIONS = {0, 43, FRAGMENT, 60}


def parse(raw: bytes) -> Packet | None:
    """The packet without padding; None when it is cut off or its header checksum is wrong."""
    if len(raw) < 20:
        return None
    if raw[0] >> 4 == 4:
        hlen = (raw[0] & 0xF) * 4
        total = int.from_bytes(raw[2:4], "big")
        if hlen < 20 or not hlen <= total <= len(raw) or checksum(raw[:hlen]):
            return None
        return Packet(raw[:hlen], raw[9], raw[hlen:total])
    if raw[0] >> 4 != 6 or len(raw) < 40:
        return None
    total = 40 + int.from_bytes(raw[4:6], "big")
    if total > len(raw):
        return None
    proto, at = raw[6], 40
    while proto in _EXTENSIONS and at + 8 <= total:
        if proto != FRAGMENT:
            proto, at = raw[at], at + (raw[at + 1] + 1) * 8
        elif int.from_bytes(raw[at + 2 : at + 4], "big") >> 3:
            break
        else:
            # The first part of a packet goes through like a whole one.
            proto, at = raw[at], at + 8
    return Packet(raw[:at], proto, raw[at:total])


def is_fragment(packet: Packet) -> bool:
    """True for a part of an IPv4 packet, which FullNAT does not take."""
    return packet.family == 4 and bool(int.from_bytes(packet.head[6:8], "big") & 0x3FFF)


def is_untranslatable(packet: Packet, to: bytes) -> bool:
    """True for an IPv6 packet with extension headers that should become one of IPv4."""
    return len(packet.head) > 40 and len(to) == 4 and packet.family == 16


def readdress(packet: Packet, src: bytes, dst: bytes, proto: int, body: bytes) -> bytes:
    """The packet with other addresses and body; a change of family builds a new IP header."""
    head = packet.head
    if len(src) != packet.family:
        if len(src) == 4:
            return ipv4_header(src, dst, proto, len(body), ttl=head[7], fragment=_DF) + body
        return ipv6_header(src, dst, proto, len(body), hops=head[8]) + body
    if len(src) == 4:
        length = (len(head) + len(body)).to_bytes(2, "big")
        new = head[:2] + length + head[4:9] + bytes([proto, 0, 0]) + src + dst + head[20:]
        return new[:10] + checksum(new).to_bytes(2, "big") + new[12:] + body
    length = (len(head) - 40 + len(body)).to_bytes(2, "big")
    following = bytes([proto]) if len(head) == 40 else head[6:7]
    return head[:4] + length + following + head[7:8] + src + dst + head[40:] + body


def _tcp(src: bytes, dst: bytes, header: list[int], options: bytes, payload: bytes) -> bytes:
    """A TCP segment with its checksum; header is ports, seq, ack, flags with offset, window,
    urgent pointer."""
    sport, dport, seq, ack, control, window, urgent = header
    control = (control & 0x0FFF) | ((20 + len(options)) // 4) << 12
    raw = struct.pack("!HHIIHHHH", sport, dport, seq, ack, control, window, 0, urgent)
    raw += options + payload
    total = transport_checksum(src, dst, PROTO_TCP, raw)
    return raw[:16] + total.to_bytes(2, "big") + raw[18:]


def _take_tcp(body: bytes) -> tuple[list[int], bytes, bytes] | None:
    """(header fields, options, payload); None when it is cut off."""
    if len(body) < 20:
        return None
    sport, dport, seq, ack, control, window, _, urgent = struct.unpack_from("!HHIIHHHH", body)
    offset = (control >> 12) * 4
    if not 20 <= offset <= len(body):
        return None
    return [sport, dport, seq, ack, control, window, urgent], body[20:offset], body[offset:]


def _behind(number: int, other: int) -> bool:
    """Whether a sequence number is behind another."""
    return 0 < (number - other) & _MASK < 0x80000000


def tcp_flags(body: bytes) -> int:
    """Flags of a TCP segment, 0 when it is cut off."""
    return body[13] if len(body) >= 20 else 0


def _ip_length(packet: Packet, family: int) -> int:
    """How long the packet's IP header will be towards the real server."""
    if packet.family == family:
        return len(packet.head)
    return 20


def _add_toa(
    conn: Connection, options: bytes, size: int, mtu: int, *, pruning: bool
) -> tuple[bytes, bool]:
    """(options with the TOA first, True), or (options, False) when there is no room for it.

    size is the IP packet's length with the options as they are.
    """
    option = tcpopts.toa(conn.caddr, conn.cport)
    need = len(option)
    if size <= mtu - need and 40 - len(options) >= need:
        return option + options, True
    if not pruning:
        return options, False
    slim = tcpopts.prune(options, need, syn=False)
    size -= len(options) - len(slim)
    if len(options) - len(slim) >= need and size <= mtu - need:
        return option + slim, True
    return slim, False


def tcp_inbound(
    conn: Connection,
    packet: Packet,
    mtu: int,
    isn: int,
    version: Version,
) -> tuple[bytes, bool] | None:
    """A client's segment towards the RS: (IP packet, False when a TOA did not fit), None to drop.

    isn is what the device would choose as its own first sequence number for this connection.
    """
    taken = _take_tcp(packet.body)
    if taken is None or is_untranslatable(packet, conn.laddr):
        return None
    header, options, payload = taken
    flags = header[4] & 0x3F
    family = len(conn.laddr)
    size = _ip_length(packet, family) + 20 + len(options) + len(payload)
    fits = True
    opening = flags & (SYN | ACK) == SYN
    if opening:
        options = tcpopts.blank_timestamp(options)
        if not conn.isn:
            conn.isn = isn
            conn.delta = (isn - header[2]) & _MASK
    first_data = header[3] == conn.fdata_seq and not flags & (SYN | RST)
    wants_toa = (first_data or (opening and version.toa_on_syn)) and not conn.service.proxy
    if wants_toa:
        options, fits = _add_toa(conn, options, size, mtu, pruning=version.toa_prunes)
        fits = fits or not version.toa_prunes
    moved = conn.delta
    if conn.service.proxy and payload and conn.proxy_seq in (-1, header[2]):
        conn.proxy_seq, length = header[2], len(payload)
        payload = proxyproto.replaced(conn, payload)
        conn.proxy_grown = len(payload) - length
    elif conn.proxy_seq >= 0 and _behind(header[2], conn.proxy_seq):
        moved += conn.proxy_grown
    header[2] = (header[2] + moved) & _MASK
    header[0], header[1] = conn.lport, conn.dport
    segment = _tcp(conn.laddr, conn.daddr, header, options, payload)
    return readdress(packet, conn.laddr, conn.daddr, PROTO_TCP, segment), fits


def tcp_outbound(conn: Connection, packet: Packet) -> bytes | None:
    """An RS's segment towards the client; None to drop."""
    taken = _take_tcp(packet.body)
    if taken is None:
        return None
    header, options, payload = taken
    flags = header[4] & 0x3F
    synack = flags & (SYN | ACK) == SYN | ACK
    stale = conn.rs_end_ack and (header[3] - conn.rs_end_ack) & 0x80000000
    if not flags & RST and not stale:
        conn.rs_end_seq = (header[2] + (1 if synack else len(payload))) & _MASK
        conn.rs_end_ack = header[3]
    if synack:
        conn.fdata_seq = (header[2] + 1) & _MASK
        options = tcpopts.lower_mss(options, 4 + len(conn.caddr))
    header[3] = (header[3] - conn.delta) & _MASK
    if conn.proxy_seq >= 0 and _behind(header[3], conn.proxy_seq):
        header[3] = (header[3] - conn.proxy_grown) & _MASK
    options = tcpopts.shift_sack(options, conn.delta)
    header[0], header[1] = conn.vport, conn.cport
    segment = _tcp(conn.vaddr, conn.caddr, header, options, payload)
    return readdress(packet, conn.vaddr, conn.caddr, PROTO_TCP, segment)


def tcp_reset(conn: Connection, *, to_server: bool) -> bytes:
    """The reset an idle connection ends with, towards the RS or the client (IP packet)."""
    seq = conn.rs_end_ack if to_server else conn.rs_end_seq
    if to_server:
        src, dst, sport, dport = conn.laddr, conn.daddr, conn.lport, conn.dport
    else:
        src, dst, sport, dport = conn.vaddr, conn.caddr, conn.vport, conn.cport
        # The device's outbound path moves the acknowledgement, even one that is not there.
    ack = 0 if to_server else -conn.delta & _MASK
    segment = _tcp(src, dst, [sport, dport, seq, ack, RST, 0, 0], b"", b"")
    if len(src) == 4:
        return ipv4_header(src, dst, PROTO_TCP, len(segment), fragment=_DF) + segment
    return ipv6_header(src, dst, PROTO_TCP, len(segment)) + segment


def refusal(packet: Packet) -> bytes | None:
    """The reset that answers an ACK of no connection, as the device makes it of that very packet:
    turned round, without its payload, with all its options."""
    taken = _take_tcp(packet.body)
    if taken is None:
        return None
    (sport, dport, seq, ack, control, _, urgent), options, payload = taken
    control = control & ~0x0F | RST | ACK
    after = (seq + len(payload)) & _MASK
    segment = _tcp(
        packet.dst, packet.src, [dport, sport, ack, after, control, 0, urgent], options, b""
    )
    head = packet.head
    if packet.family == 4:
        head = head[:1] + b"\0" + head[2:8] + bytes([_REFUSAL_TTL]) + head[9:]
    else:
        head = head[:7] + bytes([_REFUSAL_TTL]) + head[8:]
    turned = Packet(head, PROTO_TCP, segment)
    return readdress(turned, packet.dst, packet.src, PROTO_TCP, segment)
