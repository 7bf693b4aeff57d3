"""Kinds of frames, by name: what a rule may ask for."""

from collections.abc import Callable, Mapping
from typing import Final

from softlab.wire.fields import TOA, split_options
from softlab.wire.frame import ACK, FIN, ICMP, ICMP6, RST, SYN, TCP, UDP, UOA, Frame

_ERRORS: Final = (1, 2, 3, 4, 11)


def _icmp(*types: int) -> Callable[[Frame], bool]:
    return lambda frame: frame.proto in (ICMP, ICMP6) and frame.raw[frame.at] in types


def _arp(operation: int) -> Callable[[Frame], bool]:
    return lambda frame: frame.arp is not None and frame.arp[0] == operation


def _udp(frame: Frame) -> bool:
    return frame.transport[0] == UDP


def _without_checksum(frame: Frame) -> bool:
    return frame.proto == UDP and not frame.fragment and frame.body[6:8] == b"\0\0"


KINDS: Final[Mapping[str, Callable[[Frame], bool]]] = {
    "": lambda _frame: True,
    "ip": lambda frame: bool(frame.family),
    "flow": lambda frame: frame.is_tcp or _udp(frame),
    "arp-request": _arp(1),
    "arp-reply": _arp(2),
    "advertisement": _icmp(136),
    "icmp": lambda frame: frame.proto in (ICMP, ICMP6),
    "echo": _icmp(8, 128),
    "echo-reply": lambda frame: (
        (frame.proto, frame.raw[frame.at : frame.at + 1]) in ((ICMP, b"\0"), (ICMP6, b"\x81"))
    ),
    "icmp-error": _icmp(*_ERRORS),
    "tcp": lambda frame: frame.is_tcp,
    "syn": lambda frame: frame.flags & (SYN | ACK) == SYN,
    "syn-ack": lambda frame: frame.flags & (SYN | ACK) == SYN | ACK,
    "not-syn": lambda frame: frame.is_tcp and not frame.flags & SYN,
    "not-rst": lambda frame: frame.is_tcp and not frame.flags & RST,
    "ack": lambda frame: frame.flags & (SYN | ACK | FIN | RST) == ACK and not frame.payload,
    "data": lambda frame: frame.is_tcp and bool(frame.payload),
    "fin": lambda frame: bool(frame.flags & FIN),
    "rst": lambda frame: bool(frame.flags & RST),
    "no-flags": lambda frame: frame.is_tcp and not frame.flags,
    "toa": lambda frame: any(kind == TOA for kind, _ in split_options(frame.options)),
    "udp": _udp,
    "uoa": lambda frame: frame.proto == UOA,
    "without-checksum": _without_checksum,
    "unsound": lambda frame: frame.proto in (TCP, UDP) and not frame.sound,
    "fragment": lambda frame: frame.fragment,
}
"""`flow`: TCP or UDP; `not-syn`: TCP but SYN and SYN-ACK; `ack`: TCP's without data; `data`: TCP
with data; `unsound`: of TCP or UDP, with a checksum that is wrong; `udp`: with or without UOA."""
