"""The real server chosen for a SYN from each of many sources, to test schedulers.

Each SYN is recognised at the real server by its window, which no forwarding mode changes. The
connections are reset afterwards for the real servers; DPVS still keeps a connection that was not
established for 30 s (SYN_RECV: the RST row of tcp_states, ip_vs_proto_tcp.c).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from dpvs_acceptance.model.topology import DeclaredService

from . import frames
from .connection import SocketAddress
from .match import Match
from .modes.placing import mode_of
from .scene import Scene
from .tcpclient import LINUX_SYN

FIRST_WINDOW = 2000
SECONDS = 2.0
GAP_US = 500


def scatter(
    scene: Scene,
    service: DeclaredService,
    client: str,
    sources: Sequence[SocketAddress],
    *,
    answer_for: Iterable[str] = (),
    folder: Path | None = None,
) -> dict[SocketAddress, str]:
    """Sends a SYN from each source; returns source to name of the real server.

    answer_for: addresses that the client's station answers for meanwhile. A source that reached no
    real server is not in the result; one that reached several raises AssertionError.
    """
    vip, station = scene.vip(service), scene.stations[client]
    mac = scene.next_hop(client, vip.address)

    def segment(index: int, source: SocketAddress, flags: str) -> bytes:
        ends = frames.Ends(station.mac, mac, source.address, vip.address)
        return frames.tcp(
            ends,
            source.port,
            vip.port,
            flags,
            seq=1000 + ("R" in flags),
            window=FIRST_WINDOW + index,
            options=LINUX_SYN if "S" in flags else (),
            ip_id=index,
        )

    with station.proxy_arp(*answer_for), scene.watch(client, folder) as watch:
        station.send([segment(i, s, "S") for i, s in enumerate(sources)], gap_us=GAP_US)
        end = time.monotonic() + SECONDS
        syn = Match(flags="S", no_flags="A", outgoing=False)
        while time.monotonic() < end:
            seen = [
                len(watch.captures[name].wait_for(syn, len(sources), 0.02).frames)
                for name in scene.servers
            ]
            if sum(seen) >= len(sources):
                break
        station.send([segment(i, s, "R") for i, s in enumerate(sources)], gap_us=GAP_US)
    found: dict[SocketAddress, str] = {}
    for name, views in mode_of(scene, service, client).openings(watch.server_views).items():
        for index in sorted({view.window - FIRST_WINDOW for view in views}):
            if not 0 <= index < len(sources):
                continue
            other = found.setdefault(sources[index], name)
            assert other == name, f"the SYN of {sources[index]} reached both {other} and {name}"
    return found
