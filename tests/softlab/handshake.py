"""Runs on a host of the lab: TCP connections made by hand, with options where the test wants.

    python3 - SOURCE DESTINATION DESTINATION_MAC [packet=HEX ...] [-- packet=HEX ...]

SOURCE is an address that the host does not have, so that its kernel does not answer for it; the
server must know its MAC as this host's. `packet` is syn, ack or request, HEX the TCP options that
it carries (padded by this script); `--` starts the next connection. Prints what the server sent
back on each. Standard library only.
"""

import ipaddress
import os
import socket
import struct
import sys

INTERFACE = "eth1"
SYN, RST, PSH, ACK, FIN = 0x02, 0x04, 0x08, 0x10, 0x01


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Connection:
    def __init__(self, source: str, destination: str, mac: str, number: int) -> None:
        self.source = ipaddress.ip_address(source)
        self.destination = ipaddress.ip_address(destination)
        self.version = self.source.version
        kind = 0x0800 if self.version == 4 else 0x86DD
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
        self.raw.bind((INTERFACE, kind))
        self.raw.settimeout(3)
        own = self.raw.getsockname()[4]
        self.ethernet = bytes.fromhex(mac.replace(":", "")) + own + struct.pack("!H", kind)
        self.port = 20000 + (os.getpid() * 16 + number) % 20000
        self.sequence, self.acknowledged = 1000, 0

    def send(self, flags: int, options: bytes = b"", data: bytes = b"") -> None:
        options += b"\0" * (-len(options) % 4)
        words = 5 + len(options) // 4
        tcp = struct.pack(
            "!HHIIBBHHH",
            *(self.port, 80, self.sequence, self.acknowledged, words << 4, flags, 65535, 0, 0),
        )
        tcp += options + data
        pseudo = self.source.packed + self.destination.packed + struct.pack("!II", len(tcp), 6)
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        addresses = self.source.packed + self.destination.packed
        if self.version == 4:
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses
            ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        else:
            ip = struct.pack("!IHBB", 0x60000000, len(tcp), 6, 64) + addresses
        self.raw.send(self.ethernet + ip + tcp)
        self.sequence += len(data) + (1 if flags & (SYN | FIN) else 0)

    def receive(self) -> tuple[int, int, bytes]:
        """Flags, sequence number and data of the next segment of this connection."""
        while True:
            frame = self.raw.recv(65536)
            size = 20 if self.version == 4 else 40
            ip, tcp = frame[14 : 14 + size], frame[14 + size :]
            addresses = ip[12:20] if self.version == 4 else ip[8:40]
            length = struct.unpack("!H", ip[2:4] if self.version == 4 else ip[4:6])[0]
            if addresses != self.destination.packed + self.source.packed or len(tcp) < 20:
                continue
            tcp = tcp[: length - 20 if self.version == 4 else length]
            ports, sequence, _ack, offset, flags = struct.unpack("!IIIBB", tcp[:14])
            if ports == (80 << 16 | self.port):
                return flags, sequence, tcp[(offset >> 4) * 4 :]


def fetch(connection: Connection, options: list[str]) -> str:
    """Make one connection, its packets with `options`; the body of the server's answer."""
    given = {name: bytes.fromhex(text) for name, _, text in (one.partition("=") for one in options)}
    connection.send(SYN, given.get("syn", b""))
    flags, sequence, _ = connection.receive()
    if flags & (SYN | ACK) != SYN | ACK:
        sys.exit(f"expected SYN and ACK, got flags {flags:#x}")
    connection.acknowledged = sequence + 1
    connection.send(ACK, given.get("ack", b""))
    request = b"GET / HTTP/1.0\r\nHost: rs\r\n\r\n"
    connection.send(ACK | PSH, given.get("request", b""), request)
    answer = b""
    while not flags & (FIN | RST):
        flags, sequence, data = connection.receive()
        if sequence == connection.acknowledged:
            answer += data
            connection.acknowledged += len(data) + (flags & FIN)
    connection.send(ACK | FIN)
    return answer.decode().split("\r\n\r\n", 1)[-1].strip()


def main(source: str, destination: str, mac: str, *options: str) -> None:
    each: list[list[str]] = [[]]
    for option in options:
        if option == "--":
            each.append([])
        else:
            each[-1].append(option)
    for number, one in enumerate(each):
        print(fetch(Connection(source, destination, mac, number), one))


main(*sys.argv[1:])
