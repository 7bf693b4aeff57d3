"""Flows and echoes that begin before all other traffic and go on behind it.

Nothing of a run waits for their pause: other checks are made meanwhile. Only a check that is made
alone waits. What is captured is the beginning and the end, not what lies between.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from dpvs_acceptance.traffic.scene import Watch
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, FlowEnds, Request, UdpFlow
from dpvs_acceptance.traffic.users.judging import wrong_talks
from dpvs_acceptance.traffic.users.making import UserFlows
from dpvs_acceptance.traffic.users.onwire import ClientSide, follow

from .client import Client, Echoes
from .places import Vip
from .service import Service

# Longer than the pauses between requests of ordinary users, and than the retransmission timers of
# TCP; nginx closes a connection that is idle for 75 s.
PAUSE = 5.2
HEARTBEAT, LONGEST = 50.0, 290.0  # seconds
SLOWEST = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class Lasting:
    """Flows that have begun: by client, their capture, and since when they pause (monotonic)."""

    begun: tuple[UserFlows, ...]
    watch: Watch
    since: float

    def wait(self) -> None:
        """Until they have paused long enough."""
        _wait(self.since)


@dataclass(slots=True)
class Past:
    """What the users of a run did before: connections that are kept open, and those that ended.

    open: by service; failed: why there are none. ended: ends of clients whose connections are over,
    and since when (the runner's monotonic clock). echoes: identifier of the echo requests of a
    client to a VIP, and when the last one was sent.
    """

    open: dict[str, Lasting] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    echoes: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)

    @property
    def lasting(self) -> list[int]:
        """Numbers of the connections that are kept open."""
        return [n for kept in self.open.values() for one in kept.begun for n in one.numbers]

    def first_echo(self, client: Client, vip: Vip) -> Echoes:
        """An echo request; `next_echo` sends another one with the same identifier."""
        echoes = client.ping(vip, count=1)
        self.echoes[client.name, str(vip)] = echoes.result.identifier, time.monotonic()
        return echoes

    def next_echo(self, client: Client, vip: Vip) -> Echoes:
        """An echo request of the identifier that has paused; if there is none, after a first."""
        if (client.name, str(vip)) not in self.echoes:
            self.first_echo(client, vip)
        identifier, since = self.echoes.pop((client.name, str(vip)))
        _wait(since)
        return client.ping(vip, count=1, identifier=identifier)


def quiet(service: Service) -> tuple[Sequence[Dialogue], Sequence[UdpFlow]]:
    """A connection or a UDP flow, of one request and of others that wait for an order. Without it,
    the connection has a request every 50 s, so that nginx does not close it."""
    if service.declared.protocol == "tcp":
        pauses = (0.0, *(-HEARTBEAT,) * int(LONGEST / HEARTBEAT))
        return [Dialogue(tuple(Request(pause=pause) for pause in pauses))], []
    # DPVS adds UOA to the first three; a flow is kept for 300 s (dpvs.conf, udp timeout).
    return [], [UdpFlow(tuple(Datagram(8, pause=pause) for pause in (0.0, -LONGEST, -LONGEST)))]


def wrong_of(
    kept: Lasting,
    ending: Watch,
    clients: Sequence[Client],
    service: Service,
    ends: Sequence[FlowEnds],
) -> list[str]:
    """What is wrong of flows that have ended, at their ends and on the wire, in words.

    ending: the capture of what came behind the pause.
    """
    unanswered = [
        f"UDP from {flow.local}: datagram {number} was not answered"
        for end in ends
        for flow in end.exchanges
        for number, (seconds, _, _) in enumerate(flow.answers, 1)
        if seconds is None
    ]
    sides = [
        ClientSide(
            client.name,
            service.mode(client),
            [*kept.watch.views(client.name), *ending.views(client.name)],
            end.locals,
        )
        for client, end in zip(clients, ends, strict=True)
    ]
    first, last = kept.watch.server_views, ending.server_views
    wire = follow(
        sides,
        service.vip,
        {name: [*views, *last[name]] for name, views in first.items()},
        server_port=service.ends[0].port,
        protocol=service.declared.protocol,
    )
    times = [one.first for end in ends for talk in end.talks for one in talk.answers]
    times += [one[0] for end in ends for flow in end.exchanges for one in flow.answers if one[0]]
    late = max(times, default=0.0)
    return [
        *wire.wrong,
        *unanswered,
        *([f"an answer came after {late:.2f} s, {SLOWEST} s expected"] if late > SLOWEST else []),
        *(words for end in ends for words in wrong_talks(end.talks, None)),
    ]


def _wait(since: float) -> None:
    time.sleep(max(0.0, since + PAUSE - time.monotonic()))
