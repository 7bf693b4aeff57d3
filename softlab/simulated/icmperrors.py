"""ICMP errors: those about a connection are translated, those the device has to make itself are
made (src/ipvs/ip_vs_core.c, ip_vs_xmit.c, src/icmp.c, src/ipv6/icmp6.c)."""

from __future__ import annotations

import struct

from softlab.packet import (
    ICMP6_TIME_EXCEEDED,
    ICMP6_TOO_BIG,
    ICMP6_UNREACHABLE,
    ICMP_UNREACHABLE,
    PROTO_ICMP,
    PROTO_TCP,
    PROTO_UDP,
    address_text,
    checksum,
    icmp6,
    ipv4_header,
)
from softlab.simulated import quirks
from softlab.simulated.routes import NET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.connections import Connection
    from softlab.simulated.core import DataPath
    from softlab.simulated.fullnat import Packet

_ERRORS4 = (ICMP_UNREACHABLE, 4, 11)
_ERRORS6 = (ICMP6_UNREACHABLE, ICMP6_TOO_BIG, ICMP6_TIME_EXCEEDED)
_NEED_FRAGMENT = 4
_DONT_FRAGMENT = 0x4000


def toa_failed(conn: Connection) -> str:
    """The log line for a packet that had no room for the client's address."""
    return (
        f"TOA add failed(no room): [{address_text(conn.caddr)}]:{conn.cport}"
        f" -> [{address_text(conn.vaddr)}]:{conn.vport};"
        f" [{address_text(conn.laddr)}]:{conn.lport} -> [{address_text(conn.daddr)}]:{conn.dport}"
    )


def _inner(raw: bytes) -> tuple[bytes, int, bytes] | None:
    """(header, protocol, rest) of the packet quoted in an error, which may be cut off."""
    if len(raw) >= 28 and raw[0] >> 4 == 4:
        hlen = (raw[0] & 0xF) * 4
        return raw[:hlen], raw[9], raw[hlen:]
    if len(raw) >= 48 and raw[0] >> 4 == 6:
        return raw[:40], raw[6], raw[40:]
    return None


def related(path: DataPath, lcore: int, packet: Packet, now: float) -> bool:
    """Translate an error about a packet of a connection; False when it is about none."""
    four = packet.family == 4
    if len(packet.body) < 8 or packet.body[0] not in (_ERRORS4 if four else _ERRORS6):
        return False
    quoted = _inner(packet.body[8:])
    if quoted is None:
        return False
    head, proto, rest = quoted
    # The device looks for the whole header of TCP, though an error need not quote more than 8.
    if len(rest) < {PROTO_TCP: 20, PROTO_UDP: 8}.get(proto, 1 << 16):
        return False
    src, dst = (head[12:16], head[16:20]) if four else (head[8:24], head[24:40])
    sport, dport = struct.unpack_from("!HH", rest)
    # The quoted packet was sent by the device, so its tuple is the reverse of what is looked up.
    key = (proto, dst, dport, src, sport)
    for owner in [lcore, *(other for other in path.workers if other != lcore)]:
        table = path.connections[owner]
        conn = table.outbound(key)
        if conn is None and path.quirks.has(quirks.ICMP_PORTS):
            conn = table.between(proto, dst, src)
        if conn is not None:
            _translate(path, owner, packet, conn, (head, proto, rest), now, to_client=True)
            return True
        conn = table.inbound(key)
        if conn is not None:
            _translate(path, owner, packet, conn, (head, proto, rest), now, to_client=False)
            return True
    return False


def _translate(
    path: DataPath,
    lcore: int,
    packet: Packet,
    conn: Connection,
    quoted: tuple[bytes, int, bytes],
    now: float,
    *,
    to_client: bool,
) -> None:
    """Send the error on, as if it were about the packet the other side sent."""
    if len(conn.caddr) != len(conn.daddr):
        return
    head, proto, rest = quoted
    if to_client:
        src, dst = conn.vaddr, conn.caddr
        inner_src, inner_dst = conn.caddr, conn.vaddr
        ports = struct.pack("!HH", conn.cport, conn.vport)
        seq_shift = -conn.delta
    else:
        src, dst = conn.laddr, conn.daddr
        inner_src, inner_dst = conn.daddr, conn.laddr
        ports = struct.pack("!HH", conn.dport, conn.lport)
        seq_shift = 0
    if proto == PROTO_TCP and seq_shift:
        seq = (int.from_bytes(rest[4:8], "big") + seq_shift) & 0xFFFFFFFF
        rest = rest[:4] + seq.to_bytes(4, "big") + rest[8:]
    rest = ports + rest[4:]
    if packet.family == 4:
        head = head[:10] + b"\x00\x00" + inner_src + inner_dst + head[20:]
        head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
        body = packet.body[:2] + b"\x00\x00" + packet.body[4:8] + head + rest
        body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
        outer = ipv4_header(
            src,
            dst,
            PROTO_ICMP,
            len(body),
            ttl=packet.head[8],
            tos=packet.head[1],
            ident=int.from_bytes(packet.head[4:6], "big"),
            fragment=int.from_bytes(packet.head[6:8], "big"),
        )
        translated = outer + body
    else:
        head = head[:8] + inner_src + inner_dst
        body = packet.body[:2] + b"\x00\x00" + packet.body[4:8] + head + rest
        translated = icmp6(src, dst, body, hops=packet.head[7])
    route = path.route_to(dst)
    if route is not None:
        path.send_routed(lcore, route, dst, translated, now)


def too_big(path: DataPath, lcore: int, packet: Packet, mtu: int, family: int, now: float) -> bool:
    """True, after an ICMP error to the sender, when the packet does not fit its outgoing link."""
    size = len(packet)
    if packet.family != family:
        size += 20 if family == 16 else -20
    if size <= mtu:
        return False
    four = packet.family == 4 and family == 4
    if four and not int.from_bytes(packet.head[6:8], "big") & _DONT_FRAGMENT:
        return False
    _send_error(path, lcore, packet, mtu, now)
    return True


def _send_error(path: DataPath, lcore: int, packet: Packet, mtu: int, now: float) -> None:
    route = path.route_to(packet.src)
    if route is None or route.kind != NET:
        return
    source = path.addresses.source_for(route.port, packet.src)
    original = packet.head + packet.body
    if packet.family == 4:
        quote = original[: 576 - 28]
        body = struct.pack("!BBHI", ICMP_UNREACHABLE, _NEED_FRAGMENT, 0, mtu) + quote
        body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
        tos = (packet.head[1] & 0x1E) | 0xC0
        ident = path.ident(source, packet.src)
        head = ipv4_header(source, packet.src, PROTO_ICMP, len(body), tos=tos, ident=ident)
        path.send_routed(lcore, route, packet.src, head + body, now)
        return
    body = struct.pack("!BBHI", ICMP6_TOO_BIG, 0, 0, mtu) + original[: 1280 - 48]
    path.send_routed(lcore, route, packet.src, icmp6(source, packet.src, body), now)
