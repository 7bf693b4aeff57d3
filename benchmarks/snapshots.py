"""The whole state snapshot of a host, compared with the same reads by testinfra's ssh backend."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import testinfra

from dpvs_acceptance.hosts import survey
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.snapshot import take
from dpvs_acceptance.hosts.transcript import TranscriptEntry
from tests.hosts.proxy import Proxy
from tests.hosts.server import Server


class _Count:
    """A recorder that only counts round trips."""

    def __init__(self) -> None:
        self.runs = 0

    def record(self, entry: TranscriptEntry) -> None:
        self.runs += entry.kind == "run"


def measure(delay: float) -> Iterator[tuple[str, str, str]]:
    """`delay`: seconds added on the way in each direction."""
    sections = survey.dut(survey.DutPaths())
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "lb01")
        proxy = Proxy(server.port, delay) if delay else None
        if proxy is not None:
            server.config("127.0.0.1", proxy.port)
        try:
            count = _Count()
            with connect("lb01", "lb01", server.ssh_config, count) as host:
                ours = _median(lambda: take(host, sections), 5)
            trips = count.runs / 5
            theirs = _median(lambda: _by_testinfra(server, sections), 1)
        finally:
            if proxy is not None:
                proxy.stop()
            server.stop()
    where = f", {delay * 2e3:g} ms latency added" if delay else ""
    yield (
        f"round trips of a DUT snapshot of {len(sections)} reads{where}",
        "at most 2",
        f"{trips:g}",
    )
    yield (
        f"the snapshot, of the time of the same reads through testinfra's ssh backend{where}",
        "under a tenth",
        f"1/{theirs / ours:.0f} ({ours:.2f} s against {theirs:.1f} s)",
    )


def _by_testinfra(server: Server, sections: dict[str, str | Read]) -> None:
    host = testinfra.get_host("ssh://lb01", ssh_config=str(server.ssh_config))
    for read in sections.values():
        host.run(read if isinstance(read, str) else read.command)


def _median(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        begin = time.monotonic()
        work()
        seconds.append(time.monotonic() - begin)
    return statistics.median(seconds)
