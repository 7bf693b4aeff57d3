# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""ARP and ND: replies for crafted addresses, and resolution of other addresses."""

import socket
import struct
from typing import Dict, List, Optional

from . import wire

ARP = struct.Struct("!HHBBH6s4s6s4s")
BROADCAST = b"\xff" * 6
SOLICITATION, ADVERTISEMENT = 135, 136


def arp(operation: int, mac: bytes, ip: bytes, target_mac: bytes, target_ip: bytes) -> bytes:
    to = BROADCAST if operation == 1 else target_mac
    body = ARP.pack(1, wire.ETH_P_IP, 6, 4, operation, mac, ip, target_mac, target_ip)
    return (to + mac + struct.pack("!H", wire.ETH_P_ARP) + body).ljust(60, b"\0")


def nd(kind: int, mac: bytes, source: bytes, to_mac: bytes, to: bytes, target: bytes) -> bytes:
    """A solicitation (with source link-layer option) or advertisement (with target option)."""
    flags = 0x60000000 if kind == ADVERTISEMENT else 0  # solicited, override
    option = (2 if kind == ADVERTISEMENT else 1, 1)
    body = struct.pack("!BBHI", kind, 0, 0, flags) + target + bytes(option) + mac
    pseudo = source + to + struct.pack("!II", len(body), 58)
    checksum = wire.internet_checksum(pseudo + body)
    body = body[:2] + struct.pack("!H", checksum) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + source + to
    return to_mac + mac + struct.pack("!H", wire.ETH_P_IPV6) + header + body


def multicast_mac(group: bytes) -> bytes:
    return b"\x33\x33" + group[12:]


def solicited_node(address: bytes) -> bytes:
    return bytes.fromhex("ff0200000000000000000001ff") + address[13:]


class Question:
    """Content of an ARP or ND frame: (is a request, target address, sender address, MAC)."""

    __slots__ = ("address", "asker", "asks", "mac")

    def __init__(self, asks: bool, address: bytes, asker: bytes, mac: bytes) -> None:
        self.asks, self.address, self.asker, self.mac = asks, address, asker, mac


def understand(frame: bytes) -> Optional[Question]:
    kind = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= 14 else 0
    if kind == wire.ETH_P_ARP and len(frame) >= 42:
        _, _, _, _, operation, mac, ip, _, target = ARP.unpack_from(frame, 14)
        return Question(operation == 1, target if operation == 1 else ip, ip, mac)
    if kind == wire.ETH_P_IPV6 and len(frame) >= 78 and frame[20] == 58:
        if frame[54] not in (SOLICITATION, ADVERTISEMENT):
            return None
        mac = frame[80:86] if len(frame) >= 86 else frame[6:12]
        return Question(frame[54] == SOLICITATION, frame[62:78], frame[22:38], mac)
    return None


class Owner:
    """Answers ARP and ND for crafted addresses until closed; counts answers per address."""

    def __init__(self, interface: str, addresses: List[str], mac: Optional[str]) -> None:
        self.mac = wire.mac_bytes(mac) if mac else wire.hardware_address(interface)
        self.answered = dict.fromkeys((wire.packed(one) for one in addresses), 0)
        self.buffer = bytearray(wire.FRAME_ROOM)
        self.sender = wire.open_sender(interface)
        self.socks = [
            wire.open_receiver(interface, wire.ETH_P_ARP),
            wire.open_receiver(interface, wire.ETH_P_IPV6, wire.ND_ONLY),
        ]
        if mac and self.mac != wire.hardware_address(interface):
            wire.join(self.socks[0], interface, wire.PACKET_MR_PROMISC)
        for address in self.answered:
            if len(address) == 16:  # the NIC must accept the solicited-node group
                group = multicast_mac(solicited_node(address))
                wire.join(self.socks[1], interface, wire.PACKET_MR_MULTICAST, group)

    def readable(self) -> None:
        for sock in self.socks:
            while True:
                received = wire.receive(sock, self.buffer)
                if received is None:
                    break
                question = understand(received[0])
                if question and question.asks and not received[3]:
                    self._answer(question)

    def _answer(self, question: Question) -> None:
        target = question.address
        if target not in self.answered:
            return
        self.answered[target] += 1
        if len(target) == 4:
            reply = arp(2, self.mac, target, question.mac, question.asker)
            wire.send_unasked(self.sender, reply)
            return
        asker, mac = question.asker, question.mac
        if asker == bytes(16):  # duplicate address detection: to all nodes
            asker = socket.inet_pton(socket.AF_INET6, "ff02::1")
            mac = multicast_mac(asker)
        reply = nd(ADVERTISEMENT, self.mac, target, mac, asker, target)
        wire.send_unasked(self.sender, reply)

    def report(self) -> Dict[str, int]:
        return {wire.unpacked(address): count for address, count in self.answered.items()}

    def close(self) -> None:
        for sock in [*self.socks, self.sender]:
            sock.close()


class Resolver:
    """Resolves an address and records all MACs that answer, in order, each once."""

    def __init__(self, interface: str, address: str, source: str, mac: Optional[str]) -> None:
        self.target, self.source = wire.packed(address), wire.packed(source)
        self.mac = wire.mac_bytes(mac) if mac else wire.hardware_address(interface)
        self.buffer = bytearray(wire.FRAME_ROOM)
        self.found: List[str] = []
        six = len(self.target) == 16
        protocol = wire.ETH_P_IPV6 if six else wire.ETH_P_ARP
        self.sock = wire.open_receiver(interface, protocol, wire.ND_ONLY if six else b"")
        self.sender = wire.open_sender(interface)

    def fileno(self) -> int:
        return self.sock.fileno()

    def ask(self) -> None:
        if len(self.target) == 4:
            self.sender.send(arp(1, self.mac, self.source, bytes(6), self.target))
            return
        group = solicited_node(self.target)
        self.sender.send(
            nd(SOLICITATION, self.mac, self.source, multicast_mac(group), group, self.target)
        )

    def readable(self) -> None:
        while True:
            received = wire.receive(self.sock, self.buffer)
            if received is None:
                return
            said = understand(received[0])
            if said is None or said.asks or received[3] or said.address != self.target:
                continue
            mac = wire.mac_text(said.mac)
            if mac not in self.found:
                self.found.append(mac)

    def close(self) -> None:
        self.sock.close()
        self.sender.close()
