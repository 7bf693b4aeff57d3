"""Makes users' flows: many at once, by real sockets, every octet verified at both ends.

A client's station makes them; on real servers a server of the suite's own answers (``serving``), or
the deployment guide's nginx, which answers any request with its 40 octets or so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from dpvs_acceptance.traffic import timeouts
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.station import Station

from .flows import (
    Answered,
    Dialogue,
    FlowEnds,
    SeenByServers,
    ServedTalk,
    ServedUdp,
    Talk,
    UdpFlow,
    UdpTalk,
)


@contextmanager
def serving(
    stations: Mapping[str, Station], addresses: Mapping[str, Sequence[str]], port: int
) -> Iterator[SeenByServers]:
    """The suite's server on a port of real servers, by name, while in the context."""
    seen = SeenByServers()
    started = {
        name: stations[name].ask("serve", {"addresses": [*those], "port": port})["server"]
        for name, those in addresses.items()
    }
    try:
        yield seen
    finally:
        for name, server in started.items():
            said = stations[name].ask("served", {"server": server, "seconds": 10.0}, 10.0)
            seen.visits += [_visit(name, one) for one in said["visits"]]
            seen.arrived += [
                ServedUdp(name, SocketAddress(*peer), tuple(map(_four, those)))
                for peer, those in said["flows"]
            ]


PATIENCE = 3.0
_NUMBERS = count(1)


class UserFlows:
    """Flows of one client that have begun. Use ``begin``; ``finished`` waits for them."""

    def __init__(
        self,
        station: Station,
        number: int,
        seconds: float,
        talks: Sequence[tuple[int, Dialogue]],
        flows: Sequence[tuple[int, UdpFlow]],
        source: str,
    ) -> None:
        self._station, self._number, self._seconds = station, number, seconds
        self._talks, self._flows, self._source = talks, flows, source

    @property
    def numbers(self) -> list[int]:
        """Of the connections; their requests name them."""
        return [number for number, _ in self._talks]

    def go_on(self) -> None:
        """Let the requests that wait for it be sent."""
        self._station.ask("order", {"load": self._number})

    def finished(self, evidence: Path | None = None, lasting: Sequence[int] = ()) -> FlowEnds:
        """Every flow's end; one that had none within the time says so.

        evidence: a folder that keeps what the station said, for a replay. lasting: numbers of
        other connections that go on meanwhile.
        """
        seconds = self._seconds + 5.0
        said = self._station.ask("loaded", {"load": self._number, "seconds": seconds}, seconds)
        said.setdefault("source", self._source)
        said.setdefault("lasting", [*lasting])
        source = said["source"]
        if evidence is not None:
            path = next_flows_file(evidence, self._station.host_name)
            path.write_text(json.dumps(said, separators=(",", ":")))
        talks = (
            _talk(number, asked, raw, source)
            for (number, asked), raw in zip(self._talks, said["tcp"], strict=True)
        )
        flows = (
            _exchange(number, asked, raw, source)
            for (number, asked), raw in zip(self._flows, said["udp"], strict=True)
        )
        return FlowEnds(tuple(talks), tuple(flows), said["seconds"], tuple(said["lasting"]))


def flows_files(folder: Path, client: str) -> Iterator[Path]:
    """Where a client's first, second, ... flows of a check are kept."""
    return (folder / f"{client}.flows-{number}.json" for number in count(1))


def next_flows_file(folder: Path, client: str) -> Path:
    """The first of them that is not there yet."""
    return next(path for path in flows_files(folder, client) if not path.exists())


def begin(
    station: Station,
    target: SocketAddress,
    tcp: Sequence[Dialogue] = (),
    udp: Sequence[UdpFlow] = (),
    *,
    ports: Sequence[Sequence[int]] = (),
    parallel: int = 200,
    seconds: float = 10.0,
    patience: float | None = None,
) -> UserFlows:
    """Begin flows to a VIP, at most ``parallel`` at once and for ``seconds`` in all.

    patience: seconds (3) that one step of a flow may take, such as connecting.

    ports: source ports that each flow may use (connections first), the kernel's choice without.
    """
    talks = [(next(_NUMBERS), one) for one in tcp]
    flows = [(next(_NUMBERS), one) for one in udp]
    chosen = [list(those) for those in ports] or [[0]] * (len(talks) + len(flows))
    source = station.source_address(target.version)
    arguments = {
        "to": [target.address, target.port],
        "source": source,
        "parallel": parallel,
        "seconds": seconds,
        "patience": timeouts.seconds(PATIENCE, patience),
        "tcp": [
            [
                number,
                own,
                [[one.up, one.down, one.pause, one.end] for one in asked.requests],
                asked.pad,
                asked.end,
                asked.rate,
                asked.tos,
            ]
            for (number, asked), own in zip(talks, chosen, strict=False)
        ],
        "udp": [
            [
                number,
                own,
                [[d.up, d.down, d.pause] for d in asked.datagrams],
                asked.patience,
                asked.tos,
            ]
            for (number, asked), own in zip(flows, chosen[len(talks) :], strict=True)
        ],
    }
    load = station.ask("load", arguments)["load"]
    return UserFlows(station, load, seconds, talks, flows, source)


def _four(raw: Sequence[int]) -> tuple[int, int, int, int]:
    flow, number, octets, wrong = raw
    return flow, number, octets, wrong


def _visit(name: str, raw: Sequence[Any]) -> ServedTalk:
    peer, requests, end, late = raw
    return ServedTalk(name, SocketAddress(*peer), tuple(tuple(one) for one in requests), end, late)


def _talk(flow: int, asked: Dialogue, raw: Mapping[str, Any], source: str) -> Talk:
    local = SocketAddress(source, raw["port"]) if raw.get("port") else None
    answers = tuple(Answered(*one) for one in raw.get("answers", ()))
    return Talk(
        flow, asked, local, raw.get("connect", -1.0), answers, raw["error"], raw.get("end", "")
    )


def _exchange(flow: int, asked: UdpFlow, raw: Mapping[str, Any], source: str) -> UdpTalk:
    local = SocketAddress(source, raw["port"]) if raw.get("port") else None
    answers = tuple(
        (None if seconds < 0 else seconds, octets, wrong)
        for seconds, octets, wrong in raw.get("answers", ())
    )
    return UdpTalk(flow, asked, local, answers, raw.get("extra", 0), raw["error"])
