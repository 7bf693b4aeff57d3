"""A frame on the wire, taken apart, and put together again with lengths and checksums right."""

import struct
from typing import Final

from softlab import packet

TCP, UDP, ICMP, ICMP6, UOA = 6, 17, 1, 58, 248
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_EXTENSIONS: Final = {0, 43, 44, 60}
_CHECKSUM_AT: Final = {TCP: 16, UDP: 6, ICMP: 2, ICMP6: 2}
_HEADER: Final = struct.Struct("!HHIIHHHH")


class Frame:
    """An Ethernet frame without a VLAN tag.

    family: 4, 6 or 0. proto: of the transport header, which begins at `at` of the frame; -1 where
    there is none, as in later fragments. end: where the IP packet ends. src, dst: its addresses.
    """

    __slots__ = ("arp", "at", "dst", "end", "family", "fragment", "proto", "raw", "src")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        kind = raw[12:14]
        self.arp = packet.parse_arp(raw) if kind == packet.ETH_ARP else None
        self.family, self.proto, self.at, self.end = 0, -1, len(raw), len(raw)
        self.src = self.dst = b""
        self.fragment = False
        if kind == packet.ETH_IPV4 and len(raw) >= 34 and raw[14] >> 4 == 4:
            self._take_ipv4()
        elif kind == packet.ETH_IPV6 and len(raw) >= 54 and raw[14] >> 4 == 6:
            self._take_ipv6()

    def _take_ipv4(self) -> None:
        raw = self.raw
        size, total = (raw[14] & 0xF) * 4, int.from_bytes(raw[16:18], "big")
        if not 20 <= size <= total <= len(raw) - 14:
            return
        word = int.from_bytes(raw[20:22], "big")
        self.family, self.src, self.dst = 4, raw[26:30], raw[30:34]
        self.fragment = bool(word & 0x3FFF)
        self.at, self.end = 14 + size, 14 + total
        self.proto = -1 if word & 0x1FFF else raw[23]

    def _take_ipv6(self) -> None:
        raw = self.raw
        end = 54 + int.from_bytes(raw[18:20], "big")
        if end > len(raw):
            return
        proto, at, later = raw[20], 54, False
        while proto in _EXTENSIONS and at + 8 <= end:
            if proto == 44:
                self.fragment = True
                later = int.from_bytes(raw[at + 2 : at + 4], "big") >> 3 > 0
                proto, at = raw[at], at + 8
            else:
                proto, at = raw[at], at + (raw[at + 1] + 1) * 8
            if later:
                break
        self.family, self.src, self.dst = 6, raw[22:38], raw[38:54]
        self.at, self.end = at, end
        self.proto = -1 if later else proto

    @property
    def body(self) -> bytes:
        """The IP packet behind its header and extension headers."""
        return self.raw[self.at : self.end]

    @property
    def size(self) -> int:
        """Length of the IP packet, in octets; 0 where there is none."""
        return self.end - 14 if self.family else 0

    @property
    def transport(self) -> tuple[int, int]:
        """The protocol that is translated and where it begins: UDP behind a header of UOA."""
        if self.proto == UOA and self.end >= self.at + 16:
            size = int.from_bytes(self.raw[self.at + 2 : self.at + 4], "big")
            return UDP, self.at + size
        return self.proto, self.at

    @property
    def ports(self) -> tuple[int, int] | None:
        """Source and destination port; of an echo its identifier, twice."""
        proto, at = self.transport
        if proto in (TCP, UDP) and self.end >= at + 8:
            sport, dport = struct.unpack_from("!HH", self.raw, at)
            return sport, dport
        if proto in (ICMP, ICMP6) and self.body[:1] in (b"\0", b"\x08", b"\x80", b"\x81"):
            ident = int.from_bytes(self.raw[at + 4 : at + 6], "big")
            return ident, ident
        return None

    @property
    def flags(self) -> int:
        """The six classic flags of TCP; 0 for all else."""
        return self.raw[self.at + 13] & 0x3F if self.is_tcp else 0

    @property
    def is_tcp(self) -> bool:
        return self.proto == TCP and self.end >= self.at + 20

    @property
    def payload_at(self) -> int:
        """Where what TCP, UDP or ICMP carries begins."""
        proto, at = self.transport
        if proto == TCP and self.is_tcp:
            return min(self.end, at + (self.raw[at + 12] >> 4) * 4)
        return min(self.end, at + 8)

    @property
    def payload(self) -> bytes:
        return self.raw[self.payload_at : self.end]

    @property
    def header(self) -> list[int]:
        """TCP's: ports, seq, ack, flags with offset, window, checksum, urgent pointer."""
        return list(_HEADER.unpack_from(self.raw, self.at))

    @property
    def options(self) -> bytes:
        """TCP's."""
        return self.raw[self.at + 20 : self.payload_at] if self.is_tcp else b""

    @property
    def sound(self) -> bool:
        """Whether the transport's checksum is right; UDP over IPv4 needs none."""
        if self.proto not in _CHECKSUM_AT or self.fragment:
            return True
        if self.proto == UDP and self.body[6:8] == b"\0\0":
            return self.family == 4
        return _transport_sum(self, self.proto, self.body) == 0

    # -- with something else in it ---------------------------------------------------------------

    def segment(self, header: list[int], options: bytes, payload: bytes) -> bytes:
        """The frame with this TCP segment; its own where the options do not fit."""
        options += b"\x01" * (-len(options) % 4)
        if len(options) > 40:
            return self.raw
        control = header[4] & 0x0FFF | (20 + len(options)) // 4 << 12
        body = _HEADER.pack(*header[:4], control, *header[5:]) + options + payload
        return self.carrying(body)

    def carrying(
        self, body: bytes, *, proto: int | None = None, sound: bool | None = None
    ) -> bytes:
        """The frame with another transport header and payload, of another protocol if given.

        A checksum that was wrong stays wrong, and one that was not there stays so; sound: whether
        it was right, where the frame itself does not show that any more.
        """
        raw, proto = self.raw, self.proto if proto is None else proto
        if proto in _CHECKSUM_AT and not self.fragment:
            body = _summed(self, proto, body, self.sound if sound is None else sound)
        if self.family == 4:
            head = raw[14:16] + (self.at - 14 + len(body)).to_bytes(2, "big") + raw[18:23]
            head = with_ip_sum(head + bytes([proto]) + raw[24 : self.at])
        else:
            following = bytes([proto]) if self.at == 54 else raw[20:21]
            length = (self.at - 54 + len(body)).to_bytes(2, "big")
            head = raw[14:18] + length + following + raw[21 : self.at]
        return raw[:14] + head + body


def with_ip_sum(head: bytes) -> bytes:
    """An IPv4 header with its checksum made."""
    zero = head[:10] + b"\0\0" + head[12:]
    return head[:10] + packet.checksum(zero).to_bytes(2, "big") + head[12:]


def _transport_sum(frame: Frame, proto: int, body: bytes) -> int:
    if proto == ICMP:
        return packet.checksum(body)
    return packet.transport_checksum(frame.src, frame.dst, proto, body)


def _summed(frame: Frame, proto: int, body: bytes, sound: bool) -> bytes:
    at = _CHECKSUM_AT[proto]
    if len(body) < at + 2 or (proto == frame.proto == UDP and frame.body[6:8] == b"\0\0"):
        return body
    if proto == UDP:
        body = body[:4] + len(body).to_bytes(2, "big") + body[6:]
    total = _transport_sum(frame, proto, body[:at] + b"\0\0" + body[at + 2 :])
    if proto == UDP:
        total = total or 0xFFFF
    if proto == frame.proto and not sound:
        total ^= 0x5A5A
    return body[:at] + total.to_bytes(2, "big") + body[at + 2 :]
