"""Quirks of the option that carries the client's address."""

from __future__ import annotations

from softlab.simulated import tcpopts
from softlab.simulated.mangling.seen import carries, edited, padded, split_options
from softlab.simulated.tcpstates import ACK, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.mangling.seen import Header, Leaving, Seen


def _toa(change: Callable[[bytes], bytes]) -> Callable[[Seen], list[bytes]]:
    """A quirk that changes the TOA option wherever the device puts one."""

    def leaving(seen: Seen) -> list[bytes]:
        def edit(
            header: Header, options: bytes, payload: bytes
        ) -> tuple[Header, bytes, bytes] | None:
            each = split_options(options)
            if not each or each[0][0] != tcpopts.TOA:
                return None
            each[0] = (0, change(each[0][1]))
            return header, padded(each), payload

        return edited(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]

    return leaving


def _toa_where(keep: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    """A quirk that takes TOA off the packets for which `keep` is false."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.tcp and seen.to_rs) or keep(seen):
            return [seen.frame]
        return edited(seen, lambda h, o, p: (h, _without_toa(o), p))

    return leaving


def _without_toa(options: bytes) -> bytes:
    return padded([one for one in split_options(options) if one[0] != tcpopts.TOA])


def _toa_moved(seen: Seen) -> list[bytes]:
    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
        each = split_options(o)
        ours = each[:1] if each and each[0][0] == tcpopts.TOA else []
        return h, padded(each[len(ours) :] + ours), p

    return edited(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


def _toa_doubled(seen: Seen) -> list[bytes]:
    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
        each = split_options(o)
        ours = [one for one in each if one[0] == tcpopts.TOA]
        return h, padded(ours[:1] + each), p

    return edited(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


def _toa_client_s_own(seen: Seen) -> list[bytes]:
    """Of two TOA options only the client's own, which the device should have put second."""

    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes] | None:
        each = split_options(o)
        if sum(kind == tcpopts.TOA for kind, _ in each) < 2:
            return None
        return h, padded(each[1:]), p

    return edited(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


_LAST_TOA: dict[bytes, bytes] = {}


def _toa_everywhere(seen: Seen) -> list[bytes]:
    """On later packets as well: the one that the connection had is put on all of them."""

    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes] | None:
        assert seen.packet is not None
        key = seen.packet.src + seen.packet.dst + bytes(seen.packet.body[:4])
        own = next((raw for kind, raw in split_options(o) if kind == tcpopts.TOA), None)
        if own:
            _LAST_TOA[key] = own
            return None
        return (h, _LAST_TOA[key] + o, p) if key in _LAST_TOA else None

    return edited(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


def _prefixed(seen: Seen, option: bytes) -> list[bytes]:
    return edited(seen, lambda h, o, p: (h, option + o, p))


def _toa_on_syn(seen: Seen) -> list[bytes]:
    """On the SYN too, as versions up to 1.9.4 have it: the client's end is looked up."""
    if not (seen.to_rs and seen.tcp and seen.flags & (SYN | ACK) == SYN):
        return [seen.frame]
    assert seen.packet is not None
    lport = int.from_bytes(seen.packet.body[:2], "big")
    for table in seen.path.connections.values():
        for conn in table.all():
            if conn.laddr == seen.packet.src and conn.lport == lport:
                return _prefixed(seen, tcpopts.toa(conn.caddr, conn.cport))
    return [seen.frame]


LEAVING: dict[str, Leaving] = {
    "toa.address": _toa(lambda o: o[:-1] + bytes([o[-1] ^ 1])),
    "toa.port": _toa(lambda o: o[:3] + bytes([o[3] ^ 1]) + o[4:]),
    "toa.port-order": _toa(lambda o: o[:2] + o[3:1:-1] + o[4:]),
    "toa.address-order": _toa(lambda o: o[:4] + o[:3:-1]),
    "toa.as-ipv6": _toa(
        lambda o: o if len(o) != 8 else b"\xfe\x14" + o[2:4] + bytes(10) + b"\xff\xff" + o[4:]
    ),
    "toa.kind": _toa(lambda o: b"\xfc" + o[1:]),
    "toa.no-ack": _toa_where(carries),
    "toa.no-request": _toa_where(lambda seen: not seen.payload),
    "toa.no-ipv6": _toa_where(lambda seen: seen.family == 4),
    "toa.last": _toa_moved,
    "toa.doubled": _toa_doubled,
    "toa.client-s-own": _toa_client_s_own,
    "toa.everywhere": _toa_everywhere,
    "toa.on-syn": _toa_on_syn,
}
