"""Source port exhaustion of a LIP towards a real server (sa_pool.c)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dpvs_acceptance.testbed import Crafted, Service, services
from dpvs_acceptance.traffic.craftedend import CraftedEnd
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.twoends import TwoEnds
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, requirement

pytestmark = [pytest.mark.traffic, for_each(service=services.having(toa=True, family=4).one)]

FLOWS = 65_200  # more than a LIP has ports, 1025 to 65535; the other source ports are left free
AT_ONCE = 8_150
LONG, SHORT = 120, 2  # seconds that a flow keeps its port without packets
COME_BACK = 60.0  # seconds; SHORT and the time that a slow DPVS takes for the last flood
ROUNDS, TRIES = 4, 5
OURS = (b"request", b"answer", b"still here", b"an old one", b"a new flow")


@requirement("EDG-25")
def test_source_port_exhaustion_is_counted_and_recovers(crafted: Crafted, service: Service) -> None:
    """Steps: send a datagram from each of 65,200 source ports to a UDP service with `--conn-timeout
    120`, until `dpip -s addr show` counts sa_miss; then one from a new port and one of an existing
    flow. Set `--conn-timeout 2`, send a last datagram of each flow, wait until they have
    expired, and send from the new port again.

    Verify: the new flow is not forwarded and is counted, the existing flow works; when ports have
    been released, the new flow works too.
    """
    added = crafted.add(service, "udp", options=f"--conn-timeout {LONG}")
    before = crafted.source_pool(added)
    with crafted.connection(added, source_port=FLOWS + 100, only=OURS) as ends:
        crafted.send_beyond_uoa(ends)
        for _ in range(ROUNDS):
            for burst in _flood(ends.client):
                ends.client.station.send(burst, gap_us=15)
                _require_crossing(ends, b"still here")
            full = crafted.source_pool(added)
            if full.miss > before.miss:
                break
        assert full.miss > before.miss, (
            f"{FLOWS} flows, and sa_miss did not grow, it is {full.miss}: {full}"
        )
        late = ends.client.datagram(b"a new flow", sport=FLOWS + 200)
        ends.client.station.send([late])
        _require_crossing(ends, b"an old one")
        _require_crossing(ends, b"answer", back=True)
        wanted = Match(outgoing=False, payload=b"a new flow")
        if ends.server.capture.wait_for(wanted, 1, 0.0).enough:
            raise Inconclusive(
                f"a port was free again before the new flow came: {crafted.source_pool(added)}"
            )
        added.set_scheduler(f"rr --conn-timeout {SHORT}")
        for burst in _flood(ends.client):
            ends.client.station.send(burst, gap_us=15)
        give_up = time.monotonic() + COME_BACK
        while time.monotonic() < give_up:
            ends.client.station.send([late])
            if ends.server.capture.wait_for(wanted, 1, 0.5).enough:
                return
    raise AssertionError(
        f"source ports are not given back: a new flow is refused after {COME_BACK:g} s"
    )


def _require_crossing(ends: TwoEnds, payload: bytes, *, back: bool = False) -> None:
    """A datagram of the old flow crosses: it is repeated, since a queue full of the flood may
    lose one, as any queue may."""
    cross = ends.datagram_to_client if back else ends.datagram_to_rs
    for remaining in reversed(range(TRIES)):
        try:
            cross(payload)
        except NotSeen:
            if not remaining:
                raise
        else:
            return


def _flood(side: CraftedEnd) -> Iterator[list[bytes]]:
    """A datagram without checksum from each source port, in bursts."""
    frame = side.datagram(b"flood", chksum=0)
    at = frame.index((side.own.port).to_bytes(2, "big"), 34)
    ports = [port.to_bytes(2, "big") for port in range(1, FLOWS + 1)]
    for start in range(0, FLOWS, AT_ONCE):
        yield [frame[:at] + port + frame[at + 2 :] for port in ports[start : start + AT_ONCE]]
