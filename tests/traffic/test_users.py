"""Flows between two real hosts: octets verified at both ends, and what goes wrong in words."""

from __future__ import annotations

import pytest

from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, Request, SeenByServers, UdpFlow
from dpvs_acceptance.traffic.users.judging import wrong_exchanges, wrong_talks
from dpvs_acceptance.traffic.users.making import begin, serving

from .conftest import Wire

PORT = 7100
BOTH = {"right": ["10.77.0.2", "fd77::2"]}
SIZES = (0, 1, 535, 600, 1448, 1460, 65_521, 1_000_000)


@pytest.mark.parametrize("address", BOTH["right"])
def test_bodies_of_every_size_arrive_whole(left: Station, right: Station, address: str) -> None:
    asked = [Dialogue((Request(up, 1000), Request(7, up))) for up in SIZES]
    with serving({"right": right}, BOTH, PORT) as seen:
        finished = begin(left, SocketAddress(address, PORT), asked).finished()
    assert wrong_talks(finished.talks, seen) == []
    assert len(seen.visits) == len(SIZES)


@pytest.mark.parametrize(
    ("end", "served"),
    [
        *(("close", served) for served in ("keep", "close", "half", "reset")),
        ("half", "keep"),
        ("reset", "keep"),
    ],
)
def test_connections_end_as_asked(left: Station, right: Station, end: str, served: str) -> None:
    asked = Dialogue((Request(20, 30), Request(20, 30, end=served)), end=end)  # type: ignore[arg-type]
    with serving({"right": right}, BOTH, PORT) as seen:
        finished = begin(left, SocketAddress("10.77.0.2", PORT), [asked]).finished()
    assert wrong_talks(finished.talks, seen) == []


def test_a_thousand_connections(left: Station, right: Station) -> None:
    asked = [Dialogue((Request(100, 100), Request(100, 100)))] * 1000
    with serving({"right": right}, BOTH, PORT) as seen:
        finished = begin(left, SocketAddress("10.77.0.2", PORT), asked).finished()
    assert wrong_talks(finished.talks, seen) == []
    assert len({talk.local for talk in finished.talks}) == 1000


def test_flows_of_datagrams(left: Station, right: Station) -> None:
    sizes = (12, 13, 600, 1472)
    asked = [UdpFlow(tuple(Datagram(up, down) for up in sizes for down in sizes))] * 50
    asked += [UdpFlow((Datagram(1), Datagram(11)))]
    with serving({"right": right}, BOTH, PORT) as seen:
        finished = begin(left, SocketAddress("fd77::2", PORT), udp=asked).finished()
    assert wrong_exchanges(finished.exchanges, seen) == []


def test_no_two_flows_have_the_same_port(left: Station, right: Station) -> None:
    """Ports that the kernel chooses: of 400 at once two would be the same in most runs."""
    asked = [UdpFlow((Datagram(12), Datagram(12)))] * 400
    with serving({"right": right}, BOTH, PORT) as seen:
        finished = begin(left, SocketAddress("fd77::2", PORT), udp=asked, parallel=400).finished()
    assert wrong_exchanges(finished.exchanges, seen) == []
    assert len({one.local for one in finished.exchanges}) == 400


def test_a_waiting_request_goes_on_by_order(left: Station, right: Station) -> None:
    asked = Dialogue((Request(1, 1), Request(1, 1, pause=-1.0)))
    with serving({"right": right}, BOTH, PORT):
        load = begin(left, SocketAddress("10.77.0.2", PORT), [asked], seconds=20.0)
        load.go_on()
        finished = load.finished()
    assert wrong_talks(finished.talks, None) == []
    assert finished.seconds < 10.0


def test_nothing_listens(left: Station) -> None:
    finished = begin(left, SocketAddress("10.77.0.2", PORT), [Dialogue()], seconds=1.0).finished()
    (words,) = wrong_talks(finished.talks, SeenByServers())
    assert "refused" in words


def test_a_server_that_is_silent_is_named_with_the_time(wire: Wire, left: Station) -> None:
    wire.right.ok("ip route add blackhole 10.77.0.1/32 table 77; ip rule add to 10.77.0.1 table 77")
    try:
        finished = begin(
            left, SocketAddress("10.77.0.2", PORT), [Dialogue()], seconds=0.3
        ).finished()
    finally:
        wire.right.ok("ip rule del to 10.77.0.1 table 77; ip route flush table 77")
    (words,) = wrong_talks(finished.talks, SeenByServers())
    assert "no connection within 0.3 s" in words
