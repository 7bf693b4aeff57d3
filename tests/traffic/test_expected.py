"""Expectations where no recording reaches: no room for TOA, other versions, UOA's other modes.

What must come out is written here by hand, from DPVS's source, not computed by the same code.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpvs_acceptance.traffic import frames, tcpoptions, uoa
from dpvs_acceptance.traffic.connection import (
    Arm,
    Behaviour,
    Connection,
    FullNat,
    SocketAddress,
    UnexpectedConnection,
)
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.expected import (
    NotPredicted,
    carries_toa,
    tcp_at_client,
    tcp_at_rs,
    udp_at_client,
    udp_at_rs,
)
from dpvs_acceptance.traffic.pairing import Conversation, PacketPair
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN
from dpvs_acceptance.traffic.tcpoptions import NOP, SACK, TcpOption
from dpvs_acceptance.traffic.toa_insertion import prune
from dpvs_acceptance.traffic.verify import check_udp
from dpvs_acceptance.traffic.views import TcpView, UdpView

MAC_C, MAC_W, MAC_L, MAC_R = (f"02:00:00:00:00:{n:02x}" for n in (1, 2, 3, 4))
OFFSET, RS_FIRST = 0xFFFFFFF0, 5001


def connection(
    behaviour: Behaviour | None = None, *, families: str = "44", mtu: int = 1500
) -> Connection:
    wan6, lan6 = families[0] == "6", families[1] == "6"
    rs = SocketAddress("fd00::8" if lan6 else "192.0.2.8", 8080)
    lip = "fd00::fe" if lan6 else "192.0.2.254"
    service = FullNat(
        SocketAddress("2001:db8::1" if wan6 else "198.51.100.1", 80),
        frozenset({lip}),
        {rs: MAC_R},
        Arm(MAC_W),
        Arm(MAC_L, mtu=mtu),
        MAC_C,
        behaviour or Behaviour(),
    )
    client = SocketAddress("2001:db8::9" if wan6 else "203.0.113.9", 40000)
    return Connection(service, client, SocketAddress(lip, 1025), rs, OFFSET, RS_FIRST)


def ends_at_client(facts: Connection) -> frames.Ends:
    return frames.Ends(MAC_C, MAC_W, facts.client.address, facts.service.vip.address)


def ends_at_rs(facts: Connection) -> frames.Ends:
    return frames.Ends(MAC_L, MAC_R, facts.lip.address, facts.rs.address)


def client_tcp(facts: Connection, flags: str, **fields: object) -> TcpView:
    data = frames.tcp(ends_at_client(facts), 40000, 80, flags, seq=1000, **fields)  # type: ignore[arg-type]
    view = dissect(data)
    assert isinstance(view, TcpView)
    return view


def rs_tcp(facts: Connection, flags: str, **fields: object) -> TcpView:
    """The frame at the RS, built by hand (Scapy), not by the code under test."""
    seq = (1000 + OFFSET) % 2**32
    data = frames.tcp(ends_at_rs(facts), 1025, 8080, flags, seq=seq, **fields)  # type: ignore[arg-type]
    view = dissect(data)
    assert isinstance(view, TcpView)
    return view


TOA4 = tcpoptions.client_address("203.0.113.9", 40000)
TOA6 = tcpoptions.client_address("2001:db8::9", 40000)
NOPS = (TcpOption(NOP),)


def test_a_syn_of_each_version() -> None:
    no_timestamp = (*LINUX_SYN[:2], *NOPS * 11, LINUX_SYN[4])
    for version, options in (
        ("1.10.2", no_timestamp),
        ("1.9.6", no_timestamp),
        ("1.9.4", (TOA4, *no_timestamp)),
        ("1.8-10", (TOA4, *no_timestamp)),
    ):
        facts = connection(Behaviour.of_version(version))
        sent = client_tcp(facts, "S", options=LINUX_SYN)
        seen = rs_tcp(facts, "S", options=options)
        assert not differences(tcp_at_rs(sent, facts), seen), version


@pytest.mark.parametrize(
    ("version", "flags", "ack", "carried"),
    [
        ("1.10.2", "A", RS_FIRST, True),
        ("1.10.2", "PA", RS_FIRST, True),
        ("1.10.2", "FA", RS_FIRST, True),
        ("1.8.4", "FA", RS_FIRST, False),
        ("1.8.8", "FA", RS_FIRST, True),
        ("1.10.2", "RA", RS_FIRST, False),
        ("1.10.2", "SA", RS_FIRST, False),
        ("1.10.2", "A", RS_FIRST + 1, False),
        ("1.9.4", "A", RS_FIRST + 1, False),
    ],
)
def test_which_packets_carry_toa(version: str, flags: str, ack: int, carried: bool) -> None:
    facts = connection(Behaviour.of_version(version))
    sent = client_tcp(facts, flags, ack=ack)
    assert carries_toa(sent, facts) is carried
    seen = rs_tcp(facts, flags, ack=ack, options=(TOA4,) if carried else ())
    assert not differences(tcp_at_rs(sent, facts), seen)


def test_no_toa_with_a_service_that_has_none() -> None:
    facts = connection(Behaviour.of_version("1.10.2", toa=False))
    assert not carries_toa(client_tcp(facts, "A", ack=RS_FIRST), facts)


def test_a_forged_toa_stays_behind_the_devices_own_while_there_is_room() -> None:
    """The RS's module reads the first one; the client's own only goes when room is needed."""
    facts = connection()
    forged = tcpoptions.client_address("10.66.66.66", 6)
    sent = client_tcp(facts, "A", ack=RS_FIRST, options=(forged,))
    seen = rs_tcp(facts, "A", ack=RS_FIRST, options=(TOA4, forged))
    assert not differences(tcp_at_rs(sent, facts), seen)
    believed = rs_tcp(facts, "A", ack=RS_FIRST, options=(forged,))
    assert {d.field for d in differences(tcp_at_rs(sent, facts), believed)} == {
        "options",
        "data_offset",
        "ip_length",
    }


def test_a_full_header_makes_room_by_nops_and_forged_toa_then_by_sack() -> None:
    facts = connection()
    stamp = tcpoptions.timestamp(5, 6)
    sack = TcpOption(SACK, bytes(range(24)))
    full = (*NOPS * 2, stamp, *NOPS * 2, sack)  # 2+10+2+26 = 40
    sent = client_tcp(facts, "A", ack=RS_FIRST, options=full)
    # SACK is not protected: it goes whole, the timestamp stays and is filled up to 4 bytes.
    eol = TcpOption(tcpoptions.EOL)
    seen = rs_tcp(facts, "A", ack=RS_FIRST, options=(TOA4, stamp, eol, eol))
    assert not differences(tcp_at_rs(sent, facts), seen)
    forged = tcpoptions.client_address("2001:db8::66", 6)  # 20 bytes: enough when it goes
    full = (forged, stamp, TcpOption(30, bytes(8)))
    sent = client_tcp(facts, "A", ack=RS_FIRST, options=full)
    seen = rs_tcp(facts, "A", ack=RS_FIRST, options=(TOA4, stamp, TcpOption(30, bytes(8))))
    assert not differences(tcp_at_rs(sent, facts), seen)
    old = connection(Behaviour.of_version("1.9.4"))
    unchanged = rs_tcp(old, "A", ack=RS_FIRST, options=full)
    assert not differences(tcp_at_rs(sent, old), unchanged)


def test_pruning_in_detail() -> None:
    raw = tcpoptions.encode
    mss, scale = tcpoptions.mss(1460), tcpoptions.wscale(7)
    assert prune(raw((mss,)), 8, True) == raw((mss,))  # less there than is wanted: left alone
    kept = (mss, scale)
    nops = (*NOPS * 9, *kept)
    assert prune(raw(nops), 8, True) == raw(kept) + b"\0"
    sack = TcpOption(SACK, bytes(8))
    assert prune(raw((sack, *kept)), 8, True) == raw(kept) + b"\0"
    assert prune(raw((sack, *kept)), 8, False) == raw(kept) + b"\0"
    mptcp = TcpOption(30, bytes(10))
    assert prune(raw((mptcp, *kept)), 8, True) == raw((mptcp, *kept)) + b"\0"
    assert prune(raw((mptcp, *kept)), 8, False) == raw(kept) + b"\0"
    two = (tcpoptions.timestamp(1), tcpoptions.timestamp(2))
    assert prune(raw(two), 8, False) == raw(two[:1]) + b"\0\0"  # the second is not protected
    ended = raw((mss,)) + b"\0" + raw((sack,))[:7]
    assert prune(ended, 8, True) == raw((mss,))  # what stands behind EOL is nothing


def test_a_segment_that_fills_the_mtu_has_no_room_for_toa() -> None:
    facts = connection(mtu=1500)
    for payload, options, carried in (
        (b"x" * 1452, (), (TOA4,)),  # 20 + 20 + 1452 + 8 is exactly 1500
        (b"x" * 1453, (), ()),
        (b"x" * 1444, (*NOPS * 8,), (TOA4, *NOPS * 8)),
        (b"x" * 1452, (*NOPS * 8,), (TOA4,)),  # NOPs give way
    ):
        sent = client_tcp(facts, "PA", ack=RS_FIRST, options=options, payload=payload)
        seen = rs_tcp(facts, "PA", ack=RS_FIRST, options=carried, payload=payload)
        assert not differences(tcp_at_rs(sent, facts), seen), (len(payload), options)


def test_ttl_step_and_vlans() -> None:
    facts = connection(Behaviour.of_version("1.10.2", xmit_ttl=True))
    facts = replace(facts, service=replace(facts.service, lan=Arm(MAC_L, vlan=100)))
    sent = client_tcp(facts, "A", ack=1)
    ends = replace(ends_at_rs(facts), ttl=63, vlan=100)
    data = frames.tcp(ends, 1025, 8080, "A", seq=(1000 + OFFSET) % 2**32, ack=1)
    assert not differences(tcp_at_rs(sent, facts), dissect(data))


def test_sack_blocks_and_acks_of_the_rs_are_moved_back() -> None:
    facts = connection()
    at_rs = TcpOption(SACK, ((2000 + OFFSET) % 2**32).to_bytes(4, "big") + bytes(4))
    at_client = TcpOption(SACK, (2000).to_bytes(4, "big") + (-OFFSET % 2**32).to_bytes(4, "big"))
    ends = frames.Ends(MAC_R, MAC_L, facts.rs.address, facts.lip.address)
    fields = {"seq": 77, "payload": b"data"}
    ack = (3000 + OFFSET) % 2**32
    sent = dissect(
        frames.tcp(
            ends,
            8080,
            1025,
            "PA",
            ack=ack,
            options=(*NOPS * 2, at_rs),
            **fields,
        )
    )
    back = frames.Ends(MAC_W, MAC_C, facts.service.vip.address, facts.client.address)
    seen = dissect(
        frames.tcp(back, 80, 40000, "PA", ack=3000, options=(*NOPS * 2, at_client), **fields)
    )
    assert isinstance(sent, TcpView)
    assert not differences(tcp_at_client(sent, facts), seen)


def test_a_reset_without_ack_is_not_held_to_its_ack_field() -> None:
    facts = connection()
    ends = frames.Ends(MAC_R, MAC_L, facts.rs.address, facts.lip.address)
    sent = dissect(frames.tcp(ends, 8080, 1025, "R", seq=9))
    back = frames.Ends(MAC_W, MAC_C, facts.service.vip.address, facts.client.address)
    assert isinstance(sent, TcpView)
    for ack in (0, 16):
        seen = dissect(frames.tcp(back, 80, 40000, "R", seq=9, ack=ack))
        assert not differences(tcp_at_client(sent, facts), seen)


# -- UDP


def client_udp(facts: Connection, payload: bytes, **fields: object) -> UdpView:
    view = dissect(frames.udp(ends_at_client(facts), 40000, 80, payload, ip_id=7, **fields))  # type: ignore[arg-type]
    assert isinstance(view, UdpView)
    return view


def opp_at_rs(facts: Connection, payload: bytes) -> bytes:
    """Protocol 248 behind the IP header, by hand."""
    s = frames.scapy()
    six = facts.rs.version == 6
    datagram = s.UDP(sport=1025, dport=8080) / s.Raw(payload)
    if six:
        # Scapy computes the checksum over the addresses when UDP is directly behind IPv6.
        direct = bytes(frames.network(ends_at_rs(facts)) / datagram)
        inner = direct[54:]
        head = frames.network(ends_at_rs(facts), nh=248)
    else:
        inner = bytes(s.UDP(sport=1025, dport=8080, chksum=0) / s.Raw(payload))
        ip_id = 7 if facts.client.version == 4 else 0
        head = frames.network(ends_at_rs(facts), ip_id, proto=248)
    return bytes(head / s.Raw(uoa.encode_opp(facts.client.address, 40000) + inner))


@pytest.mark.parametrize("families", ["44", "66", "64"])
def test_opp_on_the_first_three_datagrams(families: str) -> None:
    facts = connection(families=families)
    sent = client_udp(facts, b"hello")
    for ordinal in range(3):
        (expected,) = udp_at_rs(sent, facts, ordinal)
        assert not differences(expected, dissect(opp_at_rs(facts, b"hello")))
    (expected,) = udp_at_rs(sent, facts, 3)
    ip_id = 7 if families == "44" else 0
    plain = frames.udp(ends_at_rs(facts), 1025, 8080, b"hello", ip_id=ip_id)
    assert not differences(expected, dissect(plain))
    assert differences(expected, dissect(opp_at_rs(facts, b"hello")))


def test_ipo_is_the_first_ip_option() -> None:
    facts = connection(Behaviour(uoa_mode="ipo", uoa_max_trail=1))
    sent = client_udp(facts, b"hello")
    s = frames.scapy()
    block = uoa.block("203.0.113.9", 40000)
    from scapy.layers.inet import IPOption

    head = frames.network(ends_at_rs(facts), 7, options=[IPOption(block)])
    seen = dissect(bytes(head / s.UDP(sport=1025, dport=8080) / s.Raw(b"hello")))
    assert isinstance(seen, UdpView)
    assert seen.ip_options == block
    (expected,) = udp_at_rs(sent, facts, 0)
    assert not differences(expected, seen)
    (expected,) = udp_at_rs(sent, facts, 1)
    assert {d.field for d in differences(expected, seen)} == {"ip_options", "ip_length", "uoa"}


def test_ipo_knows_no_ipv6() -> None:
    facts = connection(Behaviour(uoa_mode="ipo"), families="66")
    (expected,) = udp_at_rs(client_udp(facts, b"hello"), facts, 0)
    plain = frames.udp(ends_at_rs(facts), 1025, 8080, b"hello")
    assert not differences(expected, dissect(plain))


def test_uoa_goes_ahead_alone_where_a_datagram_fills_the_mtu() -> None:
    facts = connection()
    exactly = client_udp(facts, b"x" * (1500 - 28 - 12))
    assert len(udp_at_rs(exactly, facts, 0)) == 1
    over = client_udp(facts, b"x" * (1500 - 28 - 11))
    alone, whole = udp_at_rs(over, facts, 0)
    s = frames.scapy()
    inner = bytes(s.UDP(sport=1025, dport=8080, chksum=0, len=8))
    head = frames.network(replace(ends_at_rs(facts), dont_fragment=False), 4711, proto=248)
    seen = dissect(bytes(head / s.Raw(uoa.encode_opp("203.0.113.9", 40000) + inner)))
    assert not differences(alone, seen)
    plain = frames.udp(ends_at_rs(facts), 1025, 8080, over.payload, ip_id=7)
    assert not differences(whole, dissect(plain))
    sixfour = connection(families="64")
    with pytest.raises(NotPredicted, match="there is no recording"):
        udp_at_rs(client_udp(sixfour, b"x" * 1452), sixfour, 0)


def test_a_datagram_without_checksum_gets_one() -> None:
    facts = connection(Behaviour(uoa_max_trail=0))
    sent = client_udp(facts, b"hello", chksum=0)
    assert sent.checksum == "absent"
    (expected,) = udp_at_rs(sent, facts, 0)
    with_one = frames.udp(ends_at_rs(facts), 1025, 8080, b"hello", ip_id=7)
    without = frames.udp(ends_at_rs(facts), 1025, 8080, b"hello", ip_id=7, chksum=0)
    assert not differences(expected, dissect(with_one))
    (found,) = differences(expected, dissect(without))
    assert str(found).startswith("checksum: expected correct, seen absent (0x0000, correct is 0x")


def test_a_reply_datagram() -> None:
    facts = connection(families="64")
    ends = frames.Ends(MAC_R, MAC_L, facts.rs.address, facts.lip.address, tos=16)
    sent = dissect(frames.udp(ends, 8080, 1025, b"answer", ip_id=9))
    assert isinstance(sent, UdpView)
    back = frames.Ends(MAC_W, MAC_C, facts.service.vip.address, facts.client.address)
    seen = dissect(frames.udp(back, 80, 40000, b"answer"))
    assert not differences(udp_at_client(sent, facts), seen)


# -- facts and messages


def test_an_undeclared_lip_or_rs_is_said_so() -> None:
    service = connection().service
    client, lip, rs = (
        SocketAddress("203.0.113.9", 1),
        SocketAddress("192.0.2.254", 2),
        next(iter(service.rs)),
    )
    assert service.connection(client, lip, rs).rs_mac == MAC_R
    with pytest.raises(UnexpectedConnection, match=r"expected one of 192.0.2.254, seen 192.0.2.7"):
        service.connection(client, SocketAddress("192.0.2.7", 2), rs)
    with pytest.raises(UnexpectedConnection, match=r"RS expected one of 192.0.2.8:8080, seen .*:0"):
        service.connection(client, lip, SocketAddress("192.0.2.8", 0))


def test_versions_as_people_write_them() -> None:
    assert Behaviour.of_version("1.8-10").toa_on_syn
    assert Behaviour.of_version("v1.9.4") == Behaviour.of_version("1.8.10")
    assert Behaviour.of_version("1.10-2") == Behaviour()
    with pytest.raises(ValueError, match="'latest' is not a DPVS version"):
        Behaviour.of_version("latest")


def test_what_is_left_out_needs_a_field_and_a_reason() -> None:
    facts = connection()
    sent = client_tcp(facts, "A", ack=1)
    seen = rs_tcp(facts, "A", ack=1, ip_id=9)
    (found,) = differences(tcp_at_rs(sent, facts), seen)
    assert str(found) == "ip_id: expected 0, seen 9"
    assert not differences(tcp_at_rs(sent, facts), seen, {"ip_id": "the RS's NIC rewrites it"})
    with pytest.raises(ValueError, match="has no field 'ipid'"):
        differences(tcp_at_rs(sent, facts), seen, {"ipid": "a slip of the pen"})
    with pytest.raises(ValueError, match="without a reason"):
        differences(tcp_at_rs(sent, facts), seen, {"ip_id": " "})


def test_padding_up_to_the_shortest_frame_is_fine_and_beyond_is_not() -> None:
    facts = connection()
    sent = client_tcp(facts, "A", ack=1)
    data = rs_tcp(facts, "A", ack=1).frame.data
    assert not differences(tcp_at_rs(sent, facts), dissect(data.ljust(60, b"\0")))
    (found,) = differences(tcp_at_rs(sent, facts), dissect(data.ljust(62, b"\0")))
    assert found.field == "padding"


def test_an_answer_without_checksum_gets_one() -> None:
    facts = connection()
    ends = frames.Ends(MAC_R, MAC_L, facts.rs.address, facts.lip.address)
    sent = dissect(frames.udp(ends, 8080, 1025, b"answer", ip_id=9, chksum=0))
    assert isinstance(sent, UdpView)
    assert (sent.checksum, udp_at_client(sent, facts).view.checksum) == (  # type: ignore[attr-defined]
        "absent",
        "correct",
    )


@pytest.mark.parametrize(("options", "frames_at_rs"), [(b"", 1), (b"\x3c\0\0\0\0\0\0\0\0", 2)])
def test_uoa_goes_ahead_alone_of_ipv6_with_extension_headers(
    options: bytes, frames_at_rs: int
) -> None:
    facts = connection(families="66")
    sent = replace(client_udp(facts, b"hello"), ip_options=options)
    made = udp_at_rs(sent, facts, 0)
    assert len(made) == frames_at_rs
    if frames_at_rs == 2:
        alone, whole = (one.view for one in made)
        assert isinstance(alone, UdpView)
        assert (alone.payload, alone.udp_length, alone.ip_options) == (b"", 8, b"")
        assert (alone.ip_flags, alone.checksum, made[0].free) == (None, "correct", {})
        extra = len(uoa.encode_opp(facts.client.address, 40000))
        assert alone.ip_length == 40 + extra + 8
        assert isinstance(whole, UdpView)
        assert (whole.uoa, whole.payload) == (None, b"hello")


def test_options_of_ipv4_do_not_send_uoa_ahead() -> None:
    facts = connection()
    sent = replace(client_udp(facts, b"hello"), ip_options=b"\1\1\1\0")
    assert len(udp_at_rs(sent, facts, 0)) == 1


@pytest.mark.parametrize(
    ("length", "options", "alone"),
    [
        (1500 - 28 - 8, b"", False),
        (1500 - 28 - 7, b"", True),
        (5, bytes(32), False),
        (5, bytes(36), True),
    ],
)
def test_ipo_goes_ahead_alone_where_there_is_no_room(
    length: int, options: bytes, alone: bool
) -> None:
    facts = connection(Behaviour(uoa_mode="ipo", uoa_max_trail=1))
    block = uoa.block("203.0.113.9", 40000)
    assert len(block) == 8
    sent = replace(client_udp(facts, b"x" * length), ip_options=options)
    made = [one.view for one in udp_at_rs(sent, facts, 0)]
    assert len(made) == (2 if alone else 1)
    first = made[0]
    assert isinstance(first, UdpView)
    assert first.uoa == uoa.Uoa("203.0.113.9", 40000, "ipo")
    if not alone:
        assert (first.ip_options, first.ip_length) == (block + options, sent.ip_length + 8)
        return
    assert (first.ip_options, first.ip_length, first.udp_length) == (block, 20 + 8 + 8, 8)
    assert (first.payload, first.checksum, first.ip_flags) == (b"", "absent", 0)
    second = made[1]
    assert isinstance(second, UdpView)
    assert (second.uoa, second.ip_options, second.payload) == (None, options, sent.payload)


MSS = tcpoptions.mss


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((MSS(1460), MSS(1400)), (MSS(1452), MSS(1400))),
        ((TcpOption(2, b"\5"), MSS(1400)), (TcpOption(2, b"\5"), MSS(1392))),
        ((TcpOption(8, b"\5\6"), MSS(1400)), (TcpOption(8, b"\5\6"), MSS(1392))),
    ],
)
def test_the_first_whole_mss_is_lowered_by_toa_s_length_and_no_other_option(
    options: tcpoptions.Options, expected: tcpoptions.Options
) -> None:
    facts = connection(families="44")
    assert facts.toa_length == 8
    ends = frames.Ends(MAC_R, MAC_L, facts.rs.address, facts.lip.address)
    sent = dissect(frames.tcp(ends, 8080, 1025, "SA", seq=1, ack=2))
    assert isinstance(sent, TcpView)
    seen = tcp_at_client(replace(sent, options=options), facts).view
    assert isinstance(seen, TcpView)
    assert seen.options == expected


def test_uoa_is_on_the_first_requests_however_many_answers_came_between() -> None:
    facts = connection()
    back = frames.Ends(MAC_R, MAC_L, facts.rs.address, facts.lip.address)
    answer = dissect(frames.udp(back, 8080, 1025, b"answer", ip_id=9))
    assert isinstance(answer, UdpView)
    request = client_udp(facts, b"hello")
    bare = frames.udp(ends_at_rs(facts), 1025, 8080, b"hello", ip_id=7)
    pairs: list[PacketPair[UdpView]] = []
    for number in range(5):
        seen = dissect(opp_at_rs(facts, b"hello") if number < 3 else bare)
        assert isinstance(seen, UdpView)
        came = udp_at_client(answer, facts).view
        assert isinstance(came, UdpView)
        pairs.append(PacketPair(request, seen, towards_rs=True))
        pairs.append(PacketPair(came, answer, towards_rs=False))
    ends = (facts.client, facts.service.vip, facts.lip, facts.rs, "rs1")
    assert check_udp(Conversation(*ends, tuple(pairs)), facts) == []
    # The same without the first pair: UOA is then on a datagram less than it should be.
    (wrong,) = check_udp(Conversation(*ends, tuple(pairs[2:])), facts)
    assert "uoa" in str(wrong)
