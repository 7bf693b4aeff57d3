"""What the device does as a host of its links: ARP, neighbour discovery, echo (src/neigh.c,
src/ipv6/ndisc.c, src/icmp.c)."""

from __future__ import annotations

import struct

from softlab.packet import (
    ANY6,
    ARP_REPLY,
    ARP_REQUEST,
    ICMP6_ECHO,
    ICMP6_ECHO_REPLY,
    ICMP6_NA,
    ICMP6_NS,
    ICMP_ECHO,
    PROTO_ICMP,
    arp,
    checksum,
    ethernet,
    icmp6,
    ipv4_header,
    parse_arp,
    transport_checksum,
)
from softlab.simulated.routes import NET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.core import DataPath
    from softlab.simulated.fullnat import Packet

ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
ALL_ROUTERS = bytes.fromhex("ff020000000000000000000000000002")

_SOURCE_LINK = 1
_TARGET_LINK = 2
_SOLICITED = 0x40000000
_OVERRIDE = 0x20000000


def arp_received(path: DataPath, frame: bytes, port: int, now: float) -> bool:
    """Answer requests for own addresses, learn from answers; True when the kni wants it too."""
    parsed = parse_arp(frame)
    if parsed is None:
        return True
    op, sha, spa, _, tpa = parsed
    if not path.addresses.is_local(port, tpa):
        return True
    own = path.ports[port].hardware
    if op == ARP_REQUEST:
        # The device turns the request around in its own buffer, padding included.
        answer = arp(ARP_REPLY, frame[6:12], own, tpa, sha, spa) + frame[42:]
        path.send(path.workers[0], port, answer)
        return False
    if op != ARP_REPLY:
        return False
    for lcore in path.workers:
        learned(path, lcore, port, spa, sha, now)
    return True


def learned(
    path: DataPath, lcore: int, port: int, addr: bytes, hardware: bytes, now: float
) -> None:
    """A neighbour is known now: what waited for it goes out."""
    for packet in path.neighbours[lcore].learn(port, addr, hardware, now):
        path.send(lcore, port, ethernet(hardware, path.ports[port].hardware, packet))


def _option(body: bytes, kind: int) -> bytes:
    """The link-layer address in a neighbour discovery option, empty when it is not there."""
    at = 24
    while at + 8 <= len(body):
        length = body[at + 1] * 8
        if length == 0:
            break
        if body[at] == kind and length == 8:
            return body[at + 2 : at + 8]
        at += length
    return b""


def _valid_nd(packet: Packet) -> bool:
    return (
        len(packet.body) >= 24
        and packet.head[7] == 255
        and transport_checksum(packet.src, packet.dst, 58, packet.body) == 0
    )


def nd_received(path: DataPath, lcore: int, packet: Packet, port: int, now: float) -> bool:
    """Neighbour solicitations and advertisements; always for the kni as well."""
    if not _valid_nd(packet):
        return True
    target = packet.body[8:24]
    local = path.addresses.is_local(port, target)
    if packet.body[0] == ICMP6_NS:
        hardware = _option(packet.body, _SOURCE_LINK)
        if not local:
            return True
        # The device ignores a solicitation that does not say whose it is, so also that of a host
        # that looks for a duplicate of its address.
        if not hardware or packet.src == ANY6:
            return True
        for each in path.workers:
            learned(path, each, port, packet.src, hardware, now)
        multicast = packet.dst[0] == 0xFF
        flags = _SOLICITED | (_OVERRIDE if multicast else 0)
        link = path.ports[port].hardware if multicast else b""
        _send_na(path, lcore, port, target, packet.src, link, flags=flags, now=now)
        return True
    hardware = _option(packet.body, _TARGET_LINK)
    if hardware and not local:
        for each in path.workers:
            learned(path, each, port, target, hardware, now)
    return True


def _send_na(
    path: DataPath,
    lcore: int,
    port: int,
    target: bytes,
    dst: bytes,
    link: bytes,
    *,
    flags: int,
    now: float,
) -> None:
    body = struct.pack("!BBHI", ICMP6_NA, 0, 0, flags) + target
    if dst == ALL_NODES:
        link = path.ports[port].hardware
    if link:
        body += bytes([_TARGET_LINK, 1]) + link
    path.send_to(lcore, port, dst, icmp6(target, dst, body, hops=255), now)


def echo_received(path: DataPath, lcore: int, packet: Packet, port: int, now: float) -> bool:
    """Answer an echo request to an own address; True when it is something for the kni."""
    body = packet.body
    if len(body) < 8:
        return False
    if packet.family == 4:
        if body[0] != ICMP_ECHO:
            return True
        if checksum(body):
            return False
        route = path.routes4.lookup_out(packet.src)
        if route is None or route.kind != NET:
            return False
        answer = bytes([0]) + body[1:2] + b"\x00\x00" + body[4:]
        answer = answer[:2] + checksum(answer).to_bytes(2, "big") + answer[4:]
        head = ipv4_header(
            packet.dst,
            packet.src,
            PROTO_ICMP,
            len(answer),
            ttl=path.settings.default_ttl,
            tos=packet.head[1],
            ident=path.ident(packet.dst, packet.src),
        )
        path.send_routed(lcore, route, packet.src, head + answer, now)
        return False
    if body[0] != ICMP6_ECHO:
        return True
    if transport_checksum(packet.src, packet.dst, 58, body):
        return False
    route = path.routes6.lookup(packet.src, port)
    if route is None or route.kind != NET:
        return False
    # An echo to a multicast group is answered from the address of the port.
    source = packet.dst
    if source[0] == 0xFF:
        source = path.addresses.source_for(route.port, packet.src)
    answer = bytes([ICMP6_ECHO_REPLY, 0, 0, 0]) + body[4:]
    reply = icmp6(source, packet.src, answer, hops=path.settings.default_ttl)
    path.send_routed(lcore, route, packet.src, reply, now)
    return False
