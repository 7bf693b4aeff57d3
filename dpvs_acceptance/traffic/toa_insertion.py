"""Insertion of TOA into a packet's TCP options, and options that are removed for it.

Has the same effect on option bytes as tcp_in_remove_ts, tcp_in_add_toa and tcp_in_prune_options
(ip_vs_proto_tcp.c, v1.10.2), including special cases.
"""

from __future__ import annotations

from . import toa
from .connection import Connection
from .tcpoptions import EOL, NOP, TIMESTAMP

MAXIMUM = 40  # bytes of options a TCP header can hold

# Options that are removed last, with their maximum length.
_KEPT_ON_SYN = {2: 4, 3: 3, 4: 2, 8: 10, 30: 40, 34: 18}
_KEPT_ELSE = {8: 10}


def without_timestamp(raw: bytes) -> bytes:
    """The first timestamp option becomes NOPs (on SYN), as a LIP has clients with many clocks."""
    for at, length in _walk(raw):
        if raw[at] == TIMESTAMP and length == 10:
            return raw[:at] + bytes((NOP,)) * 10 + raw[at + 10 :]
    return raw


def with_toa(raw: bytes, packet_length: int, connection: Connection, syn: bool) -> bytes:
    """Option bytes after DPVS tried to add TOA to a packet of ``packet_length`` bytes (IP)."""
    mtu = connection.service.lan.mtu
    option = toa.encode(connection.client.address, connection.client.port)
    if _fits(raw, packet_length, len(option), mtu):
        return option + raw
    if not connection.service.behaviour.toa_prunes:
        return raw  # without TOA, silently
    pruned = prune(raw, len(option), syn)
    gained = len(raw) - len(pruned)
    if gained >= len(option) and _fits(pruned, packet_length - gained, len(option), mtu):
        return option + pruned
    return pruned


def _fits(raw: bytes, packet_length: int, size: int, mtu: int) -> bool:
    return packet_length <= mtu - size and len(raw) + size <= MAXIMUM


def prune(raw: bytes, wanted: int, syn: bool) -> bytes:
    """Options without NOPs and (forged) TOA; then, if still too long, without unprotected ones.

    The result is padded with EOL to a multiple of four bytes. Unchanged if shorter than ``wanted``.
    """
    if len(raw) < wanted:
        return raw
    options = [raw[at : at + n] for at, n in _walk(raw) if raw[at] not in (NOP, toa.KIND)]
    gained = len(raw) - sum(map(len, options))
    if gained < wanted:
        protected = dict(_KEPT_ON_SYN if syn else _KEPT_ELSE)
        kept: list[bytes] = []
        for option in options:
            limit = protected.get(option[0])
            if gained < wanted and (limit is None or len(option) > limit):
                gained += len(option)
                continue
            if limit is not None and len(option) <= limit:
                protected.pop(option[0])  # a second option of this kind is not protected
            kept.append(option)
        options = kept
    rest = b"".join(options)
    return rest + bytes(-len(rest) % 4)


def _walk(raw: bytes) -> list[tuple[int, int]]:
    """(index, length) of each option up to EOL or the first invalid length."""
    found, at = [], 0
    while at < len(raw) and raw[at] != EOL:
        length = 1 if raw[at] == NOP else (raw[at + 1] if at + 1 < len(raw) else 0)
        if length < 1 or (raw[at] != NOP and length < 2) or at + length > len(raw):
            break
        found.append((at, length))
        at += length
    return found
