"""Editing the options of a TCP header as FullNAT does (src/ipvs/ip_vs_proto_tcp.c).

Every function takes the options, the bytes between the 20-byte base header and the payload, and
returns the new ones.
"""

from __future__ import annotations

EOL = 0
NOP = 1
MSS = 2
SACK = 5
TIMESTAMP = 8
TOA = 254

_SYN_KEEP = {MSS: 4, 3: 3, 4: 2, TIMESTAMP: 10, 30: 40, 34: 18}
_ACK_KEEP = {TIMESTAMP: 10}


def walk(options: bytes) -> list[tuple[int, int, int]]:
    """(kind, offset, length) of each option but NOP and end, up to the first that is cut off."""
    found = []
    at = 0
    size = len(options)
    while at < size:
        kind = options[at]
        if kind == EOL:
            break
        if kind == NOP:
            at += 1
            continue
        if at + 1 >= size:
            break
        length = options[at + 1]
        if length < 2 or at + length > size:
            break
        found.append((kind, at, length))
        at += length
    return found


def blank_timestamp(options: bytes) -> bytes:
    """The timestamp of a SYN becomes NOPs: clients behind one LIP would mix their clocks."""
    for kind, at, length in walk(options):
        if kind == TIMESTAMP and length == 10:
            return options[:at] + b"\x01" * 10 + options[at + 10 :]
    return options


def lower_mss(options: bytes, by: int) -> bytes:
    """The MSS of a SYN-ACK made smaller, so that the TOA still fits the client's segments."""
    for kind, at, length in walk(options):
        if kind == MSS and length == 4:
            mss = int.from_bytes(options[at + 2 : at + 4], "big") - by
            return options[: at + 2] + (mss & 0xFFFF).to_bytes(2, "big") + options[at + 4 :]
    return options


def shift_sack(options: bytes, delta: int) -> bytes:
    """Edges of SACK blocks from the RS, moved back into the client's sequence space."""
    for kind, at, length in walk(options):
        if kind == SACK and length >= 10 and (length - 2) % 8 == 0:
            edges = bytearray(options)
            for edge in range(at + 2, at + length, 4):
                value = int.from_bytes(edges[edge : edge + 4], "big")
                edges[edge : edge + 4] = ((value - delta) & 0xFFFFFFFF).to_bytes(4, "big")
            return bytes(edges)
    return options


def toa(client: bytes, port: int) -> bytes:
    """The client's address option: kind 254, length 8 or 20, port and address in network order."""
    return bytes([TOA, 4 + len(client)]) + port.to_bytes(2, "big") + client


def prune(options: bytes, need: int, *, syn: bool) -> bytes:
    """Options with at least ``need`` bytes freed if that can be had, or unchanged.

    NOPs and a TOA that the client sent itself go first; if that is not enough, options go in
    their order, except those TCP cannot do without (on a SYN: MSS, window scale, SACK permitted,
    timestamp, MPTCP, fast open; later: timestamp). What is left is padded to four bytes.
    """
    if len(options) < need:
        return options
    kept = [(kind, options[at : at + length]) for kind, at, length in walk(options) if kind != TOA]
    freed = len(options) - sum(len(raw) for _, raw in kept)
    if freed < need:
        protected = dict(_SYN_KEEP if syn else _ACK_KEEP)
        remaining = []
        for index, (kind, raw) in enumerate(kept):
            if len(raw) <= protected.get(kind, -1):
                del protected[kind]
                remaining.append((kind, raw))
                continue
            freed += len(raw)
            if freed >= need:
                remaining.extend(kept[index + 1 :])
                break
        kept = remaining
    slim = b"".join(raw for _, raw in kept)
    slim += bytes(-len(slim) % 4)
    return slim
