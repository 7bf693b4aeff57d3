"""UOA: the UDP server of a real server, with and without the module."""

import json
import socket
import struct

import pytest

from softlab.realserver import uoa
from tests.softlab.labs import Lab

OPTION4 = bytes.fromhex("1f089c400a000009")
OPTION6 = bytes.fromhex("1f14f57c") + socket.inet_pton(socket.AF_INET6, "2001:db8:172::1")

#: Runs on rs2: sends one datagram to the server on rs1 and prints what comes back.
#: Arguments: family, how (plain, opp, ipo), hex of the option, checksum (right or wrong).
SENDER = """
import socket, struct, sys
six, how, option, kind = sys.argv[1] == "6", sys.argv[2], bytes.fromhex(sys.argv[3]), sys.argv[4]
family = socket.AF_INET6 if six else socket.AF_INET
own, to = ("fd00:229::2", "fd00:229::1") if six else ("192.168.229.2", "192.168.229.1")
udp = socket.socket(family, socket.SOCK_DGRAM)
udp.bind((own, 0))
udp.settimeout(2)
port = udp.getsockname()[1]
data = b"hello"
raw = None
if how == "opp":
    raw = socket.socket(family, socket.SOCK_RAW, 248)
    raw.connect((to, 0))
    raw.settimeout(1 if kind == "right" else 0.2)
    body = struct.pack("!HHHH", port, 8053, 8 + len(data), 0) + data
    pseudo = socket.inet_pton(family, own) + socket.inet_pton(family, to)
    pseudo += struct.pack("!IHH", len(body), 0, 17)
    padded = pseudo + body + b"\\0" * (len(body) % 2)
    total = sum(struct.unpack("!%dH" % (len(padded) // 2), padded))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    check = total ^ 0xffff if kind == "right" else total ^ 0x1234
    body = body[:6] + struct.pack("!H", check) + body[8:]
    version = 1 if len(option) == 8 else 2
    raw.send(struct.pack("!BBH", version << 4, 17, 4 + len(option)) + option + body)
    udp.settimeout(1 if kind == "right" else 0.3)
else:
    if how == "ipo":
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, option)
    udp.sendto(data, (to, 8053))
try:
    answer = udp.recv(2000).decode()
    print(answer.replace('"%s", %d' % (own, port), '"own", 0'), end="")
except TimeoutError:
    try:
        if raw is not None:
            raw.recv(100)
        print("nothing", end="")
    except TimeoutError:
        print("nothing", end="")
    except OSError as error:
        print(error.strerror, end="")
"""


def send(lab: Lab, family: int, how: str, option: bytes = b"", checksum: str = "right") -> object:
    hex_ = option.hex() or "''"
    said = lab.ssh("rs2", f"python3 - {family} {how} {hex_} {checksum}", SENDER)
    return json.loads(said) if said.startswith("{") else said


@pytest.fixture
def loaded(lab: Lab):  # type: ignore[no-untyped-def]
    lab.ssh("rs1", "insmod /opt/toa/uoa.ko")
    yield lab
    lab.ssh("rs1", "rmmod uoa")


@pytest.mark.parametrize("family", [4, 6])
def test_plain_datagrams_are_answered_with_their_peer(lab: Lab, family: int) -> None:
    assert send(lab, family, "plain") == {"peer": ["own", 0], "uoa": None}


def test_without_the_module_the_kernel_refuses_the_protocol(lab: Lab) -> None:
    """IPv4: ICMP protocol unreachable; IPv6: ICMPv6 parameter problem."""
    assert send(lab, 4, "opp", OPTION4) == "Protocol not available"
    assert send(lab, 6, "opp", OPTION6) == "Protocol error"
    assert send(lab, 4, "ipo", OPTION4) == {"peer": ["own", 0], "uoa": None}


def test_with_the_module_the_client_is_named(loaded: Lab) -> None:
    client4, client6 = ["10.0.0.9", 40000], ["2001:db8:172::1", 62844]
    assert send(loaded, 4, "opp", OPTION4) == {"peer": ["own", 0], "uoa": client4}
    assert send(loaded, 6, "opp", OPTION6) == {"peer": ["own", 0], "uoa": client6}
    # NAT64: an IPv6 client, its datagram as IPv4.
    assert send(loaded, 4, "opp", OPTION6) == {"peer": ["own", 0], "uoa": client6}
    assert send(loaded, 4, "ipo", OPTION4) == {"peer": ["own", 0], "uoa": client4}
    assert send(loaded, 4, "plain") == {"peer": ["own", 0], "uoa": None}


def test_a_wrong_checksum_is_dropped_as_by_the_kernel(loaded: Lab) -> None:
    assert send(loaded, 4, "opp", OPTION4, "wrong") == "nothing"
    assert send(loaded, 6, "opp", OPTION6, "wrong") == "nothing"


def test_the_client_is_remembered_for_the_flow(loaded: Lab) -> None:
    """DPVS sends UOA on the first three datagrams only; uoa.ko keeps it for the rest."""
    script = """
import json, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2); s.connect(("192.168.229.1", 8053))
def ask():
    s.send(b"x"); return json.loads(s.recv(999))["uoa"]
s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex("1f089c400a000009")); first = ask()
s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b""); print(first, ask())
"""
    assert loaded.ssh("rs2", "python3 -", script) == "['10.0.0.9', 40000] ['10.0.0.9', 40000]\n"


def test_the_server_can_be_stopped_and_started_with_the_module_loaded(loaded: Lab) -> None:
    stop = "p=$(cat /run/udp-echo.pid); kill $p; while [ -e /proc/$p ]; do sleep 0.02; done"
    loaded.ssh("rs1", f"{stop}; udp-echo")
    uoa_seen = send(loaded, 4, "opp", OPTION4)
    assert uoa_seen == {"peer": ["own", 0], "uoa": ["10.0.0.9", 40000]}


OPP4 = bytes.fromhex("1011000c1f089c400a000009")


def udp(data: bytes = b"hi") -> bytes:
    return struct.pack("!HHHH", 40000, 8053, 8 + len(data), 0) + data


def test_reading_the_documented_bytes() -> None:
    opp = uoa.read_opp(OPP4 + udp())
    assert opp.client == ("10.0.0.9", 40000)
    assert (opp.source_port, opp.destination_port, opp.data) == (40000, 8053, b"hi")
    assert uoa.read_opp(OPP4 + udp(b"")).data == b""  # UOA sent ahead, with an empty datagram


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"\x10\x11", "2 bytes are no opp header"),
        (b"\x10\x06\x00\x0c" + OPP4[4:] + udp(), "inner protocol 6"),
        (b"\x10\x11\x00\xff" + OPP4[4:] + udp(), "opp length 255"),
        (b"\x10\x11\x00\x02" + OPP4[4:] + udp(), "opp length 2"),
        (OPP4 + udp()[:7], "opp length 12"),
        (OPP4 + struct.pack("!HHHH", 1, 2, 99, 0), "UDP length 99 in 8 bytes"),
    ],
)
def test_bad_opp_is_refused_with_a_reason(payload: bytes, why: str) -> None:
    with pytest.raises(uoa.BadOpp, match=why):
        uoa.read_opp(payload)


@pytest.mark.parametrize(
    ("options", "client"),
    [
        (b"", None),
        (b"\x01\x01" + OPTION4, ("10.0.0.9", 40000)),
        (b"\x94\x04\x00\x00" + OPTION4, ("10.0.0.9", 40000)),  # behind a router alert
        (b"\x00" + OPTION4, None),
        (b"\x1f\x09" + OPTION4[2:] + b"\x00", None),
        (b"\x1f\x08\x9c", None),
        (b"\x07\x00" + OPTION4, None),
        (OPTION6, ("2001:db8:172::1", 62844)),
    ],
)
def test_reading_options(options: bytes, client: uoa.Endpoint | None) -> None:
    assert uoa.read_options(options) == client
