"""One captured frame, and captures as pcap files."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_NANOSECONDS = 0xA1B23C4D
_MICROSECONDS = 0xA1B2C3D4
_ETHERNET = 1
_SNAP = 1 << 18


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes from the destination MAC on (VLAN tag included, FCS not), as one host saw them.

    time_ns: that host's clock, nanoseconds since 1970 (kernel timestamp).
    outgoing: sent by the host; else received.
    length: length on the wire; more than len(data) where the capture cut it.
    checksum_pending: an outgoing frame whose L4 checksum its NIC still has to fill in, so that
        the one in ``data`` means nothing.
    """

    data: bytes
    time_ns: int = 0
    outgoing: bool = False
    length: int = 0
    checksum_pending: bool = False

    @property
    def seconds(self) -> float:
        return self.time_ns / 1e9

    @property
    def cut(self) -> bool:
        return self.length > len(self.data)


def write_pcap(path: Path, frames: Iterable[Frame]) -> Path:
    """Write a little-endian, nanosecond pcap (readable by tcpdump, Wireshark, Scapy)."""
    parts = [_HEADER.pack(_NANOSECONDS, 2, 4, 0, 0, _SNAP, _ETHERNET)]
    for frame in frames:
        seconds, fraction = divmod(frame.time_ns, 10**9)
        length = max(frame.length, len(frame.data))
        parts.append(_RECORD.pack(seconds, fraction, len(frame.data), length))
        parts.append(frame.data)
    path.write_bytes(b"".join(parts))
    return path


def read_pcap(path: Path) -> list[Frame]:
    """Frames of an Ethernet pcap file; direction is not in the format and reads as received."""
    data = path.read_bytes()
    if len(data) < _HEADER.size:
        raise ValueError(f"{path}: {len(data)} bytes are not a pcap file")
    order = "<" if data[0] in (0x4D, 0xD4) else ">"
    magic, _, _, _, _, _, link = struct.unpack_from(order + "IHHiIII", data)
    if magic not in (_NANOSECONDS, _MICROSECONDS) or link & 0xFFFF != _ETHERNET:
        raise ValueError(f"{path}: not an Ethernet pcap file (magic {magic:#x}, link type {link})")
    unit = 1 if magic == _NANOSECONDS else 1000
    frames, at = [], _HEADER.size
    while at < len(data):
        if at + _RECORD.size > len(data):
            raise ValueError(f"{path}: cut in the record header at byte {at}")
        seconds, fraction, kept, length = struct.unpack_from(order + "IIII", data, at)
        at += _RECORD.size
        if at + kept > len(data):
            raise ValueError(f"{path}: cut in the record at byte {at}")
        time_ns = seconds * 10**9 + fraction * unit
        frames.append(Frame(data[at : at + kept], time_ns, length=length))
        at += kept
    return frames
