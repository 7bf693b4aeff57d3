"""A client and a server that talk through a device in memory, frame by frame, made with scapy."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from softlab.packet import address
from softlab.simulated import processing
from softlab.simulated.core import DataPath, Frames
from tests.softlab.simulated.devices import CLIENT_MAC, LAN, LAN_MAC, RS_MACS, WAN, WAN_MAC

CLIENT, VIP, LIP, RS = "10.0.0.48", "10.0.0.100", "192.168.100.200", "192.168.100.2"
CLIENT6, VIP6, VIP64 = "2001:db8:1::48", "2001:db8:1::100", "2001:db8:1::64"
LIP6, RS6 = "fd00:100::200", "fd00:100::2"
PORT = 50000
RS1_MAC, RS2_MAC = RS_MACS


def know(path: DataPath) -> None:
    """Let the device know every neighbour, so that nothing waits."""
    neighbours = (
        (WAN, CLIENT, CLIENT_MAC),
        (WAN, CLIENT6, CLIENT_MAC),
        (LAN, RS, RS1_MAC),
        (LAN, "192.168.100.3", RS2_MAC),
        (LAN, RS6, RS1_MAC),
        (LAN, "fd00:100::3", RS2_MAC),
    )
    for lcore in path.workers:
        for port, addr, hardware in neighbours:
            path.neighbours[lcore].learn(port, address(addr), hardware, 0.0)


def ip(src: str, dst: str, **fields: object) -> Packet:
    return IPv6(src=src, dst=dst, **fields) if ":" in src else IP(src=src, dst=dst, **fields)


def _whole(frame: bytes) -> Packet:
    """The frame taken apart, its checksums proven by making them again."""
    seen = Ether(frame)
    again = Ether(frame)
    for layer in (IP, TCP, UDP):
        # The device leaves out the UDP checksum where a private protocol stands before it.
        if layer in again and not (layer is UDP and again[UDP].chksum == 0):
            del again[layer].chksum
    assert bytes(Ether(bytes(again))) == bytes(seen), "a checksum or a length is wrong"
    return seen


def _sent(frames: Frames) -> list[Packet]:
    """What goes out of the ports; what the kernel's kni gets is left out."""
    return [_whole(frame) for port, frame in frames if port >= 0]


class Talk:
    """One conversation from the client's port to a service."""

    def __init__(self, path: DataPath, vip: str = VIP, sport: int = PORT) -> None:
        self.path = path
        self.vip = vip
        self.client = CLIENT6 if ":" in vip else CLIENT
        self.sport = sport
        self.now = 1.0
        self.seq = 1000
        self.isn = 0

    def from_client(self, packet: Packet) -> list[Packet]:
        """What the device sends because of a packet of the client."""
        frame = Ether(src=CLIENT_MAC, dst=WAN_MAC) / packet
        return _sent(processing.step(self.path, bytes(frame), WAN, self.now))

    def from_server(self, packet: Packet) -> list[Packet]:
        """What the device sends because of a packet of the first server."""
        frame = Ether(src=RS1_MAC, dst=LAN_MAC) / packet
        return _sent(processing.step(self.path, bytes(frame), LAN, self.now))

    def segment(self, flags: str, payload: bytes = b"", **fields: object) -> Packet:
        """The client's next segment."""
        given = {"seq": self.seq, "ack": self.isn + 1 if "A" in flags else 0, **fields}
        tcp = TCP(sport=self.sport, dport=80, flags=flags, **given)
        return ip(self.client, self.vip) / tcp / (Raw(payload) if payload else b"")

    def answer(self, request: Packet, flags: str, payload: bytes = b"", **fields: object) -> Packet:
        """The server's answer to a segment that it got."""
        layer = IPv6 if IPv6 in request else IP
        got = request[TCP]
        given = {"seq": 5000, "ack": got.seq + 1 if "S" in flags else got.seq, **fields}
        tcp = TCP(sport=got.dport, dport=got.sport, flags=flags, **given)
        return ip(request[layer].dst, request[layer].src) / tcp / (Raw(payload) if payload else b"")

    def open(self, **fields: object) -> Packet:
        """The handshake without its last ACK; the SYN as the server got it."""
        (syn,) = self.from_client(self.segment("S", **fields))
        (answered,) = self.from_server(self.answer(syn, "SA", options=[("MSS", 1460)]))
        self.isn = answered[TCP].seq
        self.seq += 1
        return syn
