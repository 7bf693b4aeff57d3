"""Edge cases: fragments, ICMP errors, proxy headers. What DPVS 1.10.2 did is in pcap/edges."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpvs_acceptance.traffic import fragments, frames, icmperrors, proxyheader
from dpvs_acceptance.traffic.connection import Arm, FullNat, SocketAddress
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import Frame, read_pcap
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.views import IcmpView, IpView, TcpView, View

PCAPS = Path(__file__).parent / "pcap" / "edges"
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
FOUR = frames.Ends(*MACS, "10.0.0.1", "10.0.0.2", dont_fragment=False)
SIX = frames.Ends(*MACS, "2001:db8::1", "2001:db8::2")


# -- fragments


@settings(deadline=None)  # Scapy is imported by the first
@given(
    payload=st.binary(min_size=1, max_size=700),
    eights=st.integers(1, 40),
    ends=st.sampled_from([FOUR, SIX]),
    data=st.data(),
)
def test_what_is_cut_is_put_together(
    payload: bytes, eights: int, ends: frames.Ends, data: st.DataObject
) -> None:
    frame = frames.udp(ends, 1000, 2000, payload)
    pieces = [_ip(one) for one in fragments.cut(frame, eights * 8)]
    assert all(one.ip_checksum in ("correct", None) and not one.problem for one in pieces)
    shuffled = data.draw(st.permutations(pieces))
    assert fragments.together(shuffled) == _ip(frame).ip_payload
    if len(pieces) > 1:
        missing = data.draw(st.sampled_from(pieces))
        rest = [one for one in pieces if one is not missing]
        assert fragments.together(rest) is None


@pytest.mark.parametrize("ends", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_scapy_too_takes_them_for_one_packet(ends: frames.Ends) -> None:
    from scapy.layers.inet import defragment
    from scapy.layers.inet6 import defragment6

    payload = bytes(range(200)) * 3
    frame = frames.udp(ends, 1000, 2000, payload)
    parsed = [frames.scapy().Ether(one) for one in fragments.cut(frame, 208)]
    if ends.version == 4:
        (whole,) = defragment(parsed)
        assert bytes(whole).endswith(payload)
    else:
        layers = [one[frames.scapy().IPv6] for one in parsed]
        assert bytes(defragment6(layers)).endswith(payload)


def test_overlapping_fragments_contradict_each_other() -> None:
    frame = frames.udp(FOUR, 1000, 2000, bytes(120))
    first, second, *_ = (_ip(one) for one in fragments.cut(frame, 64, overlap=16))
    assert second.fragment_offset == 48
    assert second.ip_payload[:16] == bytes(b ^ 0xFF for b in first.ip_payload[48:])
    with pytest.raises(ValueError, match="multiples of 8"):
        fragments.cut(frame, 20)


# -- ICMP errors


def _side(name: str, where: str) -> list[View]:
    return [dissect(frame) for frame in read_pcap(PCAPS / f"{name}-{where}.pcap")]


def _service(name: str) -> tuple[FullNat, SocketAddress, list[View], list[View]]:
    """The service as its recorded handshake shows it."""
    near, far = _side(name, "client"), _side(name, "rs")
    syn = next(v for v in near if isinstance(v, TcpView) and v.handshake)
    there = next(v for v in far if isinstance(v, TcpView) and v.handshake)
    back = next(v for v in near if isinstance(v, TcpView) and v.has("SA"))
    fullnat = FullNat(
        SocketAddress(syn.dst, syn.dport),
        frozenset({there.src}),
        {SocketAddress(there.dst, there.dport): there.mac_dst},
        Arm(back.mac_src),
        Arm(there.mac_src),
        syn.mac_src,
    )
    return fullnat, SocketAddress(syn.src, syn.sport), near, far


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("origin", ["rs", "client"])
def test_errors_are_translated_as_a_real_dpvs_does(origin: str, version: int) -> None:
    fullnat, client, near, far = _service(f"errors-of-{origin}{version}")
    _, connection = find_tcp(near, {"rs": far}, client, fullnat)
    here, there = (far, near) if origin == "rs" else (near, far)
    expect = icmperrors.icmp_at_client if origin == "rs" else icmperrors.icmp_at_rs
    kinds = {(kind.icmp_type, kind.code) for kind in icmperrors.KINDS[version]}
    sent = [one for one in here if isinstance(one, IcmpView) and (one.icmp_type, one.code) in kinds]
    came = [one for one in there if isinstance(one, IcmpView)]
    assert len(sent) == len(kinds)
    for one in sent:
        match = [c for c in came if (c.icmp_type, c.code) == (one.icmp_type, one.code)]
        assert len(match) == 1
        assert differences(expect(one, connection), match[0]) == []
        spoiled = _with_octet(match[0], -1)
        assert differences(expect(one, connection), spoiled), (
            "a quotation with another octet passes"
        )


def _with_octet(view: IcmpView, at: int) -> IcmpView:
    data = bytearray(view.frame.data)
    data[at] ^= 1
    changed = dissect(Frame(bytes(data), length=len(data)))
    assert isinstance(changed, IcmpView)
    return changed


@pytest.mark.parametrize("ends", [FOUR, SIX], ids=["IPv4", "IPv6"])
def test_an_error_is_well_formed(ends: frames.Ends) -> None:
    about = dissect(frames.tcp(ends, 1, 2, "PA", seq=7, payload=b"data"))
    assert isinstance(about, TcpView)
    kind = icmperrors.KINDS[ends.version][1]
    seen = dissect(icmperrors.error(ends, kind, icmperrors.quotation(about, 8)))
    assert isinstance(seen, IcmpView)
    assert (seen.icmp_type, seen.code, seen.rest) == (kind.icmp_type, kind.code, kind.rest)
    assert seen.checksum == "correct"
    assert not seen.problem
    assert len(seen.payload) == (28 if ends.version == 4 else 48)


# -- what was found of DPVS, in the recordings that show it


def test_the_recorded_first_fragment_went_on_alone() -> None:
    came = [v for v in _side("fragments6", "rs") if isinstance(v, TcpView) and v.ip_options]
    assert len(came) == 1
    assert fragments.together(came) is None
    assert came[0].toa() is not None


def test_the_recorded_damage_was_made_good() -> None:
    (sent,) = (v for v in _side("corrupt4", "client") if _carries(v, b"corrupted"))
    (came,) = (v for v in _side("corrupt4", "rs") if _carries(v, b"corrupted"))
    assert isinstance(sent, TcpView)
    assert isinstance(came, TcpView)
    assert (sent.checksum, came.checksum) == ("wrong", "correct")


def _carries(view: View, payload: bytes) -> bool:
    return isinstance(view, TcpView) and view.payload == payload


# -- proxy headers


def test_proxy_headers_as_documented() -> None:
    source, target = SocketAddress("10.0.0.9", 40000), SocketAddress("10.0.0.100", 80)
    assert proxyheader.v1(source, target) == b"PROXY TCP4 10.0.0.9 10.0.0.100 40000 80\r\n"
    four = bytes.fromhex("0d0a0d0a000d0a515549540a 21 11 000c 0a000009 0a000064 9c40 0050")
    assert proxyheader.v2(source, target) == four
    six = proxyheader.v2(SocketAddress("2001:db8::9", 1), SocketAddress("2001:db8::1", 2))
    assert (len(six), six[13], six[14:16]) == (52, 0x21, b"\0\x24")


def test_a_tlv_is_within_the_headers_length() -> None:
    header = proxyheader.v2_with_tlv(SocketAddress("10.0.0.9", 1), SocketAddress("10.0.0.1", 2))
    (length,) = struct.unpack_from("!H", header, 14)
    assert len(header) == 16 + length == 28 + 7
    assert (
        len(proxyheader.v2_local(SocketAddress("10.0.0.9", 1), SocketAddress("10.0.0.1", 2))) == 16
    )


def _ip(frame: bytes) -> IpView:
    view = dissect(frame)
    assert isinstance(view, IpView)
    return view
