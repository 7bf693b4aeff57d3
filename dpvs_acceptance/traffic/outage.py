"""How long an address did not answer: numbered echo requests, one a millisecond.

The outage is that of the longest row of lost requests, from when the first of them left to when the
first one left that was answered again (as RFC 7747 derives it from loss). So a client or a machine
that pauses makes no outage.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import frames
from .dissect import dissect
from .errors import InconclusiveCapture
from .match import ICMP, ICMPV6, Match
from .station import Station
from .views import IcmpView

GAP_US = 1000
_WAIT = 1.0  # seconds for the last replies
REST = 1.0  # seconds of requests that are left when all is done


@dataclass(frozen=True, slots=True)
class Outage:
    """sent, lost: echo requests. milliseconds: of the longest row of lost ones; 0 without any.

    over: the last request of all was answered.
    """

    sent: int
    lost: int
    milliseconds: float
    over: bool

    def __str__(self) -> str:
        return f"{self.milliseconds:.0f} ms, {self.lost} of {self.sent} lost"


def measure(
    station: Station, target: str, mac: str, seconds: float, meanwhile: Callable[[], object]
) -> Outage:
    """Send for so long, and do something meanwhile; the requests begin before that.

    Raises InconclusiveCapture if the capture lost frames, or too few requests were left.
    """
    source = station.facts.address(6 if ":" in target else 4)
    ends = frames.Ends(station.mac, mac, source, target)
    identifier = secrets.randbelow(0xFFFF) + 1
    count = int(seconds * 1e6 / GAP_US)
    requests = [
        frames.echo_request(ends, identifier, number, b"outage", ip_id=number)
        for number in range(1, count + 1)
    ]
    capture = station.capture([Match(protocol=ICMP), Match(protocol=ICMPV6)])
    with capture:
        number = station.post_send(requests, gap_us=GAP_US)
        began = time.monotonic()
        meanwhile()
        took = time.monotonic() - began
        station.sent(number)
        capture.wait_next(Match(outgoing=False, icmp_id=identifier), count, _WAIT)
    capture.require_sound()
    if took > seconds - REST:
        raise InconclusiveCapture(f"what was done took {took:.1f} of {seconds:.1f} s: too slow")
    left: dict[int, float] = {}
    answered: set[int] = set()
    for frame in capture.frames:
        view = dissect(frame)
        if isinstance(view, IcmpView) and view.identifier == identifier:
            if frame.outgoing and view.is_request:
                left[view.sequence] = frame.time_ns / 1e6
            elif view.is_reply and view.src == target:
                answered.add(view.sequence)
    return outage(left, answered)


def outage(left: Mapping[int, float], answered: set[int]) -> Outage:
    """From when each request left, in milliseconds by number, and which were answered."""
    longest, began = 0.0, None
    for number, when in sorted(left.items()):
        if number in answered:
            if began is not None:
                longest = max(longest, when - began)
            began = None
        elif began is None:
            began = when
    if began is not None:
        longest = max(longest, max(left.values()) - began)
    lost = len(left.keys() - answered)
    return Outage(len(left), lost, longest, over=bool(left) and max(left) in answered)
