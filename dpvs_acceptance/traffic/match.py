"""Filters for captured frames, evaluated on the host and in the runner by the same code."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .agent.patterns import Pattern, Sketch
from .frame import Frame

TCP, UDP, ICMP, ICMPV6, OPP = 6, 17, 1, 58, 248
ARP = 0x0806


@dataclass(frozen=True, slots=True)
class Match:
    """All fields that are not None must match. Without fields, every frame matches.

    outgoing: sent by the capturing host (True), received (False).
    ethertype, version (4, 6), protocol (number; 248 is UOA's): of the innermost VLAN.
    src, dst, host: IP addresses (ARP: sender's and target's); ``host`` is either of the two.
    sport, dport, port: TCP or UDP, also inside UOA's protocol 248; ``port`` is either.
    flags, no_flags: letters of FSRPAUEC that must all be set, or all be clear.
    icmp_type, icmp_id: ICMP and ICMPv6.
    payload: bytes somewhere in the L4 payload; contains: anywhere in the frame.
    has_payload: whether the L4 payload is non-empty.
    mac_src, mac_dst: aa:bb:cc:dd:ee:ff.
    """

    outgoing: bool | None = None
    ethertype: int | None = None
    version: int | None = None
    protocol: int | None = None
    src: str | None = None
    dst: str | None = None
    host: str | None = None
    sport: int | None = None
    dport: int | None = None
    port: int | None = None
    flags: str | None = None
    no_flags: str | None = None
    icmp_type: int | None = None
    icmp_id: int | None = None
    payload: bytes | None = None
    has_payload: bool | None = None
    contains: bytes | None = None
    mac_src: str | None = None
    mac_dst: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The pattern for the agent: only fields that are set, bytes as hexadecimal text."""
        wanted: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                wanted[field.name] = value.hex() if isinstance(value, bytes) else value
        return wanted

    def select(self, frames: list[Frame]) -> list[Frame]:
        """The frames that match, in order; with the same code as on the host."""
        pattern = Pattern(self.to_wire())
        return [f for f in frames if pattern.matches(Sketch(f.data, f.outgoing))]

    def __str__(self) -> str:
        wanted = self.to_wire()
        return ", ".join(f"{name}={value}" for name, value in wanted.items()) or "any frame"
