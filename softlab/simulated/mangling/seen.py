"""A frame on its way out, taken apart for the quirks, and ways to put it together again."""

from __future__ import annotations

from softlab.simulated import fullnat, packet, tcpopts
from softlab.simulated.tcpstates import ACK, FIN, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.core import DataPath

    Options = list[tuple[int, bytes]]
    Header = list[int]
    Edit = Callable[[Header, bytes, bytes], tuple[Header, bytes, bytes] | None]
    Leaving = Callable[["Seen"], list[bytes]]
    When = Callable[["Seen"], bool]

STRANGER = bytes.fromhex("02bad0bad0ba")


class Seen:
    """A frame on its way out, taken apart as far as the quirks ask."""

    def __init__(self, path: DataPath, port: int, frame: bytes) -> None:
        self.path = path
        self.port = port
        self.frame = frame
        self.packet = ip_packet(frame)
        lips = path.addresses.lips
        self.to_rs: bool = self.packet is not None and self.packet.src in lips
        virtual = {service.addr for service in path.services.all()}
        self.to_client: bool = self.packet is not None and self.packet.src in virtual

    def is_proto(self, *protos: int) -> bool:
        return self.packet is not None and self.packet.proto in protos

    @property
    def tcp(self) -> bool:
        return self.is_proto(packet.PROTO_TCP)

    @property
    def flags(self) -> int:
        return fullnat.tcp_flags(self.packet.body) & 0x3F if self.packet and self.tcp else 0

    @property
    def family(self) -> int:
        return self.packet.family if self.packet else 0

    @property
    def echo_reply(self) -> bool:
        """An answer to a ping, of either family."""
        return (
            self.packet is not None
            and self.packet.proto in (packet.PROTO_ICMP, packet.PROTO_ICMPV6)
            and self.packet.body[:1] in (bytes([packet.ICMP_ECHO_REPLY]), b"\x81")
        )

    @property
    def payload(self) -> bytes:
        taken = fullnat._take_tcp(self.packet.body) if self.packet and self.tcp else None
        return taken[2] if taken else b""


def ip_packet(frame: bytes) -> fullnat.Packet | None:
    """The IP packet of a frame; None where it has none, or none that can be read."""
    ip = frame[12:14] in (packet.ETH_IPV4, packet.ETH_IPV6)
    return fullnat.parse(frame[14:]) if ip else None


def with_ip(seen: Seen, change: Callable[[bytes], bytes]) -> bytes:
    """The frame with another IP header, its checksum right again."""
    assert seen.packet is not None
    head = bytearray(change(seen.packet.head))
    if seen.family == 4:
        head[10:12] = b"\0\0"
        head[10:12] = packet.checksum(bytes(head)).to_bytes(2, "big")
    return seen.frame[:14] + bytes(head) + seen.packet.body


def with_body(seen: Seen, proto: int, body: bytes, src: bytes = b"") -> bytes:
    assert seen.packet is not None
    whole = fullnat.readdress(seen.packet, src or seen.packet.src, seen.packet.dst, proto, body)
    return seen.frame[:14] + whole


def edited(seen: Seen, edit: Edit, src: bytes = b"") -> list[bytes]:
    """The frame with its TCP segment edited: lengths and checksums right again."""
    assert seen.packet is not None
    taken = fullnat._take_tcp(seen.packet.body)
    new = edit(*taken) if taken else None
    if new is None:
        return [seen.frame]
    header, options, payload = new
    if len(options) > 40:
        return [seen.frame]
    source = src or seen.packet.src
    body = fullnat._tcp(source, seen.packet.dst, header, options, payload)
    return [with_body(seen, packet.PROTO_TCP, body, source)]


def split_options(raw: bytes) -> Options:
    """TCP options one by one, NOPs too."""
    found: Options = []
    at = 0
    while at < len(raw):
        size = 1 if raw[at] in (tcpopts.NOP, tcpopts.EOL) else max(2, raw[at + 1])
        found.append((raw[at], raw[at : at + size]))
        at += size
    return found


def padded(options: Options) -> bytes:
    raw = b"".join(one for _, one in options)
    return raw + b"\x01" * (-len(raw) % 4)


def octet(raw: bytes, place: int, change: Callable[[int], int]) -> bytes:
    return raw[:place] + bytes([change(raw[place]) & 0xFF]) + raw[place + 1 :]


def flipped(seen: Seen, at: int) -> bytes:
    assert seen.packet is not None
    place = 14 + len(seen.packet.head) + at
    raw = bytearray(seen.frame)
    raw[place] ^= 0x5A
    return bytes(raw)


def checksum(proto: int, at: int, *, to_rs: bool) -> Callable[[Seen], list[bytes]]:
    """A quirk that leaves a wrong checksum at this place of the transport header."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.is_proto(proto) and (seen.to_rs if to_rs else seen.to_client)):
            return [seen.frame]
        if seen.flags & SYN:
            return [seen.frame]  # so that there is a connection to look at
        return [flipped(seen, at)]

    return leaving


def always(_seen: Seen) -> bool:
    return True


def carries(seen: Seen) -> bool:
    return bool(seen.payload)


def is_syn(seen: Seen) -> bool:
    return seen.to_rs and seen.flags & (SYN | ACK) == SYN


def is_pure_ack(seen: Seen) -> bool:
    return seen.to_rs and seen.flags & (SYN | ACK | FIN) == ACK and not seen.payload
