"""Ping with crafted echo requests: replies, duplicates, senders and round-trip times.

Round-trip times are the difference of two kernel timestamps in the client's capture, so they
include neither the agent nor the network between runner and client.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import pairwise

from . import frames, timeouts
from .dissect import dissect
from .errors import TrafficError
from .frame import Frame
from .match import ICMP, ICMPV6, Match
from .station import Station
from .views import IcmpView, describe


@dataclass(frozen=True, slots=True)
class PingResult:
    """Result of a ping; sequence numbers start at 1. A reply may have several errors.

    lost: requests without a reply. duplicates: sequence number to the number of extra replies. The
    wrong_* have a line per reply; other: ICMP errors and unexpected replies of the target. rtts:
    seconds to the first reply of each answered request. ttls: of all replies. overtaken: pairs of
    sequence numbers, the second of which was answered before the first.
    """

    target: str
    identifier: int
    sent: int
    received: int
    lost: tuple[int, ...]
    duplicates: dict[int, int]
    wrong_checksum: tuple[str, ...]
    wrong_mac: tuple[str, ...]
    wrong_payload: tuple[str, ...]
    other: tuple[str, ...]
    rtts: tuple[float, ...]
    ttls: frozenset[int]
    overtaken: tuple[tuple[int, int], ...]
    frames: tuple[Frame, ...]

    @property
    def problems(self) -> list[str]:
        """All errors, one line each."""
        out: list[str] = []
        if self.lost:
            out.append(f"lost {len(self.lost)} of {self.sent}: {', '.join(map(str, self.lost))}")
        for number, extra in sorted(self.duplicates.items()):
            out.append(f"request {number} was answered {extra + 1} times")
        out += [f"reply {last} came before reply {first}" for first, last in self.overtaken]
        for name in ("wrong_checksum", "wrong_mac", "wrong_payload", "other"):
            out += [f"{name.replace('_', ' ')}: {line}" for line in getattr(self, name)]
        return out

    def __str__(self) -> str:
        times = ""
        if self.rtts:
            low, high = min(self.rtts), max(self.rtts)
            mean = sum(self.rtts) / len(self.rtts)
            times = f", rtt {low * 1e3:.3f}/{mean * 1e3:.3f}/{high * 1e3:.3f} ms min/mean/max"
        return f"{self.target}: {self.received} of {self.sent} answered{times}"


def ping(
    station: Station,
    target: str,
    *,
    mac: str,
    expected_mac: str | None = None,
    source: str | None = None,
    count: int = 5,
    gap_ms: float = 10.0,
    deadline: float | None = None,
    size: int = 56,
    ttl: int = 64,
    identifier: int | None = None,
) -> PingResult:
    """Send ``count`` echo requests to ``target`` through next hop ``mac``; account for all replies.

    expected_mac: source MAC of replies (default: ``mac``). source: default the station's own
    address; a crafted one must be owned by the caller. identifier: default a random one. After the
    last reply one more request is sent: any duplicate arrives before its reply, so duplicates are
    found without a pause. Raises InconclusiveCapture if the capture lost frames.
    """
    version = 6 if ":" in target else 4
    deadline = timeouts.seconds(3.0, deadline)
    source = source or station.facts.address(version)
    ends = frames.Ends(station.mac, mac, source, target, ttl=ttl)
    identifier = identifier or secrets.randbelow(0xFFFF) + 1
    nonce = secrets.token_bytes(8)

    def payload(number: int) -> bytes:
        return (nonce + number.to_bytes(2, "big")).ljust(size, b"\x55")

    def request(number: int) -> bytes:
        return frames.echo_request(ends, identifier, number, payload(number), ip_id=number)

    reply = Match(
        outgoing=False, icmp_type=0 if version == 4 else 129, icmp_id=identifier, dst=source
    )
    capture = station.capture([Match(protocol=ICMP), Match(protocol=ICMPV6)])
    with capture:
        came = station.exchange(
            capture,
            [request(number) for number in range(1, count + 1)],
            reply,
            count=count,
            deadline=deadline,
            gap_us=gap_ms * 1000,
        )
        if came.frames:
            fence = Match(outgoing=False, icmp_id=identifier, payload=payload(count + 1)[:10])
            station.exchange(capture, [request(count + 1)], fence, deadline=min(deadline, 1.0))
    capture.require_sound()
    payloads = {number: payload(number) for number in range(1, count + 1)}
    return account(capture.frames, target, source, identifier, payloads, expected_mac or mac)


def account(
    captured: list[Frame],
    target: str,
    source: str,
    identifier: int,
    payloads: dict[int, bytes],
    expected_mac: str,
) -> PingResult:
    """The result of the echo requests with this identifier, from captured frames.

    payloads: of every request sent, by sequence number.
    """
    requests: dict[int, IcmpView] = {}
    replies: dict[int, list[IcmpView]] = {}
    other: list[str] = []
    for frame in captured:
        view = dissect(frame)
        if not isinstance(view, IcmpView):
            continue
        ours = view.identifier == identifier
        if frame.outgoing and view.is_request and ours:
            requests.setdefault(view.sequence, view)
        elif not frame.outgoing and view.is_reply and ours:
            if view.src != target or view.dst != source:
                other.append(describe(view))
            replies.setdefault(view.sequence, []).append(view)
        elif not frame.outgoing and _is_error_for(view, identifier):
            other.append(describe(view))
    missing = sorted(set(payloads) - set(requests))
    if missing:
        raise TrafficError(f"echo requests {missing} to {target} did not leave the client")
    answered = [number for number in sorted(payloads) if number in replies]
    every = [view for number in answered for view in replies[number]]
    strange = [number for number in replies if number not in payloads]
    other += [
        describe(view)
        for number in strange
        for view in replies[number]
        if number != max(payloads) + 1
    ]
    return PingResult(
        target=target,
        identifier=identifier,
        sent=len(payloads),
        received=len(answered),
        lost=tuple(number for number in sorted(payloads) if number not in replies),
        duplicates={n: len(replies[n]) - 1 for n in answered if len(replies[n]) > 1},
        wrong_checksum=tuple(
            f"{describe(v)} ICMP {v.checksum_seen:#06x}, correct is {v.checksum_right:#06x}; "
            f"IP {v.ip_checksum}"
            for v in every
            if v.checksum != "correct" or v.ip_checksum == "wrong"
        ),
        wrong_mac=tuple(
            f"expected {expected_mac}, seen {v.mac_src} on reply {v.sequence}"
            for v in every
            if v.mac_src != expected_mac
        ),
        wrong_payload=tuple(describe(v) for v in every if v.payload != payloads[v.sequence]),
        other=tuple(other),
        rtts=tuple(
            (replies[n][0].frame.time_ns - requests[n].frame.time_ns) / 1e9 for n in answered
        ),
        ttls=frozenset(view.ttl for view in every),
        overtaken=tuple(
            (first, last)
            for first, last in pairwise(answered)
            if replies[first][0].frame.time_ns > replies[last][0].frame.time_ns
        ),
        frames=tuple(captured),
    )


def _is_error_for(view: IcmpView, identifier: int) -> bool:
    """Whether this is an ICMP error about one of our requests (unreachable, ...)."""
    if view.version == 4:
        quoted = view.payload[(view.payload[0] & 15) * 4 :] if view.payload else b""
        is_error = view.icmp_type in (3, 4, 5, 11, 12)
    else:
        quoted = view.payload[40:]
        is_error = view.icmp_type < 128
    return is_error and quoted[4:6] == identifier.to_bytes(2, "big")
