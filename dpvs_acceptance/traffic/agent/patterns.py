# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""Filters for frames: a pattern is a dictionary of values that must all match."""

import struct
from typing import Any, Callable, Dict, List, Optional

from .wire import ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, mac_bytes, packed

TCP, UDP, ICMP, ICMPV6, OPP = 6, 17, 1, 58, 248
_EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options: type, length in 8-byte units
_VLAN_TYPES = (ETH_P_8021Q, 0x88A8)
FLAG_LETTERS = "FSRPAUEC"


class Sketch:
    """The fields of a frame that patterns use, without validation."""

    __slots__ = (
        "dport",
        "dst",
        "ethertype",
        "flags",
        "frame",
        "icmp_id",
        "icmp_type",
        "l3",
        "outgoing",
        "payload",
        "protocol",
        "sport",
        "src",
        "version",
    )

    def __init__(self, frame: bytes, outgoing: bool) -> None:
        self.frame, self.outgoing = frame, outgoing
        self.version = 0
        self.protocol = self.sport = self.dport = self.flags = self.icmp_type = self.icmp_id = -1
        self.src = self.dst = self.payload = b""
        start = 12
        self.ethertype = _u16(frame, start)
        while self.ethertype in _VLAN_TYPES:
            start += 4
            self.ethertype = _u16(frame, start)
        self.l3 = start + 2
        if self.ethertype == ETH_P_IP:
            self._ipv4(frame)
        elif self.ethertype == ETH_P_IPV6:
            self._ipv6(frame)
        elif self.ethertype == ETH_P_ARP and len(frame) >= self.l3 + 28:
            self.src = frame[self.l3 + 14 : self.l3 + 18]
            self.dst = frame[self.l3 + 24 : self.l3 + 28]

    def _ipv4(self, frame: bytes) -> None:
        at = self.l3
        if len(frame) < at + 20:
            return
        self.version = 4
        self.protocol = frame[at + 9]
        self.src, self.dst = frame[at + 12 : at + 16], frame[at + 16 : at + 20]
        end = at + (
            _u16(frame, at + 2) or len(frame)
        )  # 0: larger than 64 KiB, due to segmentation offload
        if _u16(frame, at + 6) & 0x1FFF == 0:
            self._upper(frame[at + (frame[at] & 15) * 4 : end])

    def _ipv6(self, frame: bytes) -> None:
        at = self.l3
        if len(frame) < at + 40:
            return
        self.version = 6
        self.protocol = frame[at + 6]
        self.src, self.dst = frame[at + 8 : at + 24], frame[at + 24 : at + 40]
        end = at + 40 + (_u16(frame, at + 4) or len(frame))
        at += 40
        while self.protocol in _EXTENSIONS and len(frame) >= at + 8:
            self.protocol = frame[at]
            at += (frame[at + 1] + 1) * 8
        if self.protocol == 44 and len(frame) >= at + 8:  # fragment: only the first one has ports
            if _u16(frame, at + 2) & 0xFFF8:
                return
            self.protocol = frame[at]
            at += 8
        self._upper(frame[at:end])

    def _upper(self, data: bytes) -> None:
        protocol = self.protocol
        if protocol == OPP and len(data) >= 4:  # UOA: match the inner datagram
            protocol, data = data[1], data[_u16(data, 2) :]
        if protocol == TCP and len(data) >= 20:
            self.sport, self.dport = struct.unpack_from("!HH", data)
            self.flags = data[13]
            self.payload = data[(data[12] >> 4) * 4 :]
        elif protocol == UDP and len(data) >= 8:
            self.sport, self.dport = struct.unpack_from("!HH", data)
            self.payload = data[8:]
        elif protocol in (ICMP, ICMPV6) and len(data) >= 8:
            self.icmp_type, self.icmp_id = data[0], _u16(data, 4)
            self.payload = data[8:]


def _u16(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1] if len(data) >= at + 2 else -1


def flag_bits(letters: str) -> int:
    bits = 0
    for letter in letters:
        bits |= 1 << FLAG_LETTERS.index(letter)
    return bits


Test = Callable[[Sketch], bool]


class Pattern:
    """``matches``: whether a frame matches all values; an unknown key is an error."""

    def __init__(self, wanted: Dict[str, Any]) -> None:
        self.tests: List[Test] = []
        for key in sorted(wanted):
            if key not in _TESTS:
                raise ValueError(
                    f"unknown key {key!r} of a pattern, expected one of {', '.join(sorted(_TESTS))}"
                )
            if wanted[key] is not None:
                self.tests.append(_TESTS[key](wanted[key]))

    def matches(self, seen: Sketch) -> bool:
        return all(test(seen) for test in self.tests)


def any_of(wanted: Optional[List[Dict[str, Any]]]) -> Optional[List[Pattern]]:
    """None: every frame."""
    return None if wanted is None else [Pattern(one) for one in wanted]


def _equal(name: str) -> Callable[[Any], Test]:
    def build(value: Any) -> Test:
        return lambda seen: getattr(seen, name) == value

    return build


def _address(*names: str) -> Callable[[Any], Test]:
    def build(value: Any) -> Test:
        raw = packed(value)
        return lambda seen: any(getattr(seen, n) == raw for n in names)

    return build


def _port(value: Any) -> Test:
    return lambda seen: value in (seen.sport, seen.dport)


def _flags(value: Any) -> Test:
    bits = flag_bits(value)
    return lambda seen: seen.flags >= 0 and seen.flags & bits == bits


def _no_flags(value: Any) -> Test:
    bits = flag_bits(value)
    return lambda seen: seen.flags >= 0 and not seen.flags & bits


def _payload(value: Any) -> Test:
    part = bytes.fromhex(value)
    return lambda seen: part in seen.payload


def _contains(value: Any) -> Test:
    part = bytes.fromhex(value)
    return lambda seen: part in seen.frame


def _has_payload(value: Any) -> Test:
    return lambda seen: bool(seen.payload) == value


def _mac(at: int) -> Callable[[Any], Test]:
    def build(value: Any) -> Test:
        raw = mac_bytes(value)
        return lambda seen: seen.frame[at : at + 6] == raw

    return build


def _outgoing(value: Any) -> Test:
    return lambda seen: seen.outgoing == value


_TESTS: Dict[str, Callable[[Any], Test]] = {
    "outgoing": _outgoing,
    "ethertype": _equal("ethertype"),
    "version": _equal("version"),
    "protocol": _equal("protocol"),
    "src": _address("src"),
    "dst": _address("dst"),
    "host": _address("src", "dst"),
    "sport": _equal("sport"),
    "dport": _equal("dport"),
    "port": _port,
    "flags": _flags,
    "no_flags": _no_flags,
    "icmp_type": _equal("icmp_type"),
    "icmp_id": _equal("icmp_id"),
    "payload": _payload,
    "has_payload": _has_payload,
    "contains": _contains,
    "mac_src": _mac(6),
    "mac_dst": _mac(0),
}
