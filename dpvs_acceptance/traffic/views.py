"""Typed views of frames with all header fields and recomputed checksums.

A malformed part is described in ``problem`` and left as bytes. ``differences.differences`` compares
two views field by field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .frame import Frame
from .tcpoptions import Options, TcpOption
from .tcpoptions import text as options_text
from .toa import KIND, Toa, ToaError
from .toa import decode as decode_toa
from .uoa import Uoa

Checksum = Literal["correct", "wrong", "absent", "pending"]
"""absent: 0 in UDP over IPv4. pending: an outgoing frame whose NIC fills it in."""

FLAGS = "FSRPAUEC"
DONT_FRAGMENT = 2


@dataclass(frozen=True, slots=True)
class VlanTag:
    """One VLAN tag: TPID, priority, DEI, VLAN id."""

    tpid: int
    priority: int
    dei: int
    vid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """Ethernet. ``padding``: bytes after the packet up to the end of the frame."""

    mac_dst: str
    mac_src: str
    vlans: tuple[VlanTag, ...]
    ethertype: int
    padding: bytes = field(default=b"", compare=False)
    problem: str = ""
    frame: Frame = field(repr=False, compare=False)

    @property
    def vlan(self) -> int | None:
        """The outer VLAN id."""
        return self.vlans[0].vid if self.vlans else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpView(LinkView):
    operation: int  # 1 request, 2 reply
    sender_mac: str
    sender_ip: str
    target_mac: str
    target_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """The outer IP header of a tunnel packet (IPIP, IPv6 in IPv6, IPv6 in IPv4, GRE).

    protocol: 4, 41 or 47. length: of the whole packet with outer header, from the header.
    between: bytes between outer header and inner packet: the GRE header.
    """

    version: int
    src: str
    dst: str
    tos: int
    flow_label: int | None
    length: int
    ip_id: int | None
    ip_flags: int | None
    ttl: int
    protocol: int
    options: bytes
    checksum: Checksum | None
    between: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpView(LinkView):
    """IPv4 or IPv6 with their common fields; also the view of an unknown upper layer.

    tos: TOS byte, or IPv6's traffic class. ip_id, ip_flags (bit 1 DF, bit 0 MF): IPv4 only.
    ip_length: bytes of the whole packet, from the header. ip_options: IPv4 options; for IPv6 the
    first next-header byte and the extension headers, if any. protocol: of the upper layer, after
    extension headers (UOA: 248). outer: the outer header of a tunnel packet; all other fields are
    then of the inner packet.
    """

    version: int
    src: str
    dst: str
    tos: int
    flow_label: int | None
    ip_length: int
    ip_id: int | None
    ip_flags: int | None
    fragment_offset: int
    ttl: int
    protocol: int
    ip_options: bytes
    ip_checksum: Checksum | None
    ip_payload: bytes = field(repr=False, compare=False)
    outer: Outer | None = None

    @property
    def dont_fragment(self) -> bool:
        return self.ip_flags is not None and bool(self.ip_flags & DONT_FRAGMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpView(IpView):
    """flags: letters in the order FSRPAUEC. reserved: the four bits after the data offset."""

    sport: int
    dport: int
    seq: int
    ack: int
    data_offset: int
    reserved: int
    flags: str
    window: int
    urgent: int
    options: Options
    options_left: bytes
    payload: bytes
    checksum: Checksum
    checksum_seen: int = field(compare=False)
    checksum_right: int = field(compare=False)

    def has(self, flags: str) -> bool:
        """Whether all these flags are set."""
        return all(flag in self.flags for flag in flags)

    @property
    def handshake(self) -> bool:
        """SYN without ACK."""
        return "S" in self.flags and "A" not in self.flags

    def option(self, kind: int) -> TcpOption | None:
        return next((one for one in self.options if one.kind == kind), None)

    @property
    def mss(self) -> int | None:
        option = self.option(2)
        return int.from_bytes(option.data, "big") if option and len(option.data) == 2 else None

    def toa(self) -> Toa | None:
        """The TOA option with its position; raises ToaError if malformed or duplicate."""
        found = [
            decode_toa(option.encode(), position)
            for position, option in enumerate(self.options)
            if option.kind == KIND
        ]
        if len(found) > 1:
            raise ToaError(f"{len(found)} TOA options on one packet: {options_text(self.options)}")
        return found[0] if found else None

    @property
    def sequence_length(self) -> int:
        """Length of this segment in sequence numbers."""
        return len(self.payload) + ("S" in self.flags) + ("F" in self.flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpView(IpView):
    """uoa: in either mode. udp_length: from the header."""

    sport: int
    dport: int
    udp_length: int
    uoa: Uoa | None
    payload: bytes
    checksum: Checksum
    checksum_seen: int = field(compare=False)
    checksum_right: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpView(IpView):
    """ICMP or ICMPv6. identifier and sequence: of echoes. ``rest``: header bytes 4 to 7."""

    icmp_type: int
    code: int
    rest: bytes
    payload: bytes
    checksum: Checksum
    checksum_seen: int = field(compare=False)
    checksum_right: int = field(compare=False)

    @property
    def identifier(self) -> int:
        return int.from_bytes(self.rest[:2], "big")

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.rest[2:], "big")

    @property
    def is_request(self) -> bool:
        return self.icmp_type == (8 if self.version == 4 else 128)

    @property
    def is_reply(self) -> bool:
        return self.icmp_type == (0 if self.version == 4 else 129)


View = LinkView | ArpView | IpView | TcpView | UdpView | IcmpView


def describe(view: View) -> str:
    """The frame as one line of text."""
    arrow = "out" if view.frame.outgoing else "in "
    text = f"{arrow} {view.mac_src} > {view.mac_dst}"
    if view.vlans:
        text += " vlan " + ",".join(str(tag.vid) for tag in view.vlans)
    if isinstance(view, IpView) and view.outer:
        text += f" in {view.outer.src} > {view.outer.dst} ttl {view.outer.ttl}:"
    if isinstance(view, ArpView):
        what = {1: "who has", 2: "reply"}.get(view.operation, f"ARP {view.operation}")
        text += f" ARP {what}: {view.sender_ip} ({view.sender_mac}) to {view.target_ip}"
    elif isinstance(view, TcpView):
        text += (
            f" {_end(view.src, view.sport)} > {_end(view.dst, view.dport)} [{view.flags}] "
            f"seq {view.seq} ack {view.ack} win {view.window} ttl {view.ttl} "
            f"options {options_text(view.options)}, {len(view.payload)} bytes, "
            f"checksum {view.checksum}"
        )
    elif isinstance(view, UdpView):
        carried = f" {view.uoa}," if view.uoa else ""
        text += (
            f" {_end(view.src, view.sport)} > {_end(view.dst, view.dport)} UDP,{carried} "
            f"{len(view.payload)} bytes, checksum {view.checksum}"
        )
    elif isinstance(view, IcmpView):
        text += (
            f" {view.src} > {view.dst} ICMP type {view.icmp_type} code {view.code} id "
            f"{view.identifier} seq {view.sequence}, checksum {view.checksum}"
        )
    elif isinstance(view, IpView):
        text += f" {view.src} > {view.dst} protocol {view.protocol}, {view.ip_length} bytes"
    else:
        text += f" ethertype {view.ethertype:#06x}, {len(view.frame.data)} bytes"
    return text + (f" ({view.problem})" if view.problem else "")


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
