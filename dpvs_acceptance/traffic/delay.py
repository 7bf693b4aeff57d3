"""How long answers take through each real server, and on which side of it the time passes.

Two times of one connection are taken, each by one machine's own clock: at the client from the SYN
to the first octet of the answer; at the RS what it takes for the SYN-ACK, and from the request to
the answer. Their difference passed between the two, so no two clocks have to agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .connection import SocketAddress
from .views import TcpView, View

LIMIT = 0.1
"""Seconds by which the median answer through one RS may be later than through another: more than
any machine that serves the same page takes longer than its sister, less than what a person calls
slow."""
FEWEST = 3
"""Answers of an RS below which its median says nothing."""


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """One connection, in seconds: `at_client` until it was answered, `at_rs` taken by the RS."""

    rs: str
    at_client: float
    at_rs: float

    @property
    def between(self) -> float:
        """What passed between client and RS, there and back."""
        return self.at_client - self.at_rs


@dataclass(frozen=True, slots=True)
class Delays:
    """Whether every RS answers about as soon: `even`, and in words with all numbers."""

    even: bool
    words: str


def answer_times(
    client_views: Iterable[View], rs_views: Mapping[str, Sequence[View]], vip: SocketAddress
) -> list[AnswerTime]:
    """Of every answered connection to the VIP that is found at an RS.

    The RS's sequence numbers pass FullNAT unchanged, so its SYN-ACK is the same at both sides.
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
    """When the first of each was captured, in ns; 0: not yet."""

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
    """The answered ones, by the SYN-ACK's sequence number."""
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
    """Whether the median answer through each of `servers` comes within LIMIT of the soonest.

    Connections take turns over the RS, so what holds up one holds up the other as often: a median
    that is apart is the RS's, or its way's. ValueError with fewer than FEWEST answers of an RS.
    """
    by_rs: dict[str, list[AnswerTime]] = defaultdict(list)
    for one in times:
        by_rs[one.rs].append(one)
    few = [f"{name} {len(by_rs[name])}" for name in servers if len(by_rs[name]) < FEWEST]
    if few:
        raise ValueError(f"at least {FEWEST} answers of each RS are needed, seen: {', '.join(few)}")
    middle = {name: median(one.at_client for one in by_rs[name]) for name in servers}
    first, last = min(servers, key=middle.__getitem__), max(servers, key=middle.__getitem__)
    apart = middle[last] - middle[first]
    counts = ", ".join(f"{name} {len(by_rs[name])}" for name in servers)
    inside = median(one.at_rs for one in by_rs[last])
    between = median(one.between for one in by_rs[last])
    return Delays(
        apart <= LIMIT,
        f"{last} answers {apart * 1e3:.0f} ms later than {first} ({middle[last] * 1e3:.0f} ms and "
        f"{middle[first] * 1e3:.0f} ms, medians of {counts}; at most {LIMIT * 1e3:.0f} ms are "
        f"expected): of {last}'s, {inside * 1e3:.0f} ms pass at {last} itself and "
        f"{between * 1e3:.0f} ms between it and the client",
    )
