"""Quirks of echo replies."""

from __future__ import annotations

from softlab.simulated import packet
from softlab.simulated.mangling.often import doubled, lost
from softlab.simulated.mangling.seen import flipped, octet, with_body, with_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.mangling.seen import Leaving, Seen


def _echo(change: Callable[[bytes], bytes], family: int = 4) -> Callable[[Seen], list[bytes]]:
    """A quirk of an echo reply's body; its checksum is right again."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.echo_reply and seen.family == family):
            return [seen.frame]
        assert seen.packet is not None
        body = change(seen.packet.body)
        body = body[:2] + b"\0\0" + body[4:]
        total = (
            packet.checksum(body)
            if family == 4
            else packet.transport_checksum(
                seen.packet.src, seen.packet.dst, packet.PROTO_ICMPV6, body
            )
        )
        body = body[:2] + total.to_bytes(2, "big") + body[4:]
        return [with_body(seen, seen.packet.proto, body)]

    return leaving


def _echo_checksum(seen: Seen) -> list[bytes]:
    return [flipped(seen, 2)] if seen.echo_reply else [seen.frame]


def _echo_from_lip(seen: Seen) -> list[bytes]:
    if not (seen.echo_reply and seen.family == 4):
        return [seen.frame]
    lip = next(lip for lip in seen.path.addresses.lips if len(lip) == 4)
    return [with_ip(seen, lambda head: head[:12] + lip + head[16:])]


LEAVING: dict[str, Leaving] = {
    "icmp.checksum": _echo_checksum,
    "icmp.payload": _echo(lambda body: octet(body, len(body) - 1, lambda v: v ^ 1)),
    "icmp.short": _echo(lambda body: body[:32]),
    "icmp.sequence": _echo(lambda body: octet(body, 7, lambda v: v + 64)),
    "icmp.source": _echo_from_lip,
    "icmp.lost": lost("echo", 7, lambda seen: seen.echo_reply),
    "icmp.doubled": doubled(lambda seen: seen.echo_reply),
    "icmp6.silent": lambda seen: [] if seen.echo_reply and seen.family == 16 else [seen.frame],
}
