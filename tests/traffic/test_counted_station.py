"""A station that counts what it sends, on a real wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dpvs_acceptance.testbed.sending import GENTLE, CountedStation, Sending
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.udp import exchange
from dpvs_acceptance.verdict.causes import NotTested

from .conftest import Wire

OWN, RIGHT, BORROWED = "10.77.0.1", "10.77.0.2", "10.77.0.99"


@pytest.fixture
def counted(wire: Wire) -> Iterator[CountedStation]:
    with CountedStation.start(wire.left, "eth1") as station:
        station.sending = Sending()
        yield station


def sent(station: CountedStation) -> dict[str, int]:
    return {kind: count for kind, count in station.sending.to_json()["sent"].items() if count}


def syn(station: Station, source: str, right: Station) -> bytes:
    return frames.tcp(frames.Ends(station.mac, right.mac, source, RIGHT), 20000, 9, "S", seq=1)


def test_each_kind_is_counted_as_what_it_is(counted: CountedStation, right: Station) -> None:
    for target in (RIGHT, "fd77::2"):
        # One more than the check asks for: it shows that no duplicate is under way.
        assert ping(counted, target, mac=right.mac, count=3).received == 3
    assert sent(counted) == {"echoes": 8}
    exchange(counted, SocketAddress(RIGHT, 8053), [b"1", b"2"], seconds=0.1)
    assert sent(counted) == {"echoes": 8, "datagrams": 2}
    counted.send([syn(counted, OWN, right), syn(counted, BORROWED, right)], repeat=2)
    with counted.proxy_arp(BORROWED, "10.77.0.98"):
        pass
    assert sent(counted) == {
        "echoes": 8,
        "datagrams": 2,
        "crafted packets": 4,
        "connections": 4,
        "borrowed addresses": 2,
    }


def test_an_echo_from_another_s_address_or_in_fragments_is_crafted(
    counted: CountedStation, right: Station
) -> None:
    for source, flags in ((BORROWED, 2), (OWN, 1)):
        ends = frames.Ends(counted.mac, right.mac, source, RIGHT, dont_fragment=flags == 2)
        frame = bytearray(frames.echo_request(ends, 1, 1, b"x" * 16))
        frame[20] |= flags << 5
        counted.send([bytes(frame)])
    assert sent(counted) == {"crafted packets": 2, "borrowed addresses": 1}


def test_a_gentle_station_sends_no_crafted_packet(counted: CountedStation, right: Station) -> None:
    counted.sending = Sending(GENTLE)
    with right.capture([Match(src=OWN), Match(src=BORROWED)]) as capture:
        for source in (OWN, BORROWED):
            with pytest.raises(NotTested, match=r"^--gentle: no crafted packets$"):
                counted.send([syn(counted, source, right)])
        with pytest.raises(NotTested, match="no borrowed addresses"), counted.proxy_arp(BORROWED):
            pass
        # What came before the echoes would have been captured before them.
        assert ping(counted, RIGHT, mac=right.mac, count=2).received == 2
        assert len(capture.wait_for(Match(src=OWN), 3).frames) == 3
    assert {frame.data[23] for frame in capture.frames} == {1}, "ICMP alone"
