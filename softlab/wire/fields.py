"""The fields of a frame that a rule may change, and how it may change them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from softlab.wire.frame import ICMP, ICMP6, TCP, UDP, UOA, Frame, with_ip_sum

TOA: Final = 254


@dataclass(frozen=True, slots=True)
class Field:
    """`at` and `size` in octets, from the begin of the layer or, where negative, from its end;
    size 0: to its end. `summed`: it is no checksum, so that checksums are made right again."""

    layer: str
    at: int
    size: int
    summed: bool = True


FIELDS: Final[Mapping[str, Field]] = {
    "eth.dst": Field("eth", 0, 6, summed=False),
    "eth.src": Field("eth", 6, 6, summed=False),
    "arp.sha": Field("arp", 8, 6, summed=False),
    "ip.tos": Field("ip4", 1, 1),
    "ip.ident": Field("ip4", 4, 2),
    "ip.fragment": Field("ip4", 6, 2),
    "ip.ttl": Field("ip4", 8, 1),
    "ip.checksum": Field("ip4", 10, 2, summed=False),
    "ip.src": Field("ip4", 12, 4),
    "ip.dst": Field("ip4", 16, 4),
    "ip6.class-and-flow": Field("ip6", 0, 4),
    "ip6.hops": Field("ip6", 7, 1),
    "ip6.src": Field("ip6", 8, 16),
    "ip6.dst": Field("ip6", 24, 16),
    "tcp.sport": Field("tcp", 0, 2),
    "tcp.dport": Field("tcp", 2, 2),
    "tcp.seq": Field("tcp", 4, 4),
    "tcp.ack": Field("tcp", 8, 4),
    "tcp.control": Field("tcp", 12, 2),
    "tcp.window": Field("tcp", 14, 2),
    "tcp.checksum": Field("tcp", 16, 2, summed=False),
    "tcp.urgent": Field("tcp", 18, 2),
    "tcp.mss": Field("option-2", 2, 2),
    "tcp.window-scale": Field("option-3", 0, 3),
    "tcp.sack-permitted": Field("option-4", 0, 2),
    "tcp.timestamp": Field("option-8", 2, 4),
    "udp.sport": Field("udp", 0, 2),
    "udp.dport": Field("udp", 2, 2),
    "udp.checksum": Field("udp", 6, 2, summed=False),
    "icmp.type": Field("icmp", 0, 1),
    "icmp.checksum": Field("icmp", 2, 2, summed=False),
    "icmp.ident": Field("icmp", 4, 2),
    "icmp.sequence": Field("icmp", 6, 2),
    "toa.kind": Field("option-254", 0, 1),
    "toa.port": Field("option-254", 2, 2),
    "toa.address": Field("option-254", 4, 0),
    "uoa.inner": Field("uoa", 1, 1),
    "uoa.length": Field("uoa", 5, 1),
    "uoa.port": Field("uoa", 6, 2),
    "uoa.address": Field("uoa", 8, 0),
    "payload.first": Field("payload", 0, 1),
    "payload.last-but-one": Field("payload", -2, 1),
    "payload.last": Field("payload", -1, 1),
}

OPERATIONS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "set": lambda _old, value: value,
    "add": lambda old, value: old + value,
    "xor": lambda old, value: old ^ value,
    "and": lambda old, value: old & value,
    "or": lambda old, value: old | value,
    "halve": lambda old, _value: old >> 1,
}


def split_options(raw: bytes) -> list[tuple[int, bytes]]:
    """TCP options one by one, NOPs too."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(raw):
        size = 1 if raw[at] < 2 or at + 1 == len(raw) else max(2, raw[at + 1])
        found.append((raw[at], raw[at : at + size]))
        at += size
    return found


def changed(frame: Frame, name: str, op: str, value: int) -> bytes:
    """The frame with this field changed; as it is where it does not have the field."""
    field = FIELDS[name]
    place = _layer(frame, field.layer)
    if place is None:
        return frame.raw
    begin, end = place
    at = (end if field.at < 0 else begin) + field.at
    size = field.size or end - at
    if size <= 0 or not begin <= at <= at + size <= end:
        return frame.raw
    raw = frame.raw
    old = raw[at : at + size]
    if op == "swap":
        new = old[::-1]
    else:
        number = OPERATIONS[op](int.from_bytes(old, "big"), value)
        new = (number & (1 << 8 * size) - 1).to_bytes(size, "big")
    raw = raw[:at] + new + raw[at + size :]
    if not field.summed:
        return raw
    if field.layer == "ip4":
        raw = raw[:14] + with_ip_sum(raw[14 : frame.at]) + raw[frame.at :]
    if field.layer in ("ip4", "ip6") and name not in ("ip.src", "ip.dst", "ip6.src", "ip6.dst"):
        return raw
    # Addresses are part of the transport's checksum: it is made over the new ones.
    after = Frame(raw)
    return after.carrying(after.body, sound=frame.sound) if after.family else raw


def _layer(frame: Frame, name: str) -> tuple[int, int] | None:
    """Where a layer begins and ends in the frame; None where it is not there."""
    if name == "eth":
        return 0, len(frame.raw)
    if name == "arp":
        return (14, len(frame.raw)) if frame.arp else None
    if name in ("ip4", "ip6"):
        return (14, frame.at) if frame.family == int(name[2]) else None
    if name == "payload":
        return frame.payload_at, frame.end
    if name.startswith("option-"):
        return _option(frame, int(name.partition("-")[2]))
    if name == "uoa":
        return (frame.at, frame.transport[1]) if frame.proto == UOA else None
    proto, at = frame.transport
    protos = {"tcp": (TCP,), "udp": (UDP,), "icmp": (ICMP, ICMP6)}[name]
    return (at, frame.end) if proto in protos else None


def _option(frame: Frame, kind: int) -> tuple[int, int] | None:
    at = frame.at + 20
    for one, raw in split_options(frame.options):
        if one == kind:
            return at, at + len(raw)
        at += len(raw)
    return None
