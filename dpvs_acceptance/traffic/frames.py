"""Builds frames with Scapy, and prints them as Scapy dissects them.

Scapy is imported on first use, without ``scapy.all``: 0.2 s instead of 1.4 s. Scapy neither sends
nor receives here. Checks use the typed views of ``dissect.py``, which recomputes lengths and
checksums independently of Scapy.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from .frame import Frame
from .tcpoptions import Options


@dataclass(frozen=True, slots=True)
class Ends:
    """Ethernet and IP addresses of a frame to build; the IP version follows from the addresses.

    mac_dst: the next hop. ip_id: IPv4 only. vlan: 802.1Q id or None.
    """

    mac_src: str
    mac_dst: str
    src: str
    dst: str
    ttl: int = 64
    tos: int = 0
    vlan: int | None = None
    dont_fragment: bool = True

    @property
    def version(self) -> int:
        return 6 if ":" in self.dst else 4


@functools.cache
def scapy() -> SimpleNamespace:
    """The Scapy classes in use, by name."""
    from scapy.config import conf

    # Scapy would read the runner's routing tables at import; they are not needed here.
    conf.route_autoload = False
    conf.route6_autoload = False
    from scapy.layers import inet, inet6, l2
    from scapy.packet import Packet, Raw

    return SimpleNamespace(
        Packet=Packet,
        Raw=Raw,
        Ether=l2.Ether,
        Dot1Q=l2.Dot1Q,
        ARP=l2.ARP,
        IP=inet.IP,
        TCP=inet.TCP,
        UDP=inet.UDP,
        ICMP=inet.ICMP,
        IPv6=inet6.IPv6,
        EchoRequest6=inet6.ICMPv6EchoRequest,
    )


def network(ends: Ends, ip_id: int = 0, **ip: Any) -> Any:
    """Ethernet, VLAN and IP as a Scapy packet, to append a payload with ``/``.

    ip: additional fields of Scapy's IP or IPv6 class (options, frag, flags, fl, nh, ...).
    """
    s = scapy()
    packet = s.Ether(src=ends.mac_src, dst=ends.mac_dst)
    if ends.vlan is not None:
        packet /= s.Dot1Q(vlan=ends.vlan)
    if ends.version == 6:
        fields = {"src": ends.src, "dst": ends.dst, "hlim": ends.ttl, "tc": ends.tos, **ip}
        return packet / s.IPv6(**fields)
    fields = {
        "src": ends.src,
        "dst": ends.dst,
        "ttl": ends.ttl,
        "tos": ends.tos,
        "id": ip_id,
        "flags": "DF" if ends.dont_fragment else 0,
        **ip,
    }
    return packet / s.IP(**fields)


def tcp(
    ends: Ends,
    sport: int,
    dport: int,
    flags: str,
    *,
    seq: int = 0,
    ack: int = 0,
    window: int = 64240,
    options: Options = (),
    payload: bytes = b"",
    ip_id: int = 0,
    **fields: Any,
) -> bytes:
    """A TCP segment with exactly these options, padded with EOL to a multiple of four bytes."""
    s = scapy()
    segment = s.TCP(
        sport=sport,
        dport=dport,
        flags=flags,
        seq=seq,
        ack=ack,
        window=window,
        options=[(option.kind, option.data) for option in options],
        **fields,
    )
    return bytes(network(ends, ip_id) / segment / s.Raw(payload))


def udp(
    ends: Ends, sport: int, dport: int, payload: bytes, *, ip_id: int = 0, **fields: Any
) -> bytes:
    """A UDP datagram; ``chksum=0`` omits the checksum."""
    s = scapy()
    return bytes(network(ends, ip_id) / s.UDP(sport=sport, dport=dport, **fields) / s.Raw(payload))


def echo_request(
    ends: Ends, identifier: int, sequence: int, payload: bytes, *, ip_id: int = 0
) -> bytes:
    """ICMP or ICMPv6 echo request."""
    s = scapy()
    if ends.version == 6:
        echo = s.EchoRequest6(id=identifier, seq=sequence, data=payload)
        return bytes(network(ends) / echo)
    echo = s.ICMP(type=8, id=identifier, seq=sequence)
    return bytes(network(ends, ip_id) / echo / s.Raw(payload))


def shown(frame: Frame | bytes) -> str:
    """All fields as dissected by Scapy, several lines, for evidence."""
    packet = scapy().Ether(frame.data if isinstance(frame, Frame) else frame)
    text: str = packet.show(dump=True)
    return text
