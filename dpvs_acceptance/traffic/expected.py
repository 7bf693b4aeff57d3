"""FullNAT's expected packets: from the frame that one side sent to the frame at the other side.

One definition for FNAT44, FNAT66 and NAT64, for TCP with TOA and UDP with UOA. Pure functions on
views. The tests compare every function with recordings of a real DPVS v1.10.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from . import tcpoptions, uoa
from .connection import Connection, FullNat, SocketAddress
from .tcpoptions import MSS, SACK, TcpOption
from .toa_insertion import with_toa, without_timestamp
from .translate import HEADER, towards_client, towards_rs
from .views import Checksum, IpView, TcpView, UdpView

WRAP = 1 << 32


class NotPredicted(ValueError):  # noqa: N818  (a limit of this module)
    """A packet for which this module does not define what DPVS sends."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A view to compare with, and fields that cannot be predicted, each with the reason."""

    view: IpView
    free: Mapping[str, str] = field(default_factory=dict)


def learn(service: FullNat, client_syn: TcpView, rs_syn: TcpView) -> Connection:
    """The connection as seen in its SYN at both sides.

    Raises UnexpectedConnection when the SYN at the RS is not from a declared LIP to a declared RS.
    """
    connection = service.connection(
        SocketAddress(client_syn.src, client_syn.sport),
        SocketAddress(rs_syn.src, rs_syn.sport),
        SocketAddress(rs_syn.dst, rs_syn.dport),
    )
    return replace(connection, seq_offset=(rs_syn.seq - client_syn.seq) % WRAP)


def learn_reply(connection: Connection, rs_syn_ack: TcpView) -> Connection:
    """The same with the RS's first data sequence number, which decides which packets have TOA."""
    return replace(connection, rs_first=(rs_syn_ack.seq + 1) % WRAP)


# -- TCP


def carries_toa(sent: TcpView, connection: Connection) -> bool:
    """Whether DPVS tries to add TOA to this packet of the client (tcp_fnat_in_handler)."""
    behaviour = connection.service.behaviour
    if not behaviour.toa:
        return False
    if sent.handshake:
        return behaviour.toa_on_syn
    if sent.has("S") or sent.has("R") or (sent.has("F") and not behaviour.toa_on_fin):
        return False
    return connection.rs_first is not None and sent.ack == connection.rs_first


def tcp_at_rs(sent: TcpView, connection: Connection) -> Expected:
    """The frame at the RS for a TCP frame the client sent to the VIP."""
    if connection.seq_offset is None:
        raise NotPredicted("the sequence offset is unknown, since the SYN was not captured")
    moved = towards_rs(sent, connection)
    raw = tcpoptions.encode(sent.options) + sent.options_left
    before = len(raw)
    if sent.handshake:
        raw = without_timestamp(raw)
    if carries_toa(sent, connection):
        raw = with_toa(raw, moved.ip_length, connection, sent.has("S"))
    options, left = tcpoptions.decode(raw)
    grown = len(raw) - before
    return Expected(
        replace(
            moved,
            sport=connection.lip.port,
            dport=connection.rs.port,
            seq=(sent.seq + connection.seq_offset) % WRAP,
            options=options,
            options_left=left,
            data_offset=sent.data_offset + grown // 4,
            ip_length=moved.ip_length + grown,
            checksum="correct",
        )
    )


def tcp_at_client(sent: TcpView, connection: Connection) -> Expected:
    """The frame at the client for a TCP frame the RS sent to the LIP."""
    if connection.seq_offset is None:
        raise NotPredicted("the sequence offset is unknown, since the SYN was not captured")
    options = sack_moved(sent.options, connection.seq_offset)
    if sent.has("SA"):
        options = _mss_lowered(options, connection.toa_length)
    free = {} if sent.has("A") else {"ack": "without the ACK flag the field has no meaning"}
    view = replace(
        towards_client(sent, connection),
        sport=connection.service.vip.port,
        dport=connection.client.port,
        ack=(sent.ack - connection.seq_offset) % WRAP,
        options=options,
        checksum="correct",
    )
    return Expected(view, free)


def _mss_lowered(options: tcpoptions.Options, room: int) -> tcpoptions.Options:
    """The RS's MSS minus the length of TOA, so that a full segment leaves room for it."""
    out, done = [], False
    for option in options:
        if option.kind == MSS and len(option.data) == 2 and not done:
            value = int.from_bytes(option.data, "big")
            option, done = tcpoptions.mss((value - room) & 0xFFFF), True
        out.append(option)
    return tuple(out)


def sack_moved(options: tcpoptions.Options, offset: int) -> tcpoptions.Options:
    """SACK blocks of the RS refer to rewritten sequence numbers; only the first option counts."""
    out, done = [], False
    for option in options:
        if option.kind == SACK and option.data and len(option.data) % 8 == 0 and not done:
            edges = struct.unpack(f"!{len(option.data) // 4}I", option.data)
            moved = [(edge - offset) % WRAP for edge in edges]
            option, done = TcpOption(SACK, struct.pack(f"!{len(moved)}I", *moved)), True
        out.append(option)
    return tuple(out)


# -- UDP


def udp_at_rs(sent: UdpView, connection: Connection, ordinal: int) -> tuple[Expected, ...]:
    """The frames at the RS for a datagram of the client, the ``ordinal``-th (from 0) of its flow.

    One frame; two if UOA does not fit, which is then sent first in a separate empty datagram.
    """
    moved = replace(
        towards_rs(sent, connection),
        sport=connection.lip.port,
        dport=connection.rs.port,
        checksum="correct",  # recomputed, also if the client sent none
    )
    behaviour = connection.service.behaviour
    if ordinal >= behaviour.uoa_max_trail:
        return (Expected(moved),)
    if behaviour.uoa_mode == "ipo":
        if connection.client.version == 6:
            return (Expected(moved),)  # logs "fail to send UOA" and forwards without
        return _with_ipo(moved, connection)
    return _with_opp(moved, sent, connection)


def _with_opp(moved: UdpView, sent: UdpView, connection: Connection) -> tuple[Expected, ...]:
    client = connection.client
    extra = len(uoa.encode_opp(client.address, client.port))
    carried = replace(
        moved,
        protocol=uoa.PROTOCOL,
        uoa=uoa.Uoa(client.address, client.port, "opp"),
        ip_length=moved.ip_length + extra,
        checksum=_opp_checksum(connection),
    )
    # The length before NAT64 is compared, see insert_opp_uoa().
    no_room = sent.ip_length + extra > connection.service.lan.mtu
    if no_room or (sent.version == 6 and sent.ip_options):
        return _standalone(carried, extra, connection), Expected(moved)
    return (Expected(carried),)


def _with_ipo(moved: UdpView, connection: Connection) -> tuple[Expected, ...]:
    client = connection.client
    option = uoa.block(client.address, client.port)
    carried = replace(
        moved,
        uoa=uoa.Uoa(client.address, client.port, "ipo"),
        ip_options=option + moved.ip_options,
        ip_length=moved.ip_length + len(option),
    )
    if len(carried.ip_options) > 40 or carried.ip_length > connection.service.lan.mtu:
        alone = replace(carried, ip_options=option, checksum="absent")
        return _standalone(alone, len(option), connection), Expected(moved)
    return (Expected(carried),)


def _opp_checksum(connection: Connection) -> Checksum:
    """After opp the UDP checksum is omitted in IPv4 and computed in IPv6 (udp_send_csum)."""
    return "absent" if connection.rs.version == 4 else "correct"


def _standalone(carried: UdpView, extra: int, connection: Connection) -> Expected:
    """UOA in a separate datagram without payload (send_standalone_uoa)."""
    version = connection.rs.version
    if connection.client.version != version:
        raise NotPredicted("there is no recording of a standalone UOA datagram with NAT64")
    view = replace(
        carried,
        payload=b"",
        udp_length=8,
        ip_length=HEADER[version] + extra + 8,
        ip_flags=0 if version == 4 else None,
        ip_options=carried.ip_options if carried.uoa and carried.uoa.mode == "ipo" else b"",
    )
    free = {"ip_id": "DPVS chooses a new id for the separate datagram"} if version == 4 else {}
    return Expected(view, free)


def udp_at_client(sent: UdpView, connection: Connection) -> Expected:
    """The frame at the client for a datagram of the RS."""
    view = replace(
        towards_client(sent, connection),
        sport=connection.service.vip.port,
        dport=connection.client.port,
        checksum="correct",
    )
    return Expected(view)
