"""Each forwarding mode against what a real DPVS v1.10.2 did, and against the same, altered."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from dpvs_acceptance.traffic.agent.wire import internet_checksum
from dpvs_acceptance.traffic.connection import SocketAddress, UnexpectedConnection
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.modes.direct import DirectRouting
from dpvs_acceptance.traffic.modes.mode import Followed
from dpvs_acceptance.traffic.modes.snat import SourceNat
from dpvs_acceptance.traffic.modes.synpackets import Settings
from dpvs_acceptance.traffic.modes.synproxy import SynProxy
from dpvs_acceptance.traffic.modes.tunnel import TunnelMode
from dpvs_acceptance.traffic.pairing import NotPaired
from dpvs_acceptance.traffic.views import IpView, TcpView, View

from . import recorded
from .recorded_modes import NAMES, Recording, recording

# Connections in each recording, and packets in the first of them.
RECORDED = {
    "dr": (2, 10),
    "nat": (2, 10),
    "tunnel": (1, 2),
    "snat": (1, 11),
    "synproxy": (2, 11),
    "fnat-tcp": (4, 10),
    "fnat-tcp6": (2, 10),
    "nat64": (2, 10),
    "fnat-udp-uoa-opp": (1, 9),
}


def follow(seen: Recording, client: SocketAddress | None = None) -> Followed:
    how = seen.mode.udp if seen.udp else seen.mode.tcp
    return how(seen.client_views, seen.rs_views, client or seen.clients[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_frame_is_as_its_mode_makes_it(name: str) -> None:
    seen = recording(name)
    connections, packets = RECORDED[name]
    assert len(seen.clients) == connections
    for client in seen.clients:
        followed = follow(seen, client)
        assert not followed.findings, str(followed)
        assert followed.packets == packets
        assert str(followed).startswith(f"{packets} packets of {client} to ")


def test_the_ends_of_a_flow_are_those_of_its_mode() -> None:
    ends = {name: follow(recording(name)) for name in NAMES}
    assert [name for name, one in ends.items() if one.source == one.client] == [
        "dr",
        "nat",
        "tunnel",
    ]
    assert [name for name, one in ends.items() if one.target == one.vip] == ["dr", "tunnel", "snat"]
    assert str(ends["snat"].source) == "10.0.0.120:1025"
    assert ends["synproxy"].source.address == "192.168.100.200"
    assert {one.mode for one in ends.values()} == {
        "DR",
        "NAT",
        "tunnel",
        "SNAT",
        "synproxy",
        "FullNAT",
        "NAT64",
    }


def altered(views: list[View], index: int, data: bytes) -> list[View]:
    out = list(views)
    out[index] = dissect(replace(views[index].frame, data=data))
    return out


def mended(data: bytes) -> bytes:
    """Checksums of the outermost IPv4 header and of TCP or UDP directly behind it made right."""
    out = bytearray(data)
    if out[12:14] == b"\x08\x00":
        header = 14 + (out[14] & 15) * 4
        out[24:26] = b"\0\0"
        out[24:26] = struct.pack("!H", internet_checksum(bytes(out[14:header])))
        pseudo, protocol = bytes(out[26:34]), out[23]
    else:
        header, pseudo, protocol = 54, bytes(out[22:54]), out[20]
    at = {6: 16, 17: 6}.get(protocol)
    if at is not None and len(out) > header + at + 2:
        out[header + at : header + at + 2] = b"\0\0"
        segment = bytes(out[header:])
        total = internet_checksum(pseudo + struct.pack("!II", len(segment), protocol) + segment)
        out[header + at : header + at + 2] = struct.pack("!H", total)
    return bytes(out)


def received(seen: Recording, followed: Followed, where: str) -> list[int]:
    """Places of the flow's own TCP frames that ``where`` received."""
    ends = {followed.client, followed.vip}, {followed.source, followed.target}
    views = seen.client_views if where == "client" else seen.rs_views[where]
    mine = {"02:00:00:00:01:48", "02:00:00:00:02:48"}
    if (where == "client") == (followed.mode == "SNAT"):
        mine = set(recorded.RS_MACS.values())
    return [
        index
        for index, view in enumerate(views)
        if isinstance(view, TcpView)
        and {SocketAddress(view.src, view.sport), SocketAddress(view.dst, view.dport)} in ends
        and view.mac_src not in mine
    ]


# What nobody can foretell, by mode: octets (of the frame) that are left out with a reason.
FREE = {
    "tunnel": {18, 19},  # the outer id
    "synproxy": {18, 19, 38, 39, 40, 41},  # the id of DPVS's SYN; the cookie
}


@pytest.mark.parametrize("name", ["dr", "nat", "tunnel", "snat", "synproxy"])
def test_a_changed_bit_of_a_received_frame_is_found(name: str) -> None:
    """One bit in each octet of the headers (another one each time), checksums made right again:
    in every packet that the real server received, and in every reply at the client."""
    seen = recording(name)
    followed = follow(seen)
    tried = 0
    for where in ("client", followed.rs_name):
        for index in received(seen, followed, where):
            views = seen.client_views if where == "client" else list(seen.rs_views[where])
            data = views[index].frame.data
            for octet in range(min(len(data), 14 + 20 + 20 + 40)):
                if octet in FREE.get(name, ()):
                    continue
                changed = bytearray(data)
                changed[octet] ^= 1 << (octet + index) % 8
                out = mended(bytes(changed))
                if out == data:
                    out = bytes(changed)
                now = altered(views, index, out)
                here = now if where == "client" else seen.client_views
                there = seen.rs_views if where == "client" else {**seen.rs_views, where: now}
                try:
                    again = seen.mode.tcp(here, there, followed.client)
                except (NotPaired, UnexpectedConnection):
                    tried += 1
                    continue
                assert again.findings, f"octet {octet} of {where}'s frame {index}: nobody noticed"
                tried += 1
    assert tried > (100 if name == "tunnel" else 500)


def test_a_lost_an_added_and_a_wandering_packet_are_findings() -> None:
    for name in ("dr", "nat", "snat", "synproxy"):
        seen = recording(name)
        followed = follow(seen)
        there = list(seen.rs_views[followed.rs_name])
        at = next(i for i in received(seen, followed, followed.rs_name) if payload(there[i]))
        request = there[at]
        rest = {**seen.rs_views, followed.rs_name: [v for v in there if v is not request]}
        lost = seen.mode.tcp(seen.client_views, rest, followed.client)
        assert "no such frame" in str(lost), name
        twice = {**seen.rs_views, followed.rs_name: [*there, request]}
        added = seen.mode.tcp(seen.client_views, twice, followed.client)
        assert "no extra packet" in str(added), name


def payload(view: View) -> bytes:
    return view.payload if isinstance(view, TcpView) else b""


def test_a_reply_by_way_of_the_device_is_not_what_dr_does() -> None:
    seen = recording("dr")
    index = received(seen, follow(seen), "client")[0]
    data = seen.client_views[index].frame.data
    through = bytes.fromhex("020000000148020000000101") + data[12:]
    now = altered(seen.client_views, index, through)
    (finding,) = seen.mode.tcp(now, seen.rs_views, seen.clients[0]).findings
    assert [one.field for one in finding.differences] == ["mac_dst", "mac_src"]


def test_a_flow_at_two_real_servers_or_at_none_is_not_followed() -> None:
    seen = recording("dr")
    client = seen.clients[0]
    both = {"rs1": seen.rs_views["rs1"], "rs2": moved_to(seen.rs_views["rs1"], "rs2")}
    with pytest.raises(NotPaired, match="expected at one real server, seen at rs1 and rs2"):
        seen.mode.tcp(seen.client_views, both, client)
    with pytest.raises(NotPaired, match=r"did not arrive: DR must send it to 10.0.0.110:80 at"):
        seen.mode.tcp(seen.client_views, {"rs1": [], "rs2": []}, client)
    for name in ("nat", "tunnel", "snat", "synproxy"):
        seen = recording(name)
        with pytest.raises(NotPaired):
            seen.mode.tcp(seen.client_views, dict.fromkeys(seen.rs_views, ()), seen.clients[0])


def moved_to(views: object, name: str) -> list[View]:
    mac = bytes.fromhex(recorded.RS_MACS[name].replace(":", ""))
    assert isinstance(views, list)
    return [dissect(mac + view.frame.data[6:]) for view in views]


def test_a_source_that_snat_was_not_given_is_said() -> None:
    seen = recording("snat")
    assert isinstance(seen.mode, SourceNat)
    other = replace(seen.mode, addresses=frozenset({"10.0.0.121"}))
    with pytest.raises(UnexpectedConnection, match=r"expected one of 10.0.0.121, seen 10.0.0.120"):
        other.tcp(seen.client_views, seen.rs_views, seen.clients[0])
    with pytest.raises(UnexpectedConnection, match=r"expected one of 10.0.0.121, seen 10.0.0.120"):
        other.echoes(seen.client_views, seen.rs_views, "192.168.100.2", "outside")


def test_echoes_through_snat() -> None:
    seen = recording("snat")
    assert isinstance(seen.mode, SourceNat)
    inner = "192.168.100.2"
    followed = seen.mode.echoes(seen.client_views, seen.rs_views, inner, "outside")
    assert not followed.findings, str(followed)
    assert followed.packets == 4
    assert followed.source.address == "10.0.0.120"
    # An identifier that was rewritten is a request that never came, and a reply to nobody.
    there = list(seen.rs_views["outside"])
    place = next(i for i, v in enumerate(there) if isinstance(v, IpView) and v.protocol == 1)
    for octet in (22, 42):  # TTL; a bit of the payload
        data = bytearray(there[place].frame.data)
        data[octet] ^= 1
        now = altered(there, place, bytes(data))
        again = seen.mode.echoes(seen.client_views, {"outside": now}, inner, "outside")
        assert again.findings, octet


def test_the_outer_header_of_a_tunnel_is_compared_field_by_field() -> None:
    seen = recording("tunnel")
    assert isinstance(seen.mode, TunnelMode)
    expected = {"outer.tos": 15, "outer.ip_flags": 20, "outer.ttl": 22, "outer.src": 29}
    for name, octet in expected.items():
        data = bytearray(seen.rs_views["rs1"][0].frame.data)
        data[octet] ^= 0x40
        now = altered(list(seen.rs_views["rs1"]), 0, mended(bytes(data)))
        again = seen.mode.tcp(seen.client_views, {"rs1": now}, seen.clients[0])
        (finding,) = again.findings
        assert [one.field for one in finding.differences] == [name]
    with_source = replace(seen.mode, source={4: "192.168.100.1"})
    text = str(with_source.tcp(seen.client_views, seen.rs_views, seen.clients[0]))
    assert text.startswith(
        "not as expected of tunnel: outer.src: expected 192.168.100.1, seen 0.0.0.0 "
    )


def test_synproxys_own_packets_are_named() -> None:
    seen = recording("synproxy")
    assert isinstance(seen.mode, SynProxy)
    client = seen.clients[0]
    for settings, said in (
        (Settings(), "the SYN-ACK to the client"),
        (Settings(close_window=True, mss=1440), "the SYN to the real server"),
        (Settings(close_window=True, sack=False), "the SYN to the real server"),
        (Settings(close_window=True, ttl=64), "the SYN-ACK to the client"),
    ):
        other = replace(seen.mode, settings=settings)
        text = str(other.tcp(seen.client_views, seen.rs_views, client))
        assert said in text, settings
    bare = [v for v in seen.client_views if not (isinstance(v, TcpView) and is_update(v))]
    text = str(seen.mode.tcp(bare, seen.rs_views, client))
    assert "the window update to the client" in text
    assert "no such frame" in text


def is_update(view: TcpView) -> bool:
    return view.src == "10.0.0.100" and view.ip_id == 0 and view.flags == "A"


def test_dr_is_another_mode_than_nat_and_the_other_way_round() -> None:
    """Each mode refuses what another one made: what is expected follows from the mode alone."""
    seen, nat = recording("dr"), recording("nat")
    assert isinstance(seen.mode, DirectRouting)
    swapped = DirectRouting(nat.mode.arms)  # type: ignore[attr-defined]
    with pytest.raises(NotPaired):
        swapped.tcp(nat.client_views, nat.rs_views, nat.clients[0])
