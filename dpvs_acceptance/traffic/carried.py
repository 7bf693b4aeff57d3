"""Tunnel packets, GRE (RFC 2784) and IP in IP (RFC 2003): echo requests through a tunnel.

The peer's kernel needs no tunnel device: its station builds the outer packets, with an address
that only the station answers for, and parses the replies.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from . import frames, timeouts
from .dissect import dissect
from .frame import Frame
from .match import Match
from .modes import gre
from .station import Station
from .views import IcmpView

# Protocol number, and the header between outer and inner packet.
KINDS = {"gre": (gre.PROTOCOL, gre.HEADER), "ipip": (4, b"")}
_ETHERNET = 14


@dataclass(frozen=True, slots=True)
class TunnelEnd:
    """DPVS's end of a tunnel, IPv4 addresses: outer `local` (DPVS) and `remote` (peer), and inner
    `inner` (DPVS, the target of pings) and `peer`."""

    kind: str
    local: str
    remote: str
    inner: str
    peer: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """Result of echo requests through a tunnel. problems: a line per error; strange: a line per
    reply to the packet with a foreign outer source."""

    answered: int
    problems: tuple[str, ...]
    strange: tuple[str, ...]
    frames: tuple[Frame, ...]


def ping_through(station: Station, tunnel: TunnelEnd, *, mac: str, count: int = 5) -> Pinged:
    """Echo requests through the tunnel, preceded by one with a foreign outer source.

    The station must own `tunnel.remote` meanwhile. The foreign request has the same inner packet;
    a reply to it would arrive before the first regular reply.
    """
    protocol, header = KINDS[tunnel.kind]
    identifier, tag = secrets.randbelow(0xFFFF) + 1, secrets.token_bytes(16)

    def carrier(remote: str, number: int) -> bytes:
        ends = frames.Ends(station.mac, mac, tunnel.peer, tunnel.inner)
        inside = frames.echo_request(ends, identifier, number, tag)[_ETHERNET:]
        outer = frames.Ends(station.mac, mac, remote, tunnel.local)
        s = frames.scapy()
        return bytes(frames.network(outer, number, proto=protocol) / s.Raw(header + inside))

    stranger = str(IPv4Address(tunnel.remote) + 1)
    sent = [carrier(stranger, 0), *(carrier(tunnel.remote, n) for n in range(1, count + 1))]
    answer = Match(outgoing=False, src=tunnel.local, dst=tunnel.remote, protocol=protocol)
    capture = station.capture([Match(contains=tag)])
    with capture:
        station.exchange(
            capture, sent, answer, count=count, deadline=timeouts.seconds(3.0, None), gap_us=2000
        )
    capture.require_sound()
    return _account(capture.frames, tunnel, mac, identifier, tag, count)


def _account(
    captured: Sequence[Frame], tunnel: TunnelEnd, mac: str, identifier: int, tag: bytes, count: int
) -> Pinged:
    protocol, header = KINDS[tunnel.kind]
    problems: list[str] = []
    strange: list[str] = []
    numbers: list[int] = []
    for frame in captured:
        if frame.outgoing:
            continue
        packet = frame.data[_ETHERNET:]
        length = (packet[0] & 15) * 4
        carrier = (str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20])), packet[9])
        if carrier[1:] != (tunnel.remote, protocol):
            strange.append(f"protocol {carrier[2]} from {carrier[0]} to {carrier[1]}")
            continue
        if carrier[0] != tunnel.local:
            problems.append(f"outer source: expected {tunnel.local}, seen {carrier[0]}")
        found = packet[length : length + len(header)]
        if found != header:
            problems.append(f"tunnel header: expected {header.hex()}, seen {found.hex()}")
        if _sum(packet[:length]) != 0xFFFF:
            problems.append("the outer IP checksum is wrong")
        inside = frame.data[:_ETHERNET] + packet[length + len(header) :]
        view = dissect(Frame(inside, frame.time_ns, length=len(inside)))
        if not isinstance(view, IcmpView) or not view.is_reply:
            problems.append(f"inner packet: expected an echo reply, seen {view}")
            continue
        numbers.append(view.sequence)
        wanted = (tunnel.inner, tunnel.peer, identifier, tag, mac, "correct", "correct")
        seen = (
            *(view.src, view.dst, view.identifier, view.payload, view.mac_src),
            *(view.checksum, view.ip_checksum),
        )
        if seen != wanted:
            problems.append(f"reply {view.sequence}: expected {wanted}, seen {seen}")
    if 0 in numbers:
        strange.append("a reply through the tunnel to a packet from a foreign outer source")
    answered = [n for n in numbers if n]
    missing = sorted(set(range(1, count + 1)) - set(answered))
    if missing:
        problems.append(f"requests {missing} were not answered")
    if len(set(answered)) < len(answered):
        problems.append(f"duplicate replies: {answered}")
    return Pinged(len(set(answered)), tuple(problems), tuple(strange), tuple(captured))


def _sum(header: bytes) -> int:
    """The one's complement sum (RFC 1071): 0xffff over a header with a correct checksum."""
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
