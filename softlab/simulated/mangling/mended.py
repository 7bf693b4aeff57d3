"""Quirks that mend: what RFCs ask of a device and no known DPVS does (docs/findings.md).

A check that every device fails shows little by its red. With one of these the simulated DPVS, which
fails as the real one does, does it right, and the check has to turn green.
"""

from __future__ import annotations

from softlab.simulated import fullnat, packet
from softlab.simulated.mangling.seen import ip_packet
from softlab.simulated.tcpstates import RST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.connections import Connection
    from softlab.simulated.core import DataPath
    from softlab.simulated.mangling.instead import Arriving

_WINDOW = 1 << 16
_CHECKSUM_AT = {packet.PROTO_TCP: 16, packet.PROTO_UDP: 6}


def _only_sound(_path: DataPath, _port: int, frame: bytes) -> list[bytes] | None:
    """Segments and datagrams whose checksum is wrong go nowhere; RFC 768 and RFC 8200, 8.1: none
    at all is right over IPv4, and wrong over IPv6."""
    came = ip_packet(frame)
    at = _CHECKSUM_AT.get(came.proto) if came is not None else None
    if came is None or at is None or fullnat.is_fragment(came):
        return None
    told = came.body[at : at + 2]
    if told == b"\0\0" and came.proto == packet.PROTO_UDP:
        return [] if came.family == 16 else None
    right = packet.transport_checksum(came.src, came.dst, came.proto, came.body) == 0
    return None if right else []


def _no_fragments(_path: DataPath, _port: int, frame: bytes) -> list[bytes] | None:
    """Fragments of IPv6 go nowhere, the first one too, as those of IPv4."""
    six = frame[12:14] == packet.ETH_IPV6 and len(frame) > 54
    return [] if six and frame[20] == fullnat.FRAGMENT else None


def _no_foul_segments(path: DataPath, _port: int, frame: bytes) -> list[bytes] | None:
    """A segment without flags goes nowhere, nor a RST outside of the window (RFC 9293, 3.10.7.4;
    RFC 5961, 3)."""
    came = ip_packet(frame)
    if came is None or came.proto != packet.PROTO_TCP or len(came.body) < 20:
        return None
    flags = fullnat.tcp_flags(came.body) & 0x3F
    if not flags:
        return []
    conn = _connection(path, came) if flags & RST else None
    if conn is None:
        return None
    at_server = (int.from_bytes(came.body[4:8], "big") + conn.delta) & 0xFFFFFFFF
    return None if (at_server - conn.rs_end_ack) & 0xFFFFFFFF < _WINDOW else []


def _connection(path: DataPath, came: fullnat.Packet) -> Connection | None:
    """The client's connection that a packet belongs to, whichever worker has it."""
    sport, dport = came.ports()
    key = (came.proto, came.src, sport, came.dst, dport)
    found = (table.inbound(key) for table in path.connections.values())
    return next((conn for conn in found if conn is not None), None)


ARRIVING: dict[str, Arriving] = {
    "mended.checksums": _only_sound,
    "mended.fragments": _no_fragments,
    "mended.segments": _no_foul_segments,
}
