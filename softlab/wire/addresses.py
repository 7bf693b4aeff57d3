"""What the wire knows of the deployment: whose addresses there are, and on which link."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from softlab.packet import mac
from softlab.wire.frame import ICMP6, Frame


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses in network order, 4 or 16 octets.

    macs: link to the MAC of the DUT's port. addresses: link to all that the DUT has on it.
    vips: virtual addresses. lips: local addresses of FullNAT. servers, clients: by name, with those
    of which checks craft packets. own: what the DUT's kernel has (kni), which no service concerns.
    """

    macs: Mapping[str, bytes]
    addresses: Mapping[str, tuple[bytes, ...]]
    vips: frozenset[bytes]
    lips: tuple[bytes, ...]
    servers: Mapping[str, frozenset[bytes]]
    clients: Mapping[str, frozenset[bytes]]
    own: frozenset[bytes]
    real: frozenset[bytes] = frozenset()
    """All addresses of real servers."""

    def leg(self, frame: Frame, *, leaving: bool) -> str:
        """Which leg of a service's way the frame is on; empty where it is on none."""
        if frame.arp is not None:
            return self._advertised(frame.arp[2], leaving)
        if frame.family == 6 and frame.proto == ICMP6 and 133 <= frame.raw[frame.at] <= 137:
            return self._advertised(frame.raw[frame.at + 8 : frame.at + 24], leaving)
        if not frame.family or frame.dst[0] >= (0xE0 if frame.family == 4 else 0xFF):
            return ""
        ours, theirs = (frame.src, frame.dst) if leaving else (frame.dst, frame.src)
        if ours in self.own or (frame.family == 6 and ours[:2] == b"\xfe\x80"):
            return ""
        if leaving:
            return "dut-rs" if theirs in self.real or theirs in self.vips else "dut-client"
        return "rs-dut" if theirs in self.real else "client-dut"

    def _advertised(self, address: bytes, leaving: bool) -> str:
        """The leg of ARP or ND of the DUT about this address."""
        if not leaving:
            return ""
        return "dut-client" if address in self.vips else "dut-rs" if address in self.lips else ""

    def local(self, link: str, address: bytes) -> bool:
        return address in self.addresses.get(link, ())


def from_json(value: Mapping[str, Any]) -> Addresses:
    """Addresses of JSON values: addresses and MACs as text."""
    servers = _named(value["servers"])
    return Addresses(
        macs={link: mac(text) for link, text in value["macs"].items()},
        addresses={link: tuple(map(address, texts)) for link, texts in value["addresses"].items()},
        vips=frozenset(map(address, value["vips"])),
        lips=tuple(map(address, value["lips"])),
        servers=servers,
        clients=_named(value["clients"]),
        own=frozenset(map(address, value["own"])),
        real=frozenset().union(*servers.values()),
    )


def address(text: str) -> bytes:
    """Network-order octets of an address."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def _named(value: Mapping[str, list[str]]) -> dict[str, frozenset[bytes]]:
    return {name: frozenset(map(address, texts)) for name, texts in value.items()}
