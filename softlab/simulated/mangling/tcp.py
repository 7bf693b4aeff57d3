"""Quirks of other fields of TCP, and of what it carries."""

from __future__ import annotations

from softlab.simulated import packet, tcpopts
from softlab.simulated.mangling.often import doubled, held, lost
from softlab.simulated.mangling.seen import (
    always,
    carries,
    checksum,
    edited,
    is_pure_ack,
    is_syn,
    split_options,
)
from softlab.simulated.tcpstates import ACK, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.mangling.seen import Header, Leaving, Seen

PSH = 0x08


def _field(
    at: int, change: Callable[[int], int], *, to_rs: bool, when: Callable[[Seen], bool]
) -> Callable[[Seen], list[bytes]]:
    """A quirk of a field of the TCP header, see fullnat._tcp for the places."""

    def leaving(seen: Seen) -> list[bytes]:
        if not seen.tcp or not (seen.to_rs if to_rs else seen.to_client) or not when(seen):
            return [seen.frame]

        def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
            h = list(h)
            h[at] = change(h[at])
            return h, o, p

        return edited(seen, edit)

    return leaving


def _syn_option(kind: int, instead: Callable[[bytes], bytes]) -> Callable[[Seen], list[bytes]]:
    """A quirk of one option of the SYN towards the RS."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.to_rs and seen.flags & (SYN | ACK) == SYN):
            return [seen.frame]

        def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
            return h, b"".join(instead(r) if k == kind else r for k, r in split_options(o)), p

        return edited(seen, edit)

    return leaving


def _timestamp_kept(seen: Seen) -> list[bytes]:
    """The ten NOPs that the client's timestamp was blanked with become one again."""
    if not (seen.to_rs and seen.flags & (SYN | ACK) == SYN):
        return [seen.frame]
    stamp = bytes([tcpopts.TIMESTAMP, 10]) + b"\0\x01\0\x01" + bytes(4)
    return edited(seen, lambda h, o, p: (h, o.replace(b"\x01" * 10, stamp, 1), p))


def _payload(to_rs: bool) -> Callable[[Seen], list[bytes]]:
    """The last octet of what is carried is another one; all checksums are right."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.to_rs if to_rs else seen.to_client) or not seen.payload:
            return [seen.frame]
        return edited(seen, lambda h, o, p: (h, o, p[:-2] + bytes([p[-2] ^ 1]) + p[-1:]))

    return leaving


def _to_last_server(seen: Seen) -> bool:
    """To one real server of a service, always the same."""
    if not (seen.tcp and seen.to_rs) or seen.packet is None:
        return False
    servers = [dest.addr for service in seen.path.services.all() for dest in service.dests]
    return seen.packet.dst == max(one for one in servers if len(one) == seen.family)


LEAVING: dict[str, Leaving] = {
    "tcp.checksum-rs": checksum(packet.PROTO_TCP, 16, to_rs=True),
    "tcp.checksum-client": checksum(packet.PROTO_TCP, 16, to_rs=False),
    "tcp.seq-off": _field(2, lambda v: (v + 1) & 0xFFFFFFFF, to_rs=True, when=carries),
    "tcp.ack-off": _field(3, lambda v: (v + 1) & 0xFFFFFFFF, to_rs=False, when=carries),
    "tcp.window": _field(5, lambda v: v >> 1, to_rs=False, when=always),
    "tcp.push": _field(4, lambda v: v & ~PSH, to_rs=True, when=carries),
    "tcp.ecn": _field(4, lambda v: v | 0x40, to_rs=True, when=is_pure_ack),
    "tcp.port": _field(0, lambda v: v + 1, to_rs=False, when=always),
    "tcp.timestamp": _timestamp_kept,
    "tcp.window-scale": _syn_option(3, lambda o: b"\x01" * len(o)),
    "tcp.sack-permitted": _syn_option(4, lambda o: b"\x01" * len(o)),
    "tcp.mss-raised": _syn_option(2, lambda o: o[:2] + b"\x23\x28"),
    "tcp.payload-rs": _payload(to_rs=True),
    "tcp.payload-client": _payload(to_rs=False),
    "tcp.doubled": doubled(lambda seen: seen.to_rs and bool(seen.payload)),
    "tcp.slow": held(_to_last_server),
    "tcp.lost-syn": lost("syn", 15, is_syn),
    "tcp.lost-ack": lost("ack", 5, is_pure_ack),
    "tcp.lost-answer": lost("answer", 4, lambda seen: seen.to_client and bool(seen.payload)),
}
