"""Quirks of IP, of Ethernet and of ARP."""

from __future__ import annotations

from softlab.simulated import packet
from softlab.simulated.mangling.seen import STRANGER, edited, with_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.mangling.seen import Leaving, Seen


def _ip(
    change: Callable[[bytes], bytes], *, to_rs: bool | None, family: int = 4
) -> Callable[[Seen], list[bytes]]:
    """A quirk of the IP header; to_rs None: both ways."""

    def leaving(seen: Seen) -> list[bytes]:
        ours = (
            (seen.to_rs or seen.to_client)
            if to_rs is None
            else (seen.to_rs if to_rs else seen.to_client)
        )
        if not ours or seen.family != family or not (seen.tcp or seen.is_proto(17, 248)):
            return [seen.frame]
        return [with_ip(seen, change)]

    return leaving


def _byte(at: int, change: Callable[[int], int]) -> Callable[[bytes], bytes]:
    def changed(head: bytes) -> bytes:
        return head[:at] + bytes([change(head[at]) & 0xFF]) + head[at + 1 :]

    return changed


def _ip_checksum(seen: Seen) -> list[bytes]:
    if not (seen.to_client and seen.family == 4 and seen.echo_reply):
        return [seen.frame]
    raw = bytearray(seen.frame)
    raw[24] ^= 0x5A
    return [bytes(raw)]


def _other_mac(seen: Seen) -> list[bytes]:
    if not seen.to_client:
        return [seen.frame]
    return [seen.frame[:6] + STRANGER + seen.frame[12:]]


def _port_s_sister(seen: Seen) -> list[bytes]:
    """Towards the RS with the MAC of the port that the client is on."""
    if not seen.to_rs:
        return [seen.frame]
    others = [port.hardware for port in seen.path.ports if port.index != seen.port]
    return [seen.frame[:6] + others[-1] + seen.frame[12:]]


def _arp_mac(seen: Seen) -> list[bytes]:
    if seen.frame[12:14] != packet.ETH_ARP or seen.frame[20:22] != b"\0\x02":
        return [seen.frame]
    return [seen.frame[:22] + STRANGER + seen.frame[28:]]


def _from_lip(seen: Seen) -> list[bytes]:
    """To the client from a LIP instead of the VIP."""
    if not (seen.tcp and seen.to_client):
        return [seen.frame]
    lips = [lip for lip in seen.path.addresses.lips if len(lip) == seen.family]
    return edited(seen, lambda h, o, p: (h, o, p), src=lips[0]) if lips else [seen.frame]


LEAVING: dict[str, Leaving] = {
    "ip.ttl": _ip(_byte(8, lambda v: v - 1), to_rs=True),
    "ip.ttl-restored": _ip(_byte(8, lambda _: 255), to_rs=False),
    "ip.hop-limit": _ip(_byte(7, lambda v: v - 1), to_rs=True, family=16),
    "ip.traffic-class": _ip(_byte(1, lambda v: v ^ 0x08), to_rs=True),
    "ip.flow-label": _ip(_byte(3, lambda v: v ^ 1), to_rs=True, family=16),
    "ip.fragment": _ip(_byte(6, lambda v: v & ~0x40), to_rs=True),
    "ip.ident": _ip(_byte(4, lambda v: v ^ 1), to_rs=None),
    "ip.checksum": _ip_checksum,
    "mac.stranger": _other_mac,
    "mac.other-port": _port_s_sister,
    "arp.mac": _arp_mac,
    "address.lip": _from_lip,
}
