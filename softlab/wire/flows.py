"""The flows that pass the wire, on each side of the DUT: how old, how many, how many at once."""

import math
from dataclasses import dataclass, field
from typing import Final

from softlab.wire.frame import ACK, FIN, RST, SYN, TCP, Frame

Key = tuple[int, bytes, int, bytes, int]

#: Seconds after its last frame in which a flow that has no end of its own is still open.
_LASTS: Final = 5.0


@dataclass(slots=True)
class Flow:
    """One flow on one side of the DUT. number: its place among the flows of that side, from 1.

    before: when the last frame but this one of its direction passed. rank: how many others were
    open when it began. lasts: by direction (leaving?), when its last frame passed. closed:
    directions whose FIN was seen.
    """

    number: int
    began: float
    last: float
    before: float
    rank: int
    lasts: dict[bool, float] = field(default_factory=dict)
    closed: set[bool] = field(default_factory=set)
    over: bool = False
    counts: dict[object, int] = field(default_factory=dict)


class Flows:
    """All flows since the rules were set."""

    def __init__(self) -> None:
        self._flows: dict[Key, Flow] = {}
        self._numbers: dict[bool, int] = {}
        self._open: dict[tuple[int, bool], dict[Key, Flow]] = {}

    def of(self, frame: Frame, *, leaving: bool, at_server: bool, now: float) -> Flow | None:
        """The flow of the frame, this frame counted; None for what has no ports."""
        key = key_of(frame, leaving=leaving)
        if key is None:
            return None
        flow = self._flows.get(key)
        opening = frame.flags & (SYN | ACK) == SYN
        if flow is None or (opening and flow.over):
            number = self._numbers[at_server] = self._numbers.get(at_server, 0) + 1
            others = self._others(key[0], at_server, now)
            # A connection that was there before the wire: as old, and its pause as long, as any.
            began = now if key[0] != TCP or opening else -math.inf
            flow = self._flows[key] = others[key] = Flow(number, began, began, began, len(others))
        flow.before = flow.lasts.get(leaving, flow.began)
        flow.last = flow.lasts[leaving] = now
        if frame.flags & FIN:
            flow.closed.add(leaving)
        flow.over = flow.over or bool(frame.flags & RST) or len(flow.closed) == 2
        if flow.over:
            self._open[key[0], at_server].pop(key, None)
        return flow

    def _others(self, proto: int, at_server: bool, now: float) -> dict[Key, Flow]:
        """Flows of the protocol that are open on this side of the DUT."""
        found = self._open.setdefault((proto, at_server), {})
        if proto != TCP:
            for key in [key for key, flow in found.items() if now - flow.last > _LASTS]:
                del found[key]
        return found


def key_of(frame: Frame, *, leaving: bool) -> Key | None:
    """Protocol, address and port of the other end, and of the DUT's: the same for both ways."""
    ports = frame.ports
    if ports is None:
        return None
    if leaving:
        return frame.transport[0], frame.dst, ports[1], frame.src, ports[0]
    return frame.transport[0], frame.src, ports[0], frame.dst, ports[1]
