"""Compares a conversation with its expected packets, including lost and extra packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .capture import Capture
from .connection import Connection
from .differences import FieldDifference, differences
from .expected import Expected, tcp_at_client, tcp_at_rs, udp_at_client, udp_at_rs
from .pairing import Conversation, PacketPair
from .views import TcpView, UdpView, View, describe

V = TypeVar("V", TcpView, UdpView)
_LOST, _ADDED = "frame", "packet"  # fields that stand for a whole packet
ARRIVED = "arrived as "
"""Before a wrong packet in a message: a report finds it by this among those captured."""
_FOLLOWS = ("ip_length", "data_offset", "udp_length", "checksum")
# Two CPUs of a host may swap two packets that are a moment apart. Nanoseconds.
_OVERTAKEN = 10_000_000


def sides(client: Capture, rs: dict[str, Capture]) -> tuple[list[View], dict[str, Sequence[View]]]:
    """Both sides' views, for ``pairing.find_*``. Raises InconclusiveCapture on lost frames."""
    return client.views(), {name: capture.views() for name, capture in rs.items()}


@dataclass(frozen=True, slots=True)
class WrongPacket:
    """One unexpected packet, with every field that differs."""

    packet: str
    differences: tuple[FieldDifference, ...]
    arrived: str = ""
    """The packet as it was captured at its destination; empty if it was not."""

    def __str__(self) -> str:
        arrived = [f"    {ARRIVED}{self.arrived}"] if self.arrived else []
        return "\n".join([self.packet, *arrived, *(f"    {one}" for one in self.differences)])


def in_words(findings: Sequence[WrongPacket], mode: str = "FullNAT") -> str:
    """All errors as text: the first line names the differing fields, the others the packets."""
    counts: dict[str, int] = {}
    for finding in findings:
        for one in finding.differences:
            counts[one.field] = counts.get(one.field, 0) + 1
    every = [one for finding in findings for one in finding.differences]
    # A different length is a consequence of other differences.
    first = min(every, key=lambda one: one.field in _FOLLOWS, default=None)
    fields = ", ".join(f"{name} in {n} packets" for name, n in counts.items())
    if first is None:
        cause = findings[0].packet
    elif first.field == _LOST:
        cause = f"lost {first.expected}"
    elif first.field == _ADDED:
        cause = f"doubled, or sent by neither side: {first.seen}"
    else:
        cause = f"{first}"
    return "\n".join(
        [f"not as expected of {mode}: {cause} (fields: {fields})", *map(str, findings)]
    )


def check_tcp(
    conversation: Conversation[TcpView],
    connection: Connection,
    ignore: dict[str, str] | None = None,
) -> list[WrongPacket]:
    """Compares all packets of a TCP conversation, including lost and extra ones."""

    def expect(pair: PacketPair[TcpView]) -> tuple[Expected, ...]:
        assert pair.sent is not None
        return ((tcp_at_rs if pair.towards_rs else tcp_at_client)(pair.sent, connection),)

    return compare(conversation, expect, ignore)


def sequence_kept(conversation: Conversation[TcpView]) -> list[WrongPacket]:
    """The packets that reached the real server with the client's own sequence number."""
    return [
        WrongPacket(
            f"for {describe(pair.sent)}",
            (FieldDifference("seq", "a number of the load balancer's own", str(pair.seen.seq)),),
            describe(pair.seen),
        )
        for pair in conversation.pairs
        if pair.towards_rs and pair.sent and pair.seen and pair.sent.seq == pair.seen.seq
    ]


def check_udp(
    conversation: Conversation[UdpView],
    connection: Connection,
    ignore: dict[str, str] | None = None,
) -> list[WrongPacket]:
    """Compares all datagrams, including UOA on exactly the first ones."""
    requests = [pair for pair in conversation.pairs if pair.towards_rs and pair.sent is not None]
    ordinals = {id(pair): number for number, pair in enumerate(requests)}

    def expect(pair: PacketPair[UdpView]) -> tuple[Expected, ...]:
        assert pair.sent is not None
        if pair.towards_rs:
            return udp_at_rs(pair.sent, connection, ordinals[id(pair)])
        return (udp_at_client(pair.sent, connection),)

    return compare(conversation, expect, ignore)


def compare(
    conversation: Conversation[V],
    expect: Callable[[PacketPair[V]], tuple[Expected, ...]],
    ignore: dict[str, str] | None = None,
) -> list[WrongPacket]:
    """Compares every packet with ``expect``; lost, extra and overtaken packets are errors too.

    ``expect`` returns the counterpart last; packets before it must exist in addition.
    """
    findings: list[WrongPacket] = []
    strays = [pair.seen for pair in conversation.added if pair.seen is not None]
    for pair in conversation.pairs:
        if pair.sent is None:
            continue
        *ahead, wanted = expect(pair)
        for early in ahead:  # a separate datagram with UOA
            found = next((one for one in strays if not differences(early, one, ignore)), None)
            if found is None:
                findings.append(
                    WrongPacket("separate UOA datagram", tuple(differences(early, None)))
                )
            else:
                strays = [one for one in strays if one is not found]
        wrong = differences(wanted, pair.seen, ignore)
        if wrong:
            arrived = "" if pair.seen is None else describe(pair.seen)
            findings.append(WrongPacket(f"for {describe(pair.sent)}", tuple(wrong), arrived))
    findings += [
        WrongPacket(
            f"at {conversation.rs_name if one.dst == conversation.rs.address else 'the client'}",
            (FieldDifference(_ADDED, "no extra packet", describe(one)),),
        )
        for one in strays
    ]
    return findings + [one for way in (True, False) for one in _overtaken(conversation, way)]


def _overtaken(conversation: Conversation[V], towards_rs: bool) -> Iterator[WrongPacket]:
    """Packets of one direction that one sent after them overtook by more than a moment."""
    ahead: V | None = None
    for pair in conversation.pairs:
        sent, seen = pair.sent, pair.seen
        if pair.towards_rs is not towards_rs or sent is None or seen is None:
            continue
        if ahead is not None and ahead.frame.time_ns - seen.frame.time_ns > _OVERTAKEN:
            late = (ahead.frame.time_ns - seen.frame.time_ns) / 1e6
            where = "before it, as it was sent", f"{late:.0f} ms behind {describe(seen)}"
            yield WrongPacket(f"for {describe(ahead)}", (FieldDifference("order", *where),))
        if ahead is None or seen.frame.time_ns > ahead.frame.time_ns:
            ahead = seen
