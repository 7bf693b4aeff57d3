"""Packets inside of packets: GRE (RFC 2784) and IP in IP (RFC 2003), built and taken apart.

A peer's kernel need not know tunnels: its station sends the carriers, from an address that only
the station answers for, and reads what comes back to it.
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

# Protocol number, and the header between carrier and packet.
KINDS = {"gre": (gre.PROTOCOL, gre.HEADER), "ipip": (4, b"")}
_ETHERNET = 14


@dataclass(frozen=True, slots=True)
class TunnelEnd:
    """One end of a tunnel, DPVS's: `local` is its, `remote` the peer's; `inner` is what it is
    pinged by, `peer` what the peer calls itself inside. All IPv4 addresses."""

    kind: str
    local: str
    remote: str
    inner: str
    peer: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """What came of echo requests through a tunnel. problems: a line for all that is not as it
    has to be; strange: answers to the carrier that was none of the tunnel's."""

    answered: int
    problems: tuple[str, ...]
    strange: tuple[str, ...]
    frames: tuple[Frame, ...]


def ping_through(station: Station, tunnel: TunnelEnd, *, mac: str, count: int = 5) -> Pinged:
    """Echo requests inside of the tunnel's carriers, and before them one from a foreign remote.

    The station has to own `tunnel.remote` meanwhile. The stranger's request has the same inside;
    what the tunnel made of it would have come before the first answer.
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
            problems.append(f"a carrier from {tunnel.local} expected, one from {carrier[0]} seen")
        found = packet[length : length + len(header)]
        if found != header:
            problems.append(f"header {header.hex()} expected, {found.hex()} seen")
        if _sum(packet[:length]) != 0xFFFF:
            problems.append("the carrier's IP checksum is wrong")
        inside = frame.data[:_ETHERNET] + packet[length + len(header) :]
        view = dissect(Frame(inside, frame.time_ns, length=len(inside)))
        if not isinstance(view, IcmpView) or not view.is_reply:
            problems.append(f"an echo reply expected inside, seen {view}")
            continue
        numbers.append(view.sequence)
        wanted = (tunnel.inner, tunnel.peer, identifier, tag, mac, "correct", "correct")
        seen = (
            *(view.src, view.dst, view.identifier, view.payload, view.mac_src),
            *(view.checksum, view.ip_checksum),
        )
        if seen != wanted:
            problems.append(f"reply {view.sequence}: {wanted} expected, {seen} seen")
    if 0 in numbers:
        strange.append("an answer, through the tunnel, to what came from another remote")
    answered = [n for n in numbers if n]
    missing = sorted(set(range(1, count + 1)) - set(answered))
    if missing:
        problems.append(f"requests {missing} were not answered")
    if len(set(answered)) < len(answered):
        problems.append(f"answers came twice: {answered}")
    return Pinged(len(set(answered)), tuple(problems), tuple(strange), tuple(captured))


def _sum(header: bytes) -> int:
    """The ones' complement sum (RFC 1071): 0xffff over a header with a right checksum."""
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
