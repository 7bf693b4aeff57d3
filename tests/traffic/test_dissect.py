"""Our own dissection against Scapy's, against the recordings, and against nonsense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.errors import InconclusiveCapture
from dpvs_acceptance.traffic.frame import Frame, read_pcap, write_pcap
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.tcpoptions import TcpOption
from dpvs_acceptance.traffic.views import (
    ArpView,
    IcmpView,
    IpView,
    LinkView,
    TcpView,
    UdpView,
    describe,
)

from . import recorded

ENDS4 = frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1", "198.51.100.2")
ENDS6 = frames.Ends("02:00:00:00:00:01", "02:00:00:00:00:02", "2001:db8::1", "2001:db8::2")


def test_every_recorded_frame_is_understood_and_its_checksums_are_right() -> None:
    views = recorded.all_ip_frames()
    assert len(views) > 150
    assert {type(view) for view in views} == {TcpView, UdpView, IcmpView}
    for view in views:
        assert not view.problem
        assert view.ip_checksum in ("correct", None)
        assert isinstance(view, TcpView | UdpView | IcmpView)
        assert view.checksum == "correct" or (isinstance(view, UdpView) and view.uoa)
        assert describe(view)


def test_the_recorded_ping_and_arp_read_as_they_were() -> None:
    views = recorded.views("icmp-vip", "client")
    first, second = views[0], views[1]
    assert isinstance(first, ArpView)
    assert isinstance(second, ArpView)
    assert (first.operation, first.target_ip) == (1, "10.0.0.100")
    assert (second.operation, second.sender_mac) == (2, "02:00:00:00:01:01")
    pings = [v for v in views if isinstance(v, IcmpView)]
    assert [v.sequence for v in pings if v.is_request] == [1, 2, 3]
    assert [v.sequence for v in pings if v.is_reply] == [1, 2, 3]
    assert {v.identifier for v in pings} == {25574}


PAYLOAD = st.binary(max_size=40)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)


@settings(max_examples=60, deadline=None)
@given(
    six=st.booleans(),
    ports=st.tuples(U16, U16),
    seq=U32,
    ack=U32,
    flags=st.sets(st.sampled_from("FSRPAUEC")),
    window=U16,
    options=st.lists(
        st.builds(TcpOption, st.sampled_from([3, 30, 254]), st.binary(min_size=1, max_size=6)),
        max_size=4,
    ),
    payload=PAYLOAD,
    vlan=st.one_of(st.none(), st.integers(1, 4094)),
    ttl=st.integers(1, 255),
)
def test_what_scapy_builds_is_what_we_see(
    six: bool,
    ports: tuple[int, int],
    seq: int,
    ack: int,
    flags: set[str],
    window: int,
    options: list[TcpOption],
    payload: bytes,
    vlan: int | None,
    ttl: int,
) -> None:
    base = ENDS6 if six else ENDS4
    ends = frames.Ends(base.mac_src, base.mac_dst, base.src, base.dst, ttl=ttl, tos=8, vlan=vlan)
    letters = "".join(letter for letter in "FSRPAUEC" if letter in flags)
    data = frames.tcp(
        ends,
        *ports,
        letters,
        seq=seq,
        ack=ack,
        window=window,
        options=tuple(options),
        payload=payload,
        ip_id=77,
    )
    view = dissect(data)
    assert isinstance(view, TcpView)
    assert not view.problem
    assert (view.mac_src, view.mac_dst, view.vlan) == (ends.mac_src, ends.mac_dst, vlan)
    assert (view.version, view.src, view.dst, view.ttl, view.tos) == (
        ends.version,
        ends.src,
        ends.dst,
        ttl,
        8,
    )
    assert (view.ip_id, view.dont_fragment) == ((None, False) if six else (77, True))
    assert (view.sport, view.dport) == ports
    assert (view.seq, view.ack, view.flags, view.window) == (seq, ack, letters, window)
    assert view.options[: len(options)] == tuple(options)
    assert view.payload == payload
    assert (view.checksum, view.ip_checksum) == ("correct", None if six else "correct")

    frame = Frame(data)
    wanted = Match(src=ends.src, dst=ends.dst, sport=ports[0], dport=ports[1], protocol=6)
    assert wanted.select([frame]) == [frame]
    assert Match(flags=letters).select([frame]) == [frame]
    assert Match(has_payload=bool(payload)).select([frame]) == [frame]
    assert not Match(outgoing=True).select([frame])
    assert not Match(sport=(ports[0] + 1) % 65536, src=ends.src).select([frame])
    if letters:
        assert not Match(no_flags=letters).select([frame])


SUM_AT = {"icmp": 2, "icmpv6": 2, "tcp": 16, "udp": 6}


def with_checksum(kind: str, ends: frames.Ends, wanted: int, sent: int) -> bytes:
    """A frame whose data makes `wanted` the right checksum, and which carries `sent`."""

    def made(word: int) -> bytes:
        payload = b"xx" + word.to_bytes(2, "big")
        if kind.startswith("icmp"):
            return frames.echo_request(ends, 7, 1, payload)
        return (
            frames.tcp(ends, 1, 2, "A", payload=payload, chksum=0)
            if kind == "tcp"
            else frames.udp(ends, 1, 2, payload, chksum=0)
        )

    plain = dissect(made(0))
    assert isinstance(plain, TcpView | UdpView | IcmpView)
    data = made((plain.checksum_right - wanted) % 0xFFFF)  # one's complement arithmetic
    view = dissect(data)
    assert isinstance(view, TcpView | UdpView | IcmpView)
    assert view.checksum_right == wanted
    at = (34 if ends.version == 4 else 54) + SUM_AT[kind]
    return data[:at] + sent.to_bytes(2, "big") + data[at + 2 :]


def verified(data: bytes) -> str:
    view = dissect(data)
    assert isinstance(view, TcpView | UdpView | IcmpView)
    return view.checksum


@pytest.mark.parametrize(
    ("kind", "ends"), [("icmp", ENDS4), ("icmpv6", ENDS6), ("tcp", ENDS4), ("tcp", ENDS6)]
)
def test_both_zeros_of_a_checksum_are_right_as_for_a_receiver(kind: str, ends: frames.Ends) -> None:
    # DPVS sends 0xffff where the sum is 0 (src/ipv6/icmp6.c); every receiver accepts both.
    assert verified(with_checksum(kind, ends, 0, 0)) == "correct"
    assert verified(with_checksum(kind, ends, 0, 0xFFFF)) == "correct"
    assert verified(with_checksum(kind, ends, 0, 1)) == "wrong"
    # Elsewhere neither zero is right.
    assert verified(with_checksum(kind, ends, 0x1234, 0x1234)) == "correct"
    assert verified(with_checksum(kind, ends, 0x1234, 0xFFFF)) == "wrong"
    assert verified(with_checksum(kind, ends, 0x1234, 0)) == "wrong"


@pytest.mark.parametrize(("ends", "zero"), [(ENDS4, "absent"), (ENDS6, "wrong")])
def test_udp_sends_0xffff_for_a_sum_of_zero(ends: frames.Ends, zero: str) -> None:
    assert verified(with_checksum("udp", ends, 0xFFFF, 0xFFFF)) == "correct"
    assert verified(with_checksum("udp", ends, 0xFFFF, 0)) == zero
    assert verified(with_checksum("udp", ends, 0x1234, 0xFFFF)) == "wrong"


def test_a_damaged_octet_is_seen_whatever_the_checksum() -> None:
    for kind, ends in (("icmp", ENDS4), ("icmpv6", ENDS6), ("tcp", ENDS6), ("udp", ENDS4)):
        data = bytearray(with_checksum(kind, ends, 0xFFFF if kind == "udp" else 0, 0xFFFF))
        assert verified(bytes(data)) == "correct"
        data[-1] ^= 1
        assert verified(bytes(data)) == "wrong", kind


def test_udp_checksum_zero_is_absent_in_ipv4_and_wrong_in_ipv6() -> None:
    four = dissect(frames.udp(ENDS4, 1, 2, b"x", chksum=0))
    six = dissect(frames.udp(ENDS6, 1, 2, b"x", chksum=0))
    assert isinstance(four, UdpView)
    assert isinstance(six, UdpView)
    assert (four.checksum, six.checksum) == ("absent", "wrong")


def test_an_outgoing_frame_whose_checksum_the_nic_fills_in_is_not_judged() -> None:
    data = bytearray(frames.tcp(ENDS4, 1, 2, "S"))
    data[50] ^= 1
    view = dissect(Frame(bytes(data), outgoing=True, checksum_pending=True))
    assert isinstance(view, TcpView)
    assert view.checksum == "pending"
    judged = dissect(bytes(data))
    assert isinstance(judged, TcpView)
    assert judged.checksum == "wrong"


def test_a_received_frame_without_its_checksum_proves_nothing(tmp_path: Path) -> None:
    data = bytearray(frames.tcp(ENDS4, 1, 2, "S"))
    wanted = dissect(bytes(data))
    data[50] ^= 1
    received = Frame(bytes(data), checksum_pending=True)
    (kept,) = read_pcap(write_pcap(tmp_path / "one.pcap", [received]))
    assert (kept.outgoing, kept.checksum_pending) == (False, True)
    with pytest.raises(InconclusiveCapture, match="still to be filled in"):
        differences(wanted, dissect(kept))
    # What else is wrong with it is wrong.
    other = dissect(frames.tcp(ENDS4, 1, 3, "S"))
    assert [one.field for one in differences(other, dissect(kept))] == ["dport"]
    assert [one.field for one in differences(wanted, dissect(bytes(data)))] == ["checksum"]


def test_padding_is_not_payload() -> None:
    data = frames.tcp(ENDS4, 1, 2, "A")
    view = dissect(data.ljust(60, b"\0"))
    assert isinstance(view, TcpView)
    assert (view.payload, view.padding) == (b"", bytes(6))


def test_fragments_show_ports_only_in_the_first() -> None:
    s = frames.scapy()
    whole = s.UDP(sport=5, dport=6) / s.Raw(b"z" * 64)
    first = bytes(frames.network(ENDS4, frag=0, flags="MF") / s.Raw(bytes(whole)[:32]))
    second = bytes(frames.network(ENDS4, frag=4, flags=0, proto=17) / s.Raw(b"z" * 40))
    first = first[:23] + b"\x11" + first[24:]
    head, tail = dissect(first), dissect(second)
    assert isinstance(head, UdpView)
    assert (head.sport, head.checksum) == (5, "pending")
    assert type(tail) is IpView
    assert tail.fragment_offset == 32


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bytes_make_it_stumble(data: st.DataObject) -> None:
    """Recorded frames, cut and with octets changed; and pure noise."""
    base = data.draw(st.sampled_from([view.frame.data for view in recorded.all_ip_frames()]))
    octets = bytearray(base)
    for _ in range(data.draw(st.integers(0, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    mangled = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    for sample in (mangled, data.draw(st.binary(max_size=80))):
        view = dissect(sample)
        assert isinstance(view, LinkView)
        assert describe(view)
        Match(port=80, payload=b"x").select([Frame(sample)])


def test_scapys_words_for_evidence() -> None:
    text = frames.shown(frames.echo_request(ENDS6, 7, 1, b"nonce"))
    assert "ICMPv6 Echo Request" in text
    assert "nonce" in text


def test_extension_headers_of_ipv6_stand_before_the_upper_layer() -> None:
    from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop

    s = frames.scapy()
    datagram = s.UDP(sport=1, dport=2) / s.Raw(b"hello")
    head = frames.network(ENDS6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
    view = dissect(bytes(head / datagram))
    assert isinstance(view, UdpView)
    assert (view.protocol, view.payload, view.fragment_offset) == (17, b"hello", 0)
    assert (view.ip_options[0], len(view.ip_options)) == (0, 1 + 16)
    assert (view.checksum, view.problem) == ("correct", "")
    plain = dissect(bytes(frames.network(ENDS6) / datagram))
    assert isinstance(plain, UdpView)
    assert (plain.ip_options, plain.ip_length + 16) == (b"", view.ip_length)


@pytest.mark.parametrize(("octets", "problem"), [(40, ""), (39, "IPv6")])
def test_an_ipv6_header_has_forty_octets(octets: int, problem: str) -> None:
    whole = bytes(frames.network(ENDS6, nh=59))
    view = dissect(whole[: 14 + octets])
    assert problem in view.problem
    assert isinstance(view, IpView) == (not problem)


def test_an_arp_packet_reads_field_by_field() -> None:
    from scapy.layers.l2 import ARP, Ether

    arp = ARP(
        op=0x0102,
        hwsrc="02:00:00:00:00:0a",
        psrc="192.0.2.10",
        hwdst="02:00:00:00:00:0b",
        pdst="192.0.2.11",
    )
    head = Ether(src="02:00:00:00:00:0c", dst="ff:ff:ff:ff:ff:ff")
    view = dissect(bytes(head / arp) + b"\7" * 18)
    assert isinstance(view, ArpView)
    assert (view.operation, view.padding) == (0x0102, b"\7" * 18)
    assert (view.sender_mac, view.sender_ip) == ("02:00:00:00:00:0a", "192.0.2.10")
    assert (view.target_mac, view.target_ip) == ("02:00:00:00:00:0b", "192.0.2.11")
    assert (view.mac_src, view.mac_dst) == ("02:00:00:00:00:0c", "ff:ff:ff:ff:ff:ff")


@pytest.mark.parametrize(("outer", "inner"), [(4, 4), (4, 6), (6, 6)])
def test_a_tunnel_s_header_stands_apart_from_the_packet_in_it(outer: int, inner: int) -> None:
    s = frames.scapy()
    inside = ENDS4 if inner == 4 else ENDS6
    plain = frames.udp(inside, 1, 2, b"hello", ip_id=5)
    protocol = 4 if inner == 4 else 41
    if outer == 4:
        ends = frames.Ends("02:00:00:00:00:03", "02:00:00:00:00:04", "192.0.2.8", "192.0.2.9")
        head = frames.network(ends, 0x1234, proto=protocol, ttl=9, tos=0x28)
    else:
        ends = frames.Ends("02:00:00:00:00:03", "02:00:00:00:00:04", "2001:db8::8", "2001:db8::9")
        head = frames.network(ends, nh=protocol, hlim=9, tc=0x28, fl=77)
    view = dissect(bytes(head / s.Raw(plain[14:])) + b"\0\0")
    alone = dissect(plain)
    assert isinstance(view, UdpView)
    assert isinstance(alone, UdpView)
    assert view.outer is not None
    header = 20 if outer == 4 else 40
    seen = view.outer
    assert (seen.version, seen.src, seen.dst, seen.ttl, seen.tos) == (
        *(outer, ends.src, ends.dst, 9, 0x28),
    )
    assert (seen.protocol, seen.length) == (protocol, header + len(plain) - 14)
    assert (seen.options, seen.between, view.padding) == (b"", b"", b"\0\0")
    wanted = (0x1234, 2, None, "correct") if outer == 4 else (None, None, 77, None)
    assert (seen.ip_id, seen.ip_flags, seen.flow_label, seen.checksum) == wanted
    # All else is of the packet inside, but for what Ethernet says.
    assert (view.mac_src, view.mac_dst) == (ends.mac_src, ends.mac_dst)
    assert view.ethertype == (0x0800 if outer == 4 else 0x86DD)
    kept = {"outer": None, "mac_src": alone.mac_src, "mac_dst": alone.mac_dst}
    assert replace(view, ethertype=alone.ethertype, **kept) == alone  # type: ignore[arg-type]
    cut = dissect(bytes(head / s.Raw(plain[14:24])))
    assert isinstance(cut, IpView)
    assert cut.problem
