"""Reading the recorded captures (classic pcap, microseconds, Ethernet)."""

from __future__ import annotations

import struct
from pathlib import Path

RECORDINGS = Path(__file__).parent / "recordings"


def frames(name: str) -> list[tuple[float, bytes]]:
    """(time in seconds, frame) of every frame in a recorded capture."""
    raw = (RECORDINGS / "pcap" / f"{name}.pcap").read_bytes()
    assert raw[:4] == b"\xd4\xc3\xb2\xa1", f"{name}: not a little-endian pcap"
    at, found = 24, []
    while at < len(raw):
        seconds, micros, size, _ = struct.unpack_from("<4I", raw, at)
        found.append((seconds + micros / 1e6, raw[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def merged(mode: str) -> list[tuple[float, str, bytes]]:
    """(time, who captured it, frame) of one forwarding mode's captures, in the order of time.

    Who is client, rs1 or rs2.
    """
    every = [
        (when, who, frame)
        for who in ("client", "rs1", "rs2")
        for when, frame in frames(f"{mode}-{who}")
    ]
    return sorted(every, key=lambda item: item[0])
