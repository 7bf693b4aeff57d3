"""Fragmentation of IP packets, also with overlaps, and reassembly."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .agent.wire import internet_checksum
from .views import IpView

ETHERNET = 14
HEADER6 = 40
FRAGMENT = 44  # next header value of IPv6


def cut(frame: bytes, size: int, *, overlap: int = 0, ident: int = 0x5EED) -> list[bytes]:
    """The IP packet of an untagged frame as fragments of up to `size` octets of IP payload.

    size, overlap: multiples of 8. overlap: each later fragment starts that many octets early, with
    octets that differ from its predecessor's (forbidden by RFC 5722).
    """
    if size % 8 or overlap % 8 or not 0 <= overlap < size:
        raise ValueError(
            f"size and overlap of fragments must be multiples of 8, not {size} and {overlap}"
        )
    four = frame[ETHERNET] >> 4 == 4
    header = (frame[ETHERNET] & 15) * 4 if four else HEADER6
    head, body = frame[ETHERNET : ETHERNET + header], frame[ETHERNET + header :]
    out = []
    at = 0
    while at < len(body):
        begin = max(0, at - overlap) if at else 0
        part = bytes(octet ^ 0xFF for octet in body[begin:at]) + body[at : at + size]
        more = at + size < len(body)
        made = (
            _four(head, part, begin, more, ident) if four else _six(head, part, begin, more, ident)
        )
        out.append(frame[:ETHERNET] + made)
        at += size
    return out


def _four(head: bytes, part: bytes, begin: int, more: bool, ident: int) -> bytes:
    word = begin >> 3 | (0x2000 if more else 0)
    length = len(head) + len(part)
    new = head[:2] + struct.pack("!HHH", length, ident, word) + head[8:10] + b"\0\0" + head[12:]
    return new[:10] + internet_checksum(new).to_bytes(2, "big") + new[12:] + part


def _six(head: bytes, part: bytes, begin: int, more: bool, ident: int) -> bytes:
    extension = struct.pack("!BBHI", head[6], 0, begin | more, ident)
    length = (len(extension) + len(part)).to_bytes(2, "big")
    return head[:4] + length + bytes([FRAGMENT]) + head[7:] + extension + part


def together(pieces: Iterable[IpView]) -> bytes | None:
    """The reassembled IP payload; None if a part is missing."""
    made = b""
    last = False
    for piece in sorted(pieces, key=lambda view: view.fragment_offset):
        if piece.fragment_offset > len(made):
            return None
        made = made[: piece.fragment_offset] + piece.ip_payload
        last = not _more(piece)
    return made if last else None


def _more(piece: IpView) -> bool:
    """Whether more fragments follow. A complete packet is its own last fragment."""
    if piece.version == 4:
        return bool(piece.ip_flags and piece.ip_flags & 1)
    extension = piece.ip_options[-8:]  # the fragment header is the last extension
    return len(piece.ip_options) >= 9 and bool(extension[3] & 1)
