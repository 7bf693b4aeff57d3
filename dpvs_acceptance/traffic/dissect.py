"""Bytes to views. Lengths are taken from the bytes; checksums are verified as a receiver does."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from typing import Any

from . import tcpoptions, uoa
from .agent.wire import internet_checksum, mac_text
from .frame import Frame
from .views import (
    FLAGS,
    ArpView,
    Checksum,
    IcmpView,
    IpView,
    LinkView,
    Outer,
    TcpView,
    UdpView,
    View,
    VlanTag,
)

_VLAN_TYPES = (0x8100, 0x88A8)
_EXTENSIONS = (0, 43, 60)
_ICMP = (1, 58)
_GRE = 47
# Bytes between the outer IP header and the inner packet: none, or a GRE header for IPv4 without
# options (RFC 2784).
_TUNNELS = {4: b"", 41: b"", _GRE: b"\x00\x00\x08\x00"}


def dissect(frame: Frame | bytes) -> View:
    """The most specific view of a frame; never raises on malformed bytes (see ``problem``)."""
    if not isinstance(frame, Frame):
        frame = Frame(frame, length=len(frame))
    data = frame.data
    common: dict[str, Any] = {"mac_dst": "", "mac_src": "", "vlans": (), "ethertype": -1}
    if len(data) < 14:
        return LinkView(
            **common, frame=frame, problem=f"{len(data)} bytes are too short for a frame"
        )
    at, vlans = 12, []
    (ethertype,) = struct.unpack_from("!H", data, at)
    while ethertype in _VLAN_TYPES and len(data) >= at + 6:
        tci, following = struct.unpack_from("!HH", data, at + 2)
        vlans.append(VlanTag(ethertype, tci >> 13, tci >> 12 & 1, tci & 0xFFF))
        ethertype, at = following, at + 4
    common = {
        "mac_dst": mac_text(data[:6]),
        "mac_src": mac_text(data[6:12]),
        "vlans": tuple(vlans),
        "ethertype": ethertype,
        "frame": frame,
    }
    body = data[at + 2 :]
    if ethertype == 0x0806 and len(body) >= 28 and body[:6] == bytes.fromhex("000108000604"):
        return _arp(common, body)
    if ethertype == 0x0800:
        return _ipv4(common, body)
    if ethertype == 0x86DD:
        return _ipv6(common, body)
    return LinkView(**common)


def _arp(common: dict[str, Any], body: bytes) -> ArpView:
    return ArpView(
        **common,
        operation=int.from_bytes(body[6:8], "big"),
        sender_mac=mac_text(body[8:14]),
        sender_ip=socket.inet_ntop(socket.AF_INET, body[14:18]),
        target_mac=mac_text(body[18:24]),
        target_ip=socket.inet_ntop(socket.AF_INET, body[24:28]),
        padding=body[28:],
    )


def _ipv4(common: dict[str, Any], body: bytes) -> View:
    header = (body[0] & 15) * 4 if body else 0
    if len(body) < 20 or body[0] >> 4 != 4 or not 20 <= header <= len(body):
        return _no_header(common, "IPv4")
    _, tos, length, ident, fragment, ttl, protocol, _ = struct.unpack_from("!BBHHHBBH", body)
    end = length or len(body)
    common |= {
        "version": 4,
        "src": socket.inet_ntop(socket.AF_INET, body[12:16]),
        "dst": socket.inet_ntop(socket.AF_INET, body[16:20]),
        "tos": tos,
        "flow_label": None,
        "ip_length": length,
        "ip_id": ident,
        "ip_flags": fragment >> 13,
        "fragment_offset": (fragment & 0x1FFF) * 8,
        "ttl": ttl,
        "protocol": protocol,
        "ip_options": body[20:header],
        "ip_checksum": "correct" if internet_checksum(body[:header]) == 0 else "wrong",
        "ip_payload": body[header:end],
        "padding": body[end:],
    }
    if not header <= end <= len(body):
        common["problem"] = f"IPv4 length {length}, but {len(body)} bytes captured"
        return IpView(**common)
    pseudo = body[12:20]
    if fragment & 0x1FFF:
        return IpView(**common)
    return _upper(common, pseudo, bool(fragment & 0x2000))


def _no_header(common: dict[str, Any], family: str) -> LinkView:
    link = {name: value for name, value in common.items() if name != "outer"}
    return LinkView(**link, problem=f"no valid {family} header")


def _ipv6(common: dict[str, Any], body: bytes) -> View:
    if len(body) < 40 or body[0] >> 4 != 6:
        return _no_header(common, "IPv6")
    word, length, protocol, hops = struct.unpack_from("!IHBB", body)
    end = 40 + length
    at, offset, fragmented = 40, 0, False
    while protocol in (*_EXTENSIONS, 44) and len(body) >= at + 8:
        if protocol == 44:
            offset, fragmented = int.from_bytes(body[at + 2 : at + 4], "big"), True
        following = at + (8 if protocol == 44 else (body[at + 1] + 1) * 8)
        protocol, at = body[at], following
        if offset & 0xFFF8:
            break
    common |= {
        "version": 6,
        "src": socket.inet_ntop(socket.AF_INET6, body[8:24]),
        "dst": socket.inet_ntop(socket.AF_INET6, body[24:40]),
        "tos": word >> 20 & 0xFF,
        "flow_label": word & 0xFFFFF,
        "ip_length": end,
        "ip_id": None,
        "ip_flags": None,
        "fragment_offset": offset & 0xFFF8,
        "ttl": hops,
        "protocol": protocol,
        "ip_options": body[6:7] + body[40:at] if at > 40 else b"",
        "ip_checksum": None,
        "ip_payload": body[at:end],
        "padding": body[end:],
    }
    if not at <= end <= len(body):
        common["problem"] = f"IPv6 length {end}, but {len(body)} bytes captured"
        return IpView(**common)
    if offset & 0xFFF8:
        return IpView(**common)
    return _upper(common, body[8:40], fragmented and bool(offset & 1))


def _upper(common: dict[str, Any], pseudo: bytes, fragmented: bool) -> View:
    """pseudo: source and destination address, the start of the pseudo header."""
    protocol, data = common["protocol"], common["ip_payload"]
    between = _TUNNELS.get(protocol)
    carries = between is not None and data.startswith(between) and not fragmented
    if between is not None and carries and "outer" not in common:
        return _inner(common, data, between)
    carried: uoa.Uoa | None = None
    try:
        if protocol == uoa.PROTOCOL:
            carried, protocol, data = uoa.decode_opp(data)
        elif protocol == socket.IPPROTO_UDP and common["version"] == 4:
            carried = uoa.decode_ipo(common["ip_options"])
    except uoa.UoaError as error:
        common["problem"] = str(error)
        if protocol == uoa.PROTOCOL:
            return IpView(**common)
    if protocol == socket.IPPROTO_TCP and len(data) >= 20:
        return _tcp(common, pseudo, data, fragmented)
    if protocol == socket.IPPROTO_UDP and len(data) >= 8:
        return _udp(common, pseudo, data, carried, fragmented)
    if protocol in _ICMP and len(data) >= 8:
        return _icmp(common, pseudo, data, fragmented)
    if protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP, *_ICMP):
        common["problem"] = f"{len(data)} bytes are too short for a header of protocol {protocol}"
    return IpView(**common)


def _inner(common: dict[str, Any], data: bytes, between: bytes) -> View:
    """The packet inside a tunnel, with the tunnel's header as ``outer``; one level deep."""
    outer = Outer(
        version=common["version"],
        src=common["src"],
        dst=common["dst"],
        tos=common["tos"],
        flow_label=common["flow_label"],
        length=common["ip_length"],
        ip_id=common["ip_id"],
        ip_flags=common["ip_flags"],
        ttl=common["ttl"],
        protocol=common["protocol"],
        options=common["ip_options"],
        checksum=common["ip_checksum"],
        between=between,
    )
    data = data[len(between) :]
    kept = ("mac_dst", "mac_src", "vlans", "ethertype", "frame")
    inside = {name: common[name] for name in kept} | {"outer": outer}
    view = _ipv6(inside, data) if common["protocol"] == 41 else _ipv4(inside, data)
    if not isinstance(view, IpView):
        return IpView(**common, problem=view.problem)
    return replace(view, padding=view.padding + common["padding"])


def _sum(
    common: dict[str, Any], pseudo: bytes, protocol: int, data: bytes, at: int, fragmented: bool
) -> tuple[Checksum, int, int]:
    """(state, seen, right) of the 16-bit checksum at ``at`` of an L4 segment.

    Verified as by a receiver: the sum over everything, checksum included, is zero in one's
    complement. So 0x0000 and 0xffff are the same, except in UDP, where 0x0000 means that there is
    no checksum: allowed over IPv4 (RFC 768), not over IPv6 (RFC 8200, 8.1).
    """
    seen = int.from_bytes(data[at : at + 2], "big")
    if fragmented:  # the checksum covers the whole datagram, of which this is a part
        return "pending", seen, seen
    if protocol != socket.IPPROTO_ICMP:  # ICMP over IPv4 has no pseudo header
        pseudo += struct.pack("!II", len(data), protocol)
    else:
        pseudo = b""
    right = internet_checksum(pseudo + data[:at] + b"\0\0" + data[at + 2 :])
    if protocol == socket.IPPROTO_UDP:
        right = right or 0xFFFF
        if seen == 0:
            return ("absent" if common["version"] == 4 else "wrong"), seen, right
    if common["frame"].checksum_pending:
        return "pending", seen, right
    return ("correct" if internet_checksum(pseudo + data) == 0 else "wrong"), seen, right


def _tcp(common: dict[str, Any], pseudo: bytes, data: bytes, fragmented: bool) -> View:
    sport, dport, seq, ack, offset, flags, window, _, urgent = struct.unpack_from(
        "!HHIIBBHHH", data
    )
    header = (offset >> 4) * 4
    if not 20 <= header <= len(data):
        common["problem"] = f"TCP data offset {offset >> 4} in {len(data)} bytes"
        return IpView(**common)
    options, left = tcpoptions.decode(data[20:header])
    if tcpoptions.broken(options, left):
        common["problem"] = f"TCP option with an invalid length: {left.hex(' ')}"
    state, seen, right = _sum(common, pseudo, socket.IPPROTO_TCP, data, 16, fragmented)
    return TcpView(
        **common,
        sport=sport,
        dport=dport,
        seq=seq,
        ack=ack,
        data_offset=offset >> 4,
        reserved=offset & 15,
        flags="".join(letter for bit, letter in enumerate(FLAGS) if flags >> bit & 1),
        window=window,
        urgent=urgent,
        options=options,
        options_left=left,
        payload=data[header:],
        checksum=state,
        checksum_seen=seen,
        checksum_right=right,
    )


def _udp(
    common: dict[str, Any], pseudo: bytes, data: bytes, carried: uoa.Uoa | None, fragmented: bool
) -> View:
    sport, dport, length, _ = struct.unpack_from("!HHHH", data)
    if not fragmented and length != len(data):
        common["problem"] = f"UDP length {length}, but {len(data)} bytes captured"
    state, seen, right = _sum(common, pseudo, socket.IPPROTO_UDP, data, 6, fragmented)
    return UdpView(
        **common,
        sport=sport,
        dport=dport,
        udp_length=length,
        uoa=carried,
        payload=data[8:],
        checksum=state,
        checksum_seen=seen,
        checksum_right=right,
    )


def _icmp(common: dict[str, Any], pseudo: bytes, data: bytes, fragmented: bool) -> View:
    state, seen, right = _sum(common, pseudo, common["protocol"], data, 2, fragmented)
    return IcmpView(
        **common,
        icmp_type=data[0],
        code=data[1],
        rest=data[4:8],
        payload=data[8:],
        checksum=state,
        checksum_seen=seen,
        checksum_right=right,
    )
