"""Which worker gets a frame: what the NIC does by its flow rules and receive side scaling."""

from __future__ import annotations

from zlib import crc32

from softlab.packet import (
    ETH_IPV4,
    ETH_IPV6,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_TCP,
    PROTO_UDP,
)
from softlab.simulated import quirks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.core import DataPath


def lcore_of(path: DataPath, frame: bytes, port: int) -> int:
    """The worker of a frame: by the flow rules of the LIPs, else by hash."""
    workers = path.workers
    if len(workers) == 1:
        return workers[0]
    kind = frame[12:14]
    if kind == ETH_IPV4 and len(frame) >= 34:
        proto, src, dst = frame[23], frame[26:30], frame[30:34]
        at = 14 + (frame[14] & 0xF) * 4
    elif kind == ETH_IPV6 and len(frame) >= 54:
        proto, src, dst, at = frame[20], frame[22:38], frame[38:54], 54
    else:
        return _queue_owner(path, port, 0)
    if proto in (PROTO_ICMP, PROTO_ICMPV6) and path.settings.icmp_core is not None:
        other = path.quirks.has(quirks.ICMP_CORE)
        return workers[0] if other else path.settings.icmp_core
    key = src + dst
    if proto in (PROTO_TCP, PROTO_UDP):
        if dst in path.addresses.lips and path.settings.flow_enable:
            dport = int.from_bytes(frame[at + 2 : at + 4], "big")
            base = dport & ((1 << (len(workers) - 1).bit_length()) - 1)
            if base < len(workers):
                return workers[base]
        key += frame[at : at + 4]
    return _queue_owner(path, port, 0 if path.quirks.has(quirks.RSS_ONE) else crc32(key))


def _queue_owner(path: DataPath, port: int, spread: int) -> int:
    queues = path.ports[port].queues
    if not queues:
        return path.workers[spread % len(path.workers)]
    return queues[sorted(queues)[spread % len(queues)]]
