"""The data path sends, byte for byte, what the real device was recorded sending.

Each mode's captures are fed to the device in memory in the order of time: what the client and the
servers sent goes in, what they got from the real device has to come out. The one thing set from
the recording is the first sequence number of each connection, which the real device draws at
random; every other byte, checksums included, has to follow from it.
"""

from __future__ import annotations

import pytest

from softlab.packet import ETH_ARP, ETH_IPV6
from softlab.simulated import processing
from softlab.simulated.core import DataPath
from tests.softlab.simulated import devices, pcaps
from tests.softlab.simulated.devices import CLIENT_MAC, LAN, LAN_MAC, RS_MACS, WAN, WAN_MAC


def _sequence_numbers(mode: str) -> dict[tuple[bytes, int], int]:
    """(server's address, LIP's port) to the first sequence number the real device chose."""
    found = {}
    for who in ("rs1", "rs2"):
        for _, frame in pcaps.frames(f"{mode}-{who}"):
            if frame[6:12] != LAN_MAC or frame[12:14] == ETH_ARP:
                continue
            six = frame[12:14] == ETH_IPV6
            at = 14 + (40 if six else 20)
            proto = frame[20] if six else frame[23]
            if proto != 6 or frame[at + 13] != 0x02:
                continue
            daddr = frame[38:54] if six else frame[30:34]
            lport = int.from_bytes(frame[at : at + 2], "big")
            found[daddr, lport] = int.from_bytes(frame[at + 4 : at + 8], "big")
    return found


class Replayed:
    """A device that is given the recorded frames of one mode."""

    def __init__(self, mode: str, path: DataPath) -> None:
        self.path = path
        numbers = _sequence_numbers(mode)

        def first(laddr: bytes, daddr: bytes, lport: int, dport: int, now: float) -> int:
            return numbers[daddr, lport]

        path.first_sequence = first  # type: ignore[method-assign]
        self.sent: dict[str, list[bytes]] = {"client": [], "rs1": [], "rs2": []}
        self.expected: dict[str, list[bytes]] = {"client": [], "rs1": [], "rs2": []}
        self._play(mode)

    def _play(self, mode: str) -> None:
        for when, who, frame in pcaps.merged(mode):
            source = frame[6:12]
            if source in (LAN_MAC, WAN_MAC):
                self.expected[who].append(frame)
                continue
            port = WAN if who == "client" else LAN
            for leaving, out in processing.step(self.path, frame, port, when):
                self._deliver(leaving, out)

    def _deliver(self, port: int, frame: bytes) -> None:
        if port == WAN:
            self.sent["client"].append(frame)
        elif port == LAN:
            name = RS_MACS.get(frame[:6])
            for who in [name] if name else ["rs1", "rs2"]:
                self.sent[who].append(frame)


def _learn_neighbours(path: DataPath, *addresses: tuple[int, str, bytes]) -> None:
    """Neighbours the real device had learned before the capture began."""
    for port, text, hardware in addresses:
        path.neighbours[1].learn(port, devices.address(text), hardware, 0.0)


def _compare(replayed: Replayed, who: str) -> None:
    sent, expected = replayed.sent[who], replayed.expected[who]
    for number, (ours, theirs) in enumerate(zip(sent, expected, strict=False)):
        assert ours.hex() == theirs.hex(), f"{who}: frame {number} differs"
    assert len(sent) == len(expected), f"{who}: {len(sent)} frames sent, {len(expected)} recorded"


RS1, RS2 = RS_MACS


@pytest.mark.parametrize("who", ["client", "rs1", "rs2"])
def test_tcp_ipv4(who: str) -> None:
    """FullNAT TCP: sequence numbers, MSS, timestamps, TOA, ARP for the servers."""
    _compare(Replayed("fnat-tcp", devices.recorded()), who)


@pytest.mark.parametrize("who", ["client", "rs1", "rs2"])
def test_tcp_ipv6(who: str) -> None:
    """FullNAT TCP over IPv6 with the 20-byte TOA, neighbour discovery and echo replies."""
    _compare(Replayed("fnat-tcp6", devices.recorded()), who)


@pytest.mark.parametrize("who", ["client", "rs1", "rs2"])
def test_nat64(who: str) -> None:
    """IPv6 clients of IPv4 servers."""
    path = devices.recorded()
    _learn_neighbours(
        path,
        (LAN, "192.168.100.2", RS1),
        (LAN, "192.168.100.3", RS2),
        (WAN, "2001:db8:1::48", CLIENT_MAC),
    )
    # Two connections of the IPv4 service were alive: their ports of the LIP were taken.
    pool = path.addresses.lips[devices.address("192.168.100.200")].pools[1]
    for server in ("192.168.100.2", "192.168.100.3"):
        for _ in range(2):
            pool.take(devices.address(server), 80)
    _compare(Replayed("nat64", path), who)


@pytest.mark.parametrize("who", ["client", "rs1", "rs2"])
def test_udp_with_uoa(who: str) -> None:
    """The first three datagrams go as protocol 248, the others as UDP."""
    path = devices.recorded()
    _learn_neighbours(
        path,
        (LAN, "192.168.100.2", RS1),
        (LAN, "192.168.100.3", RS2),
        (WAN, "10.0.0.48", CLIENT_MAC),
    )
    _compare(Replayed("fnat-udp-uoa-opp", path), who)


def test_echo_of_the_vip() -> None:
    """ARP and echo replies; the identification counts on from the first recorded one."""
    path = devices.recorded()
    recorded = [f for _, f in pcaps.frames("icmp-vip-client") if f[6:12] == WAN_MAC]
    first = next(f for f in recorded if f[12:14] != ETH_ARP)
    pair = (devices.address("10.0.0.100"), devices.address("10.0.0.48"))
    path._idents[pair] = int.from_bytes(first[18:20], "big")
    _compare(Replayed("icmp-vip", path), "client")
