"""Quirks of edge cases: what only packets show that ordinary connections never have."""

from __future__ import annotations

from softlab.simulated import packet, tcpopts
from softlab.simulated.mangling.seen import edited, padded, split_options, with_body
from softlab.simulated.tcpstates import ACK, FIN, RST, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.core import DataPath
    from softlab.simulated.mangling.instead import Arriving
    from softlab.simulated.mangling.seen import Header, Leaving, Seen
    from softlab.simulated.services import Dest

    Edited = tuple[Header, bytes, bytes] | None

_MTU = 1500
_RARE = 200
_ERRORS = (1, 2, 3, 4, 11)


def _between(seen: Seen) -> bytes:
    """The connection at the RS's side, whichever way the frame goes; the client's else."""
    assert seen.packet is not None
    source = seen.packet.src + seen.packet.body[:2]
    target = seen.packet.dst + seen.packet.body[2:4]
    return source + target if seen.to_rs else target + source


def _dropped(when: Callable[[Seen], bool]) -> Leaving:
    return lambda seen: [] if seen.tcp and when(seen) else [seen.frame]


def _noted(seen: Seen, what: str, condition: bool) -> int:
    """How often the condition was met on this connection in this direction, this time included."""
    counts = seen.path.quirks.counts
    key = (what, seen.to_rs, _between(seen))
    counts[key] = counts.get(key, 0) + condition
    return counts[key]


def _is_syn(seen: Seen) -> bool:
    return seen.to_rs and seen.flags & (SYN | ACK) == SYN


def _another_port_for_a_repeated_syn(seen: Seen) -> list[bytes]:
    if not _is_syn(seen) or _noted(seen, "syn", condition=True) < 2:
        return [seen.frame]

    def edit(h: Header, o: bytes, p: bytes) -> Edited:
        return [h[0] + 1, *h[1:]], o, p

    return edited(seen, edit)


def _syn_after_fin(seen: Seen) -> bool:
    return _noted(seen, "fin", bool(seen.flags & FIN)) > 0 and _is_syn(seen)


def _data_before_ack(seen: Seen) -> bool:
    if not seen.to_rs:
        return False
    bare = seen.flags & (SYN | ACK) == ACK and not seen.payload
    return _noted(seen, "bare", bare) == 0 and bool(seen.payload)


def _data_after_fin(seen: Seen) -> bool:
    """The direction that is still open is not served any more."""
    assert seen.packet is not None
    if not (seen.to_rs or seen.to_client):
        return False
    counts = seen.path.quirks.counts
    port = seen.packet.body[:2] if seen.to_client else seen.packet.body[2:4]
    key = ("half", port)  # the port of a check's own service is its own, at both sides
    closing = counts.get(key, 0)
    if seen.flags & FIN:
        counts[key] = closing | (1 if seen.to_rs else 2)
    elif _is_syn(seen):
        counts[key] = 0
    return bool(seen.payload) and bool(closing & (2 if seen.to_rs else 1))


def _fin_behind_fin(seen: Seen) -> bool:
    """Of two FIN in a row the second is lost."""
    assert seen.packet is not None
    counts = seen.path.quirks.counts
    port = seen.packet.body[:2] if seen.to_client else seen.packet.body[2:4]
    last, counts["fin", port] = counts.get(("fin", port), 0), int(bool(seen.flags & FIN))
    return bool(last) and bool(seen.flags & FIN)


def _field(at: int, change: Callable[[int], int]) -> Leaving:
    def leaving(seen: Seen) -> list[bytes]:
        if not seen.tcp or seen.flags & RST or not (seen.to_rs or seen.to_client):
            return [seen.frame]

        def edit(h: Header, o: bytes, p: bytes) -> Edited:
            changed = change(h[at])
            return None if changed == h[at] else ([*h[:at], changed, *h[at + 1 :]], o, p)

        return edited(seen, edit)

    return leaving


def _stamp_lost_with_room_made(seen: Seen) -> list[bytes]:
    """Where options gave way for TOA, the timestamp goes as well."""
    if not (seen.tcp and seen.to_rs):
        return [seen.frame]

    def edit(h: Header, o: bytes, p: bytes) -> Edited:
        if o[:1] != bytes([tcpopts.TOA]) or not o.endswith(b"\0"):
            return None
        kept = (b"\1" * len(raw) if kind == tcpopts.TIMESTAMP else raw for kind, raw in each(o))
        return h, b"".join(kept), p

    each = split_options
    return edited(seen, edit)


def _full_frame(seen: Seen) -> bool:
    return seen.packet is not None and len(seen.packet) >= _MTU


def _proxy_line_stripped(seen: Seen) -> list[bytes]:
    if not (seen.to_rs and seen.payload.startswith(b"PROXY ")):
        return [seen.frame]
    return edited(seen, lambda h, o, p: (h, o, p.partition(b"\r\n")[2]))


def _is_error(seen: Seen) -> bool:
    return seen.is_proto(packet.PROTO_ICMP, packet.PROTO_ICMPV6) and (
        seen.packet is not None and seen.packet.body[0] in _ERRORS
    )


def _quotation_not_moved(seen: Seen) -> list[bytes]:
    """An error to the client quotes another sequence number than the client's."""
    if not (seen.to_client and _is_error(seen)) or seen.packet is None:
        return [seen.frame]
    body = seen.packet.body
    at = 8 + (20 if seen.family == 4 else 40) + 7
    body = body[:2] + b"\0\0" + body[4:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
    total = packet.checksum(body)
    if seen.family != 4:
        ends = (seen.packet.src, seen.packet.dst)
        total = packet.transport_checksum(*ends, packet.PROTO_ICMPV6, body)
    return [with_body(seen, seen.packet.proto, body[:2] + total.to_bytes(2, "big") + body[4:])]


def _targets(seen: Seen) -> list[Dest]:
    """The real servers of any service that this frame towards one may be meant for."""
    assert seen.packet is not None
    end = (seen.packet.dst, int.from_bytes(seen.packet.body[2:4], "big"))
    services = seen.path.services.all()
    return [dest for one in services for dest in one.dests if (dest.addr, dest.port) == end]


def _to_a_drained_server(seen: Seen) -> bool:
    return seen.to_rs and any(dest.weight == 0 for dest in _targets(seen))


def _to_a_removed_server(seen: Seen) -> bool:
    return seen.to_rs and not _targets(seen)


def _rarely_another_octet(seen: Seen) -> list[bytes]:
    if not (seen.to_client and seen.payload and seen.path.quirks.nth("rare", _RARE)):
        return [seen.frame]
    return edited(seen, lambda h, o, p: (h, o, p[:-1] + bytes([p[-1] ^ 1])))


def _forged_first(seen: Seen) -> list[bytes]:
    """Of two TOA options the device's own comes second."""

    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes] | None:
        each = split_options(o)
        places = [at for at, (kind, _) in enumerate(each) if kind == tcpopts.TOA]
        if len(places) < 2:
            return None
        own, forged = places[:2]
        each[own], each[forged] = each[forged], each[own]
        return h, padded(each), p

    return edited(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


LEAVING: dict[str, Leaving] = {
    "edge.forged-first": _forged_first,
    "edge.syn-again": _another_port_for_a_repeated_syn,
    "edge.syn-after-fin": _dropped(_syn_after_fin),
    "edge.data-first": _dropped(_data_before_ack),
    "edge.wrap": _field(3, lambda ack: ack + 1 if 0 < ack < 4096 else ack),
    "edge.reset-lost": _dropped(lambda seen: bool(seen.flags & RST)),
    "edge.half-closed": _dropped(_data_after_fin),
    "edge.second-fin": _dropped(_fin_behind_fin),
    "edge.window-opened": _field(5, lambda window: window or 512),
    "edge.reserved": _field(4, lambda control: control & ~0x0F00),
    "edge.stamp": _stamp_lost_with_room_made,
    "edge.full-frame": _dropped(_full_frame),
    "edge.proxy-line": _proxy_line_stripped,
    "edge.quotation": _quotation_not_moved,
    "edge.error-lost": lambda seen: [] if seen.to_rs and _is_error(seen) else [seen.frame],
    "edge.drained": _dropped(_to_a_drained_server),
    "edge.removed": _dropped(_to_a_removed_server),
    "edge.rare-octet": _rarely_another_octet,
}


def _unsummed_refused(_path: DataPath, _port: int, frame: bytes) -> list[bytes] | None:
    """Datagrams without checksum are thrown away, which IPv4 allows them to be without."""
    udp = frame[12:14] == packet.ETH_IPV4 and frame[23] == packet.PROTO_UDP
    return [] if udp and frame[40:42] == b"\0\0" else None


ARRIVING: dict[str, Arriving] = {"edge.unsummed": _unsummed_refused}
