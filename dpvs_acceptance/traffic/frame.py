"""One captured frame, and captures as pcap files."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_HEADER = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_NANOSECONDS = 0xA1B23C4D
_MICROSECONDS = 0xA1B2C3D4
_ETHERNET = 1
_SNAP = 1 << 18


# (outgoing, checksum pending) of a frame, as its direction is stored.
_WAYS = {(True, False): "o", (True, True): "p", (False, False): "i", (False, True): "r"}


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes from the destination MAC on (with VLAN tag, without FCS), as captured on a host.

    time_ns: that host's clock, nanoseconds since 1970 (kernel timestamp).
    outgoing: sent by the host; otherwise received.
    length: length on the wire; more than len(data) if the capture truncated it.
    checksum_pending: the L4 checksum is still to be filled in, so the value in ``data`` is
        meaningless: by the NIC of an outgoing frame; of a received one never, since it has not
        left the machine (guests and namespaces of one host).
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


@dataclass(frozen=True, slots=True)
class Lost:
    """Frames that a capture lost: dropped by the kernel, or beyond the capture's bounds."""

    dropped: int = 0
    overflow: int = 0


def capture_name(host: str, number: int = 1) -> str:
    """File name of a host's capture; number: of several captures of one check."""
    return f"{host}.pcap" if number == 1 else f"{host}.{number}.pcap"


def write_pcap(path: Path, frames: Iterable[Frame], lost: Lost | None = None) -> Path:
    """Write a little-endian, nanosecond pcap (readable by tcpdump, Wireshark, Scapy).

    `PATH.json` has what the format cannot store: the direction of each frame ("o" sent by the host,
    "p" sent with the checksum left to the NIC, "i" received, "r" received without its checksum),
    and the number of lost frames.
    """
    parts = [_HEADER.pack(_NANOSECONDS, 2, 4, 0, 0, _SNAP, _ETHERNET)]
    directions = ""
    for frame in frames:
        seconds, fraction = divmod(frame.time_ns, 10**9)
        length = max(frame.length, len(frame.data))
        parts.append(_RECORD.pack(seconds, fraction, len(frame.data), length))
        parts.append(frame.data)
        directions += _WAYS[frame.outgoing, frame.checksum_pending]
    path.write_bytes(b"".join(parts))
    kept = lost or Lost()
    sidecar = {"direction": directions, "dropped": kept.dropped, "overflow": kept.overflow}
    _sidecar(path).write_text(json.dumps(sidecar) + "\n")
    return path


def lost_of(path: Path) -> Lost:
    """Frames lost by the capture in this file; zero if not recorded."""
    sidecar = _read_sidecar(path)
    return Lost(int(sidecar.get("dropped", 0)), int(sidecar.get("overflow", 0)))


def has_directions(path: Path) -> bool:
    return _sidecar(path).is_file()


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_sidecar(path: Path) -> dict[str, Any]:
    if not has_directions(path):
        return {}
    try:
        sidecar: dict[str, Any] = json.loads(_sidecar(path).read_text("utf-8"))
        if not isinstance(sidecar["direction"], str) or not set(sidecar["direction"]) <= set(
            "iopr"
        ):
            raise ValueError(f"a direction is one of i, o, p, r: {sidecar['direction']!r:.80}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{_sidecar(path)}: {error}") from None
    return sidecar


def read_pcap(path: Path) -> list[Frame]:
    """Frames of an Ethernet pcap file; all count as received if there is no `PATH.json`."""
    frames = _read_frames(path)
    ways = _read_sidecar(path).get("direction")
    if ways is None:
        return frames
    if len(ways) != len(frames):
        raise ValueError(
            f"{path}: {len(frames)} frames, but {len(ways)} directions in {_sidecar(path).name}"
        )
    return [
        replace(frame, outgoing=way in "op", checksum_pending=way in "pr")
        for frame, way in zip(frames, ways, strict=True)
    ]


def _read_frames(path: Path) -> list[Frame]:
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
            raise ValueError(f"{path}: truncated in the record header at byte {at}")
        seconds, fraction, kept, length = struct.unpack_from(order + "IIII", data, at)
        at += _RECORD.size
        if at + kept > len(data):
            raise ValueError(f"{path}: truncated in the record at byte {at}")
        time_ns = seconds * 10**9 + fraction * unit
        frames.append(Frame(data[at : at + kept], time_ns, length=length))
        at += kept
    return frames
