"""Response times through each real server, divided into time in the RS and time on the path.

For each connection, the client's clock measures from the SYN to the first octet of the response,
and the RS's clock its own time, for the SYN-ACK and from request to response. The difference is the
time on the path. The clocks of the two machines need not be synchronised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .connection import SocketAddress
from .views import TcpView, View

LIMIT = 0.1
"""Largest accepted difference in seconds between the median response times of two RS: above the
variation between equal servers, below what users notice."""
FEWEST = 3
"""Smallest number of responses per RS for a meaningful median."""


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """One connection, in seconds: response time `at_client`, of which `at_rs` in the RS."""

    rs: str
    at_client: float
    at_rs: float

    @property
    def between(self) -> float:
        """Time on the path between client and RS, both directions."""
        return self.at_client - self.at_rs


@dataclass(frozen=True, slots=True)
class Delays:
    """Whether response times are equal: `even`, and a sentence with all numbers."""

    even: bool
    words: str


def answer_times(
    client_views: Iterable[View], rs_views: Mapping[str, Sequence[View]], vip: SocketAddress
) -> list[AnswerTime]:
    """The times of every answered connection to the VIP that was captured at an RS.

    FullNAT does not change the RS's sequence numbers, so a SYN-ACK identifies its connection.
    """
    at_rs: dict[int, tuple[str, float]] = {}
    for name, views in rs_views.items():
        for seq, one in _connections(views).items():
            at_rs[seq] = (name, one.taken_by_server)
    ours = [
        view
        for view in client_views
        if isinstance(view, TcpView)
        and (vip.address, vip.port) in ((view.src, view.sport), (view.dst, view.dport))
    ]
    return [
        AnswerTime(at_rs[seq][0], one.whole, at_rs[seq][1])
        for seq, one in _connections(ours).items()
        if seq in at_rs
    ]


@dataclass(slots=True)
class _Times:
    """Capture time of the first packet of each kind, in ns; 0: not captured yet."""

    number: int = 0
    syn: int = 0
    syn_ack: int = 0
    request: int = 0
    answer: int = 0

    @property
    def whole(self) -> float:
        return (self.answer - self.syn) / 1e9

    @property
    def taken_by_server(self) -> float:
        return (self.syn_ack - self.syn + self.answer - self.request) / 1e9


def _connections(views: Iterable[View]) -> dict[int, _Times]:
    """Answered connections, by the sequence number of the SYN-ACK."""
    found: dict[tuple[str, int, str, int], _Times] = {}
    for view in views:
        if not isinstance(view, TcpView):
            continue
        there = found.get((view.src, view.sport, view.dst, view.dport))
        back = found.get((view.dst, view.dport, view.src, view.sport))
        when = view.frame.time_ns
        if view.handshake and there is None:
            found[view.src, view.sport, view.dst, view.dport] = _Times(syn=when)
        elif back is not None and view.has("SA"):
            back.number, back.syn_ack = back.number or view.seq, back.syn_ack or when
        elif view.payload and there is not None:
            there.request = there.request or when
        elif view.payload and back is not None:
            back.answer = back.answer or when
    return {one.number: one for one in found.values() if one.syn_ack and one.request and one.answer}


def compare(times: Iterable[AnswerTime], servers: Sequence[str]) -> Delays:
    """Whether the median response time of each of `servers` is within LIMIT of the fastest.

    Connections alternate between RS, so a delay of the client or of DPVS affects all RS alike; a
    deviating median is due to the RS or its path. ValueError with fewer than FEWEST responses.
    """
    by_rs: dict[str, list[AnswerTime]] = defaultdict(list)
    for one in times:
        by_rs[one.rs].append(one)
    few = [f"{name} {len(by_rs[name])}" for name in servers if len(by_rs[name]) < FEWEST]
    if few:
        raise ValueError(
            f"at least {FEWEST} responses of each RS are needed, seen: {', '.join(few)}"
        )
    middle = {name: median(one.at_client for one in by_rs[name]) for name in servers}
    first, last = min(servers, key=middle.__getitem__), max(servers, key=middle.__getitem__)
    apart = middle[last] - middle[first]
    counts = ", ".join(f"{name} {len(by_rs[name])}" for name in servers)
    inside = median(one.at_rs for one in by_rs[last])
    between = median(one.between for one in by_rs[last])
    return Delays(
        apart <= LIMIT,
        f"{last} answers {apart * 1e3:.0f} ms later than {first} ({middle[last] * 1e3:.0f} ms and "
        f"{middle[first] * 1e3:.0f} ms, medians of {counts}; expected at most "
        f"{LIMIT * 1e3:.0f} ms): {inside * 1e3:.0f} ms of {last}'s time are spent in {last}, "
        f"{between * 1e3:.0f} ms between {last} and the client",
    )
