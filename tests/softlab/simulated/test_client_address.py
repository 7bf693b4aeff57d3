"""The client's address in TCP, with and without room for it.

The options that reach the server are those that real builds of 1.10.2 and 1.8.10 were seen to
send for the same options of the client.
"""

from __future__ import annotations

import pytest
from scapy.layers.inet import TCP
from scapy.layers.inet6 import IPv6

from softlab.simulated import tcpopts
from tests.softlab.simulated import devices, talk
from tests.softlab.simulated.talk import Talk

TOA = "fe08c3500a000030"
FORGED = (254, bytes.fromhex("1f4001020304"))
FORGED_RAW = "fe081f4001020304"
NOP = ("NOP", None)
STAMP = ("Timestamp", (111, 0))
STAMP_RAW = "080a0000006f00000000"

# name: (options of the client's first ACK, at the server from 1.10.2, at the server from 1.8.10)
CASES = {
    "none": ([], TOA, TOA),
    "timestamp": (
        [NOP, NOP, STAMP],
        f"{TOA}0101{STAMP_RAW}",
        f"{TOA}0101{STAMP_RAW}",
    ),
    "forged": ([FORGED], TOA + FORGED_RAW, TOA + FORGED_RAW),
    "forged-no-room": ([FORGED] * 5, TOA, FORGED_RAW * 5),
    "nops-no-room": ([NOP] * 40, TOA, "01" * 40),
    "forged-and-nops": ([FORGED, *[NOP] * 32], TOA, FORGED_RAW + "01" * 32),
    "four-sack-blocks": (
        [NOP, NOP, ("SAck", (1, 2, 3, 4, 5, 6, 7, 8))],
        TOA,
        "01010522" + "".join(f"{n:08x}" for n in range(1, 9)),
    ),
    "timestamp-and-sack": (
        [NOP, NOP, STAMP, NOP, NOP, ("SAck", (1, 2, 3, 4, 5, 6))],
        f"{TOA}{STAMP_RAW}0000",
        f"0101{STAMP_RAW}0101051a" + "".join(f"{n:08x}" for n in range(1, 7)),
    ),
    "unknown-long": (
        [(77, bytes(36)), NOP, NOP],
        TOA,
        "4d26" + "00" * 36 + "0101",
    ),
    "timestamp-and-unknown": (
        [NOP, NOP, STAMP, (77, bytes(20)), *[NOP] * 6],
        f"{TOA}{STAMP_RAW}4d16" + "00" * 20,
        f"0101{STAMP_RAW}4d16" + "00" * 20 + "01" * 6,
    ),
    "just-room": (
        [(19, bytes(16)), NOP, NOP, STAMP, NOP],
        f"{TOA}1312" + "00" * 16 + f"0101{STAMP_RAW}0100",
        f"{TOA}1312" + "00" * 16 + f"0101{STAMP_RAW}0100",
    ),
}


def _talk(version: str = "1.10.2", vip: str = talk.VIP) -> Talk:
    path = devices.recorded(version=version)
    talk.know(path)
    return Talk(path, vip)


def _options(segment: talk.Packet) -> str:
    raw = bytes(segment[TCP])
    return raw[20 : segment[TCP].dataofs * 4].hex()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("version", "column"), [("1.10.2", 1), ("1.8.10", 2)])
def test_options_at_the_server(name: str, version: str, column: int) -> None:
    case = CASES[name]
    conversation = _talk(version)
    conversation.open()
    (got,) = conversation.from_client(conversation.segment("A", options=case[0]))
    assert _options(got) == case[column]


def test_no_room_is_logged() -> None:
    """Since options are pruned, a packet that still has no room is a line of the log."""
    conversation = _talk()
    conversation.open()
    big = conversation.segment("PA", b"x" * 1460)
    (got,) = conversation.from_client(big)
    assert _options(got) == ""
    assert conversation.path.log == [
        (
            "WARNING",
            "IPVS",
            "TOA add failed(no room): [10.0.0.48]:50000 -> [10.0.0.100]:80;"
            " [192.168.100.200]:1025 -> [192.168.100.2]:80",
        )
    ]


@pytest.mark.parametrize(("size", "expected"), [(1452, TOA), (1453, "")])
def test_room_in_the_mtu(size: int, expected: str) -> None:
    """The option goes where IP header, TCP header, option and payload fit the link."""
    conversation = _talk()
    conversation.open()
    (got,) = conversation.from_client(conversation.segment("PA", b"x" * size))
    assert _options(got) == expected


def test_which_segments_have_it() -> None:
    """Every segment of the client that still acknowledges nothing of the server's data."""
    conversation = _talk()
    syn = conversation.open(options=[("MSS", 1460)])
    assert _options(syn) == "020405b4"

    def at_server(flags: str, payload: bytes = b"", **fields: object) -> str:
        (got,) = conversation.from_client(conversation.segment(flags, payload, **fields))
        return _options(got)

    assert at_server("A") == TOA
    assert at_server("PA", b"GET / HTTP/1.0\r\n\r\n") == TOA
    assert at_server("PA", b"GET / HTTP/1.0\r\n\r\n") == TOA, "again, as it is sent again"
    assert at_server("FA") == TOA
    assert at_server("A", ack=conversation.isn + 2) == ""
    assert at_server("R", ack=conversation.isn + 1) == ""


def test_not_on_what_the_server_sends() -> None:
    conversation = _talk()
    syn = conversation.open()
    (got,) = conversation.from_server(conversation.answer(syn, "PA", b"hello", seq=5001))
    assert _options(got) == ""


@pytest.mark.parametrize(
    ("version", "expected"), [("1.10.2", "020405b4"), ("1.8.10", f"{TOA}020405b4")]
)
def test_syn(version: str, expected: str) -> None:
    assert _options(_talk(version).open(options=[("MSS", 1460)])) == expected


@pytest.mark.parametrize("vip", [talk.VIP6, talk.VIP64])
def test_ipv6_client(vip: str) -> None:
    """An IPv6 client's address takes 20 bytes, whatever the server's family."""
    conversation = _talk(vip=vip)
    conversation.open()
    (got,) = conversation.from_client(conversation.segment("A", options=[NOP, NOP, STAMP]))
    client = "20010db8000100000000000000000048"
    assert _options(got) == f"fe14c350{client}0101{STAMP_RAW}"
    assert (IPv6 in got) == (vip == talk.VIP6)


def test_mss_is_lowered_towards_the_client() -> None:
    """By what the option takes: 8 bytes for an IPv4 client, 20 for one of IPv6."""
    for vip, expected in ((talk.VIP, 1452), (talk.VIP6, 1440), (talk.VIP64, 1440)):
        conversation = _talk(vip=vip)
        (syn,) = conversation.from_client(conversation.segment("S"))
        answer = conversation.answer(syn, "SA", options=[("MSS", 1460)])
        (got,) = conversation.from_server(answer)
        assert got[TCP].options == [("MSS", expected)]


def test_timestamp_of_a_syn_is_blanked() -> None:
    conversation = _talk()
    syn = conversation.open(options=[("MSS", 1460), ("SAckOK", b""), STAMP, NOP, ("WScale", 7)])
    assert _options(syn) == "020405b40402" + "01" * 10 + "01030307"


def test_sack_blocks_are_moved_back() -> None:
    """The server acknowledges in its own view of the client's sequence numbers."""
    conversation = _talk()
    syn = conversation.open()
    moved = syn[TCP].seq - 1000
    blocks = tuple(edge + moved & 0xFFFFFFFF for edge in (2000, 3000, 4000, 5000))
    options = [NOP, NOP, ("SAck", blocks)]
    answer = conversation.answer(syn, "A", seq=5001, ack=syn[TCP].seq + 1, options=options)
    (got,) = conversation.from_server(answer)
    assert got[TCP].ack == 1001
    assert dict(got[TCP].options)["SAck"] == (2000, 3000, 4000, 5000)


def test_walk_stops_where_options_are_broken() -> None:
    assert tcpopts.walk(bytes([1, 1, 8, 10])) == []
    assert tcpopts.walk(bytes([2, 4, 5, 180, 0, 2, 4])) == [(2, 0, 4)]
    assert tcpopts.walk(bytes([2, 1, 0, 0])) == []
