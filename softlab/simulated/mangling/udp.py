"""Quirks of UDP, and of the header that carries the client's address."""

from __future__ import annotations

from softlab.simulated import packet
from softlab.simulated.fullnat import Packet
from softlab.simulated.mangling.often import doubled, lost
from softlab.simulated.mangling.seen import checksum, octet, with_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.mangling.seen import Leaving, Seen


def _uoa(change: Callable[[Packet], tuple[int, bytes]]) -> Callable[[Seen], list[bytes]]:
    """A quirk of a datagram in UOA's private protocol: it becomes (protocol, body)."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.to_rs and seen.is_proto(packet.PROTO_OPT)) or seen.packet is None:
            return [seen.frame]
        proto, body = change(seen.packet)
        return [with_body(seen, proto, body)]

    return leaving


def _bare(seen: Packet) -> tuple[int, bytes]:
    """The datagram without its private header, its checksum made."""
    size = int.from_bytes(seen.body[2:4], "big")
    udp = seen.body[size:]
    udp = udp[:6] + b"\0\0" + udp[8:]
    total = packet.transport_checksum(seen.src, seen.dst, packet.PROTO_UDP, udp) or 0xFFFF
    return packet.PROTO_UDP, udp[:6] + total.to_bytes(2, "big") + udp[8:]


def _uoa_first_only(seen: Seen) -> list[bytes]:
    if not (seen.to_rs and seen.is_proto(packet.PROTO_OPT)) or seen.packet is None:
        return [seen.frame]
    size = int.from_bytes(seen.packet.body[2:4], "big")
    key = ("uoa", seen.packet.src, seen.packet.body[size : size + 4])
    counts = seen.path.quirks.counts
    counts[key] = counts.get(key, 0) + 1
    return [seen.frame] if counts[key] == 1 else [with_body(seen, *_bare(seen.packet))]


_LAST_UOA: dict[bytes, bytes] = {}


def _uoa_on_all(seen: Seen) -> list[bytes]:
    if not seen.to_rs or seen.packet is None:
        return [seen.frame]
    body = seen.packet.body
    if seen.packet.proto == packet.PROTO_OPT:
        size = int.from_bytes(body[2:4], "big")
        _LAST_UOA[seen.packet.src + body[size : size + 4]] = body[:size]
    elif seen.packet.proto == packet.PROTO_UDP:
        header = _LAST_UOA.get(seen.packet.src + body[:4])
        if header:
            bare = body[:6] + b"\0\0" + body[8:]
            return [with_body(seen, packet.PROTO_OPT, header + bare)]
    return [seen.frame]


def _udp_port(seen: Seen) -> list[bytes]:
    """Answers come from the port after the service's."""
    if not (seen.to_client and seen.is_proto(packet.PROTO_UDP)) or seen.packet is None:
        return [seen.frame]
    sport = (int.from_bytes(seen.packet.body[:2], "big") + 1).to_bytes(2, "big")
    body = sport + seen.packet.body[2:6] + b"\0\0" + seen.packet.body[8:]
    total = packet.transport_checksum(seen.packet.src, seen.packet.dst, packet.PROTO_UDP, body)
    return [with_body(seen, packet.PROTO_UDP, body[:6] + total.to_bytes(2, "big") + body[8:])]


LEAVING: dict[str, Leaving] = {
    "udp.checksum": checksum(packet.PROTO_UDP, 6, to_rs=False),
    "udp.port": _udp_port,
    "udp.doubled": doubled(lambda seen: seen.to_client and seen.is_proto(packet.PROTO_UDP)),
    "udp.lost": lost("udp", 4, lambda seen: seen.to_rs and seen.is_proto(17, 248)),
    "uoa.address": _uoa(lambda p: (p.proto, octet(p.body, 11, lambda v: v ^ 1))),
    "uoa.port": _uoa(lambda p: (p.proto, octet(p.body, 7, lambda v: v ^ 1))),
    "uoa.length": _uoa(lambda p: (p.proto, octet(p.body, 5, lambda v: v + 12))),
    "uoa.inner": _uoa(lambda p: (p.proto, octet(p.body, 1, lambda _: packet.PROTO_TCP))),
    "uoa.first-only": _uoa_first_only,
    "uoa.on-all": _uoa_on_all,
}
