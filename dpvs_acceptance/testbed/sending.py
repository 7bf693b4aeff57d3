"""What a run sends to a load balancer in production: counted, and bounded with `--gentle`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.station import Owned, Station
from dpvs_acceptance.traffic.views import IcmpView, IpView, TcpView, View
from dpvs_acceptance.verdict.causes import NotTested

CONNECTIONS, DATAGRAMS, ECHOES = "connections", "datagrams", "echoes"
CRAFTED, BORROWED = "crafted packets", "borrowed addresses"
SENT = "sent.json"  # in the run's evidence
KINDS = (CONNECTIONS, DATAGRAMS, ECHOES, CRAFTED, BORROWED)

ATTACHED: Mapping[str, int] = {
    CONNECTIONS: 1_000,
    DATAGRAMS: 100,
    ECHOES: 2_000,
    CRAFTED: 200,
    BORROWED: 20,
}
"""With `--attach` alone, on the two-arm topology with default options: a test holds it."""
GENTLE: Mapping[str, int] = {CONNECTIONS: 200, DATAGRAMS: 400, ECHOES: 400, CRAFTED: 0, BORROWED: 0}
"""With `--gentle`, the most of each kind in one run. A UDP flow is a connection as well."""
GENTLE_AT_ONCE = 20
"""With `--gentle`, the most connections that a check makes in one go."""
TABLE, GENTLE_TABLE = 10_000, 1_000
"""Connections up to which the whole table is read with `--attach`, and with `--gentle`."""


class Sending:
    """Counts by kind. Addresses are counted once, whatever is sent from them."""

    def __init__(self, bounds: Mapping[str, int] | None = None) -> None:
        """bounds: the most of each kind; what has none is counted only."""
        self._bounds = bounds or {}
        self._sent: Counter[str] = Counter()
        self._borrowed: set[str] = set()

    def require(self, kind: str, count: int = 1) -> None:
        """NotTested where so many more would be too many."""
        bound, sent = self._bounds.get(kind), self._sent[kind]
        if bound == 0:
            raise NotTested(f"--gentle: no {kind}")
        if bound is not None and kind == CONNECTIONS and count > GENTLE_AT_ONCE:
            raise NotTested(f"--gentle: at most {GENTLE_AT_ONCE} {kind} in one go, {count} needed")
        if bound is not None and sent + count > bound:
            raise NotTested(
                f"--gentle: at most {bound} {kind} in a run: {sent} so far, {count} more needed"
            )

    def take(self, kind: str, count: int) -> None:
        """Counts what is about to be sent; NotTested where it may not be."""
        if count:
            self.require(kind, count)
            self._sent[kind] += count

    def borrow(self, addresses: Collection[str]) -> None:
        """Counts addresses that the run uses without having them."""
        new = set(addresses) - self._borrowed
        self.take(BORROWED, len(new))
        self._borrowed |= new

    def to_json(self) -> dict[str, Any]:
        """What was sent, and the bounds, by kind."""
        return {"sent": {kind: self._sent[kind] for kind in KINDS}, "at most": dict(self._bounds)}


class CountedStation(Station):
    """A station that counts what it sends before it sends it."""

    sending: Sending

    def post_send(self, frames: Sequence[bytes], *, gap_us: float = 0, repeat: int = 1) -> int:
        own = {text.split("/")[0] for text in self.facts.addresses}
        views = [dissect(frame) for frame in frames]
        echoes = sum(_is_echo(view, own) for view in views)
        segments = [view for view in views if isinstance(view, TcpView)]
        opening = sum(one.has("S") and not one.has("A") for one in segments)
        self.sending.take(CRAFTED, (len(frames) - echoes) * repeat)
        self.sending.take(ECHOES, echoes * repeat)
        self.sending.take(CONNECTIONS, opening * repeat)
        self.sending.borrow({one.src for one in views if isinstance(one, IpView)} - own)
        return super().post_send(frames, gap_us=gap_us, repeat=repeat)

    def ask(self, operation: str, arguments: dict[str, Any], seconds: float = 0.0) -> Any:
        if operation == "load":
            self.sending.take(DATAGRAMS, sum(len(flow[2]) for flow in arguments["udp"]))
        if operation == "udp":
            self.sending.take(DATAGRAMS, len(arguments["payloads"]))
        return super().ask(operation, arguments, seconds)

    @contextmanager
    def proxy_arp(self, *addresses: str, mac: str | None = None) -> Iterator[Owned]:
        self.sending.borrow(addresses)
        with super().proxy_arp(*addresses, mac=mac) as owned:
            yield owned


def _is_echo(view: View, own: Collection[str]) -> bool:
    """Whether it is what `ping` sends: a whole echo request from an address of the host."""
    return (
        isinstance(view, IcmpView)
        and view.is_request
        and view.outer is None
        and not view.fragment_offset
        and not (view.ip_flags or 0) & 1  # more fragments follow
        and view.src in own
    )
