"""TOA, UOA and TCP options: the exact bytes, strictly."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.traffic import tcpoptions, toa, uoa
from dpvs_acceptance.traffic.tcpoptions import TcpOption
from dpvs_acceptance.traffic.views import TcpView, UdpView

from . import recorded

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
PORTS = st.integers(0, 65535)


def test_toa_bytes_as_documented() -> None:
    assert toa.encode("10.0.0.9", 40000) == bytes.fromhex("fe089c400a000009")
    six = bytes.fromhex("fe149c4020010db8000000000000000000000009")
    assert toa.encode("2001:db8::9", 40000) == six
    assert toa.decode(six, 1) == toa.Toa("2001:db8::9", 40000, 1)
    assert str(toa.decode(six)) == "TOA [2001:db8::9]:40000"


def test_uoa_bytes_as_documented() -> None:
    four = bytes.fromhex("1011000c1f089c400a000009")
    assert uoa.encode_opp("10.0.0.9", 40000) == four
    assert uoa.decode_opp(four + b"udp") == (uoa.Uoa("10.0.0.9", 40000, "opp"), 17, b"udp")
    six = bytes.fromhex("201100181f149c4020010db8000000000000000000000009")
    assert uoa.encode_opp("2001:db8::9", 40000) == six
    assert uoa.block("10.0.0.9", 40000) == four[4:]


@given(address=ADDRESSES, port=PORTS)
def test_what_is_encoded_is_decoded(address: str, port: int) -> None:
    seen = toa.decode(toa.encode(address, port))
    assert (ipaddress.ip_address(seen.address), seen.port) == (ipaddress.ip_address(address), port)
    carried, inner, rest = uoa.decode_opp(uoa.encode_opp(address, port) + b"rest")
    assert (ipaddress.ip_address(carried.address), carried.port) == (
        ipaddress.ip_address(address),
        port,
    )
    assert (inner, rest) == (17, b"rest")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "expected TOP"),
        ("fd089c400a000009", "kind 254, saw fd 08"),
        ("fe", "kind 254"),
        ("fe079c400a0000", "saw length byte 7 on 7 bytes"),
        ("fe089c400a0000", "saw length byte 8 on 7 bytes"),
        ("fe149c400a000009", "saw length byte 20 on 8 bytes"),
        ("fe0a9c400a0000090000", "saw length byte 10 on 10 bytes"),
    ],
)
def test_toa_is_read_strictly(data: str, words: str) -> None:
    words = words.replace("TOP", "TCP option kind 254, saw nothing")
    with pytest.raises(toa.ToaError, match=words):
        toa.decode(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("1011", "opp header of 4 bytes"),
        ("3011000c1f089c400a000009", "version byte 0x10 or 0x20, saw 0x30"),
        ("1111000c1f089c400a000009", "saw 0x11"),
        ("101100181f089c400a000009", "opp length 12 for version 1, saw 24"),
        ("1011000c1f089c400a0000", "saw 12 in 11 bytes"),
        ("1011000c1e089c400a000009", "op_code 0x1f, saw 1e"),
        ("1011000c1f149c400a000009", "length byte 20 on 8 bytes"),
    ],
)
def test_opp_is_read_strictly(data: str, words: str) -> None:
    with pytest.raises(uoa.UoaError, match=words):
        uoa.decode_opp(bytes.fromhex(data))


def test_ipo_among_other_ip_options() -> None:
    block = uoa.block("10.0.0.9", 40000)
    expected = uoa.Uoa("10.0.0.9", 40000, "ipo")
    assert uoa.decode_ipo(block) == expected
    assert uoa.decode_ipo(b"\x01\x01\x94\x04\0\0" + block) == expected
    assert uoa.decode_ipo(b"\x94\x04\0\0") is None
    assert uoa.decode_ipo(b"\x00" + block) is None
    for broken in (b"\x94\x01" + block, block[:-1], b"\x1f"):
        with pytest.raises(uoa.UoaError):
            uoa.decode_ipo(broken)


OPTION = st.one_of(
    st.just(TcpOption(tcpoptions.NOP)),
    st.builds(TcpOption, st.integers(2, 255), st.binary(max_size=20)),
)


@given(st.lists(OPTION, max_size=12).map(tuple), st.booleans(), st.binary(max_size=3))
def test_options_survive_the_header(options: tcpoptions.Options, ended: bool, tail: bytes) -> None:
    if ended:
        options = (*options, TcpOption(tcpoptions.EOL))
    else:
        tail = b""
    seen, left = tcpoptions.decode(tcpoptions.encode(options) + tail)
    assert (seen, left) == (options, tail)
    assert not tcpoptions.broken(seen, left)


def test_an_option_that_makes_no_sense_ends_the_options() -> None:
    for raw in (b"\x01\x02\x00\x01", b"\x01\x02\x05\x01", b"\x02"):
        options, left = tcpoptions.decode(raw)
        assert tcpoptions.encode(options) + left == raw
        assert tcpoptions.broken(options, left)


def test_options_as_people_read_them() -> None:
    options = (
        tcpoptions.mss(1452),
        TcpOption(tcpoptions.SACK_PERMITTED),
        *(TcpOption(tcpoptions.NOP),) * 11,
        tcpoptions.wscale(10),
        tcpoptions.timestamp(7, 8),
        tcpoptions.client_address("10.0.0.9", 40000),
        TcpOption(254, b"\0"),
    )
    assert tcpoptions.text(options) == (
        "MSS 1452, SACK-OK, NOP x11, WScale 10, Timestamp 7/8, TOA 10.0.0.9:40000, TOA? fe 03 00"
    )
    assert tcpoptions.text(()) == "none"


def test_toa_on_the_recorded_packets_and_on_no_other() -> None:
    """On a real DPVS v1.10.2: first option of the third handshake packet and of the request."""
    seen: dict[str, list[str]] = {}
    for mode in ("fnat-tcp", "fnat-tcp6", "nat64"):
        for name in ("rs1", "rs2"):
            for view in recorded.views(mode, name):
                if isinstance(view, TcpView) and (option := view.toa()):
                    assert option.position == 0
                    assert len(option.encode()) == (8 if mode == "fnat-tcp" else 20)
                    seen.setdefault(mode, []).append(f"{option.address} {view.flags}")
    assert seen["fnat-tcp"] == ["10.0.0.48 A", "10.0.0.48 PA"] * 4
    assert seen["fnat-tcp6"] == seen["nat64"] == ["2001:db8:1::48 A", "2001:db8:1::48 PA"] * 2
    for mode in ("fnat-tcp", "fnat-tcp6", "nat64"):
        client = [v for v in recorded.views(mode, "client") if isinstance(v, TcpView)]
        assert client
        assert not [v for v in client if v.toa()]


def test_uoa_on_the_recorded_datagrams() -> None:
    views = [v for v in recorded.views("fnat-udp-uoa-opp", "rs1") if isinstance(v, UdpView)]
    requests = [v for v in views if v.dport == 8053]
    carried = uoa.Uoa("10.0.0.48", 36463, "opp")
    assert [v.uoa for v in requests] == [carried] * 3 + [None] * 3
    assert [v.protocol for v in requests] == [248] * 3 + [17] * 3
    assert [v.checksum for v in requests] == ["absent"] * 3 + ["correct"] * 3
    assert [v.payload for v in requests] == [f"msg{n}".encode() for n in range(6)]
