"""What became of users' flows, for a check's assertion and as evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from dpvs_acceptance.traffic.balance import Spread, round_robin
from dpvs_acceptance.traffic.users.flows import FlowEnds, SeenByServers
from dpvs_acceptance.traffic.users.judging import wrong_exchanges, wrong_talks
from dpvs_acceptance.traffic.users.onwire import OnWire

from .service import Service

SHOWN = 5  # flows in a message
CONFIDENCE = 3.0  # the rule of three: with none wrong of n, a rate above 3/n is seen at 95 %


@dataclass(frozen=True, slots=True)
class OwnServers:
    """A service that a check has added, whose real servers run the suite's server.

    seen: what they saw; there once the context of `own_servers` has ended.
    """

    service: Service
    seen: SeenByServers


@dataclass(frozen=True, slots=True)
class Served:
    """What became of flows. ends: by client; on_wire: their packets.

    own: of the suite's servers; what they saw is judged too, once their context has ended.
    """

    service: str
    ends: Mapping[str, FlowEnds]
    on_wire: OnWire
    own: OwnServers | None

    @property
    def wrong(self) -> list[str]:
        """Flows that did not go as asked, in words."""
        seen = self.own.seen if self.own else None
        return [
            f"{client}: {words}"
            for client, end in self.ends.items()
            for words in wrong_talks(end.talks, seen) + wrong_exchanges(end.exchanges, seen)
        ]

    @property
    def exact(self) -> bool:
        """Whether every flow went as asked at both ends, and every packet is as it must be."""
        return not (self.wrong or self.on_wire.wrong or self.on_wire.unexplained)

    @property
    def verified(self) -> int:
        """How many flows were verified."""
        return sum(len(end.talks) + len(end.exchanges) for end in self.ends.values())

    @property
    def report(self) -> str:
        """For an assertion's message, the most telling first."""
        packets, left, wrong = self.on_wire.wrong, self.on_wire.unexplained, self.wrong
        words = []
        if packets:
            count = f"{len(packets)} of {self.verified}"
            words.append(f"{count} flows have wrong packets: {packets[0]}")
        if wrong:
            words.append(f"{len(wrong)} of {self.verified} flows failed: {wrong[0]}")
            words += [f"  {one}" for one in wrong[1:SHOWN]]
        if left:
            words.append(f"{len(left)} packets belong to none of the flows: {left[0]}")
        return f"{self.service}: " + "\n".join(words)

    @property
    def seconds(self) -> list[float]:
        """Of each request and datagram that was answered: until the first octet of the answer."""
        return [
            seconds
            for end in self.ends.values()
            for seconds in (
                *(one.first for talk in end.talks for one in talk.answers),
                *(one[0] for flow in end.exchanges for one in flow.answers),
            )
            if seconds is not None
        ]

    @property
    def connect_seconds(self) -> list[float]:
        """Of each connection that was made."""
        talks = [talk for end in self.ends.values() for talk in end.talks]
        return [talk.connect for talk in talks if talk.connect >= 0]

    def late(self, middle: float, slowest: float) -> list[str]:
        """What takes longer than these seconds, in its median or its slowest twentieth."""
        kinds = {"connecting": self.connect_seconds, "answers": self.seconds}
        return [
            f"{kind} take {seen['median'] * 1000:.0f} ms in the middle and "
            f"{seen['p95'] * 1000:.0f} ms in the slowest twentieth of {len(times)}; at most "
            f"{middle * 1000:.0f} and {slowest * 1000:.0f} ms expected"
            for kind, times in kinds.items()
            if (seen := figures_of(times)) and (seen["median"] > middle or seen["p95"] > slowest)
        ]

    def spread(self, weights: Mapping[str, int], workers: int) -> Spread:
        """Whether each real server got the flows that round robin promises it."""
        return round_robin(self.on_wire.by_server, weights, workers)

    def write(self, folder: Path) -> None:
        """Keep the figures as evidence."""
        figures = {
            "service": self.service,
            "clients": [*self.ends],
            "flows": self.verified,
            "packets": self.on_wire.packets,
            "by_server": dict(self.on_wire.by_server),
            "unnoticed_rate": CONFIDENCE / max(1, self.verified),
            "seconds": max(end.seconds for end in self.ends.values()),
            "answers": figures_of(self.seconds),
            "connecting": figures_of(self.connect_seconds),
        }
        (folder / f"{self.service}-flows.json").write_text(json.dumps(figures, indent=1))


def figures_of(seconds: Sequence[float]) -> dict[str, float]:
    """median, slowest twentieth (95th percentile) and greatest of some times; {} of none."""
    if len(seconds) < 2:
        return {"median": seconds[0], "p95": seconds[0], "max": seconds[0]} if seconds else {}
    return {
        "median": median(seconds),
        "p95": quantiles(seconds, n=20)[-1],
        "max": max(seconds),
    }
