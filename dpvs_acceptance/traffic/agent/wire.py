# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""Packet sockets and Ethernet helpers of the agent."""

import array
import errno
import fcntl
import socket
import struct
from typing import List, Optional, Tuple

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
ETH_P_ARP = 0x0806
ETH_P_8021Q = 0x8100
ETH_P_IPV6 = 0x86DD

# linux/if_packet.h, asm-generic/socket.h: not all are in Python's socket module.
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_STATISTICS = 6
PACKET_AUXDATA = 8
PACKET_MR_MULTICAST = 0
PACKET_MR_PROMISC = 1
PACKET_OUTGOING = 4
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35

TP_STATUS_CSUMNOTREADY = 1 << 3
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6

SIOCGIFFLAGS = 0x8913
SIOCGIFMTU = 0x8921
SIOCGIFHWADDR = 0x8927
SIOCETHTOOL = 0x8946

# linux/ethtool.h: the "get" commands of offloads that change what a capture shows.
OFFLOADS = (
    ("rx-checksum", 0x14),
    ("tx-checksum", 0x16),
    ("scatter-gather", 0x18),
    ("tso", 0x1E),
    ("gso", 0x23),
    ("gro", 0x2B),
)

Timespec = struct.Struct("@ll")
AuxData = struct.Struct("@IIIHHHH")
FRAME_ROOM = 1 << 17  # larger than any GSO frame without BIG TCP


def bpf(*instructions: Tuple[int, int, int, int]) -> bytes:
    """Classic BPF in the kernel's format (struct sock_filter each)."""
    return b"".join(struct.pack("@HBBI", *one) for one in instructions)


# Only ICMPv6 neighbour solicitations and advertisements, so that answering for crafted addresses is
# cheap under load: next header at 14+6, ICMPv6 type at 14+40.
ND_ONLY = bpf(
    (0x30, 0, 0, 20),  # ldb [20]
    (0x15, 0, 4, 58),  # jeq 58 else drop
    (0x30, 0, 0, 54),  # ldb [54]
    (0x15, 1, 0, 135),  # jeq 135 accept
    (0x15, 0, 1, 136),  # jeq 136 else drop
    (0x06, 0, 0, 0x40000),
    (0x06, 0, 0, 0),
)


def mac_text(mac: bytes) -> str:
    return ":".join(f"{octet:02x}" for octet in mac)


def mac_bytes(text: str) -> bytes:
    mac = bytes(int(part, 16) for part in text.split(":"))
    if len(mac) != 6:
        raise ValueError(f"not a MAC address: {text}")
    return mac


def packed(address: str) -> bytes:
    """4 or 16 bytes of an IP address."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def unpacked(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6 if len(address) == 16 else socket.AF_INET, address)


def internet_checksum(data: bytes) -> int:
    """RFC 1071's sum over data, complemented; 0 if data includes a correct checksum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def interface_request(request: int, interface: str, tail: bytes = b"") -> bytes:
    """One SIOCGIF* ioctl; the bytes after the name."""
    name = interface.encode()
    if len(name) > 15:
        raise ValueError(f"not an interface name: {interface}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, request, (name.ljust(16, b"\0") + tail).ljust(40, b"\0"))
    return bytes(answer)[16:]


def hardware_address(interface: str) -> bytes:
    return interface_request(SIOCGIFHWADDR, interface)[2:8]


def offload(interface: str, command: int) -> Optional[bool]:
    """Whether an offload is on; None if the driver does not report it."""
    value = array.array("I", [command, 0])
    pointer = struct.pack("@P", value.buffer_info()[0])
    try:
        interface_request(SIOCETHTOOL, interface, pointer)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EPERM):
            return None
        raise
    return bool(value[1])


def receive_buffer(sock: socket.socket, size: int) -> int:
    """Request a large receive buffer; returns the kernel's value (includes its overhead)."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except OSError:  # without CAP_NET_ADMIN: up to net.core.rmem_max
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def join(sock: socket.socket, interface: str, kind: int, address: bytes = b"") -> None:
    """Promiscuous mode or a multicast MAC, until this socket is closed."""
    request = struct.pack("@iHH8s", socket.if_nametoindex(interface), kind, len(address), address)
    sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)


def open_receiver(
    interface: str, protocol: int = ETH_P_ALL, program: bytes = b"", buffer_bytes: int = 1 << 20
) -> socket.socket:
    """A packet socket that receives frames only from now on."""
    # Protocol 0 receives nothing, so there are no frames of other interfaces before bind().
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        sock.setblocking(False)
        receive_buffer(sock, buffer_bytes)
        if program:
            code = array.array("B", program)
            sock.setsockopt(
                socket.SOL_SOCKET,
                SO_ATTACH_FILTER,
                struct.pack("@HP", len(program) // 8, code.buffer_info()[0]),
            )
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        sock.bind((interface, protocol))
    except BaseException:
        sock.close()
        raise
    return sock


def open_sender(interface: str) -> socket.socket:
    """A packet socket that only sends."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((interface, 0))
    return sock


def send_unasked(sock: socket.socket, frame: bytes) -> None:
    """Send without error handling: without link or queue space, the frame is lost."""
    try:
        sock.send(frame)
    except OSError as error:
        if error.errno not in (errno.ENETDOWN, errno.ENOBUFS):
            raise


Received = Tuple[bytes, int, int, bool, bool]


def receive(sock: socket.socket, room: bytearray) -> Optional[Received]:
    """One frame: (bytes as on the wire, time ns, length, outgoing, checksum pending).

    None if no frame is waiting. A VLAN tag removed by the kernel is restored. The time is the
    kernel's (CLOCK_REALTIME).
    """
    while True:
        try:
            count, control, _, source = sock.recvmsg_into([room], 256, socket.MSG_TRUNC)
            break
        except BlockingIOError:
            return None
        except OSError as error:
            # Reported once when the link goes down; waiting and later frames can still be read.
            if error.errno != errno.ENETDOWN:
                raise
    data = bytes(memoryview(room)[: min(count, len(room))])
    nanoseconds, pending = 0, False
    for level, kind, body in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, fraction = Timespec.unpack_from(body)
            nanoseconds = seconds * 1000000000 + fraction
        elif level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = AuxData.unpack_from(body)
            pending = bool(status & TP_STATUS_CSUMNOTREADY)
            if status & TP_STATUS_VLAN_VALID:
                if not status & TP_STATUS_VLAN_TPID_VALID:
                    tpid = ETH_P_8021Q
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
                count += 4
    return data, nanoseconds, count, source[2] == PACKET_OUTGOING, pending


def statistics(sock: socket.socket) -> Tuple[int, int]:
    """(frames seen, frames dropped) since the last call; reading resets the kernel's counters."""
    seen, dropped = struct.unpack("@II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return seen, dropped


def addresses(interface: str) -> List[str]:
    """All IPv4 and IPv6 addresses of an interface, as ADDRESS/LENGTH (RTM_GETADDR)."""
    index = socket.if_nametoindex(interface)
    found: List[str] = []
    # nlmsghdr{length, RTM_GETADDR, REQUEST|DUMP, seq, pid} + ifaddrmsg{AF_UNSPEC}
    request = struct.pack("@IHHII", 24, 22, 0x301, 1, 0) + struct.pack("@BBBBi", 0, 0, 0, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.settimeout(2.0)
        sock.send(request)
        while True:
            answer = sock.recv(1 << 16)
            while answer:
                length, kind = struct.unpack_from("@IH", answer)
                if kind == 3:  # NLMSG_DONE
                    return found
                if kind == 2:  # NLMSG_ERROR
                    raise OSError(-struct.unpack_from("@i", answer, 16)[0], "RTM_GETADDR refused")
                _, prefix, _, _, of_index = struct.unpack_from("@BBBBi", answer, 16)
                if of_index == index:
                    found.extend(_address_attributes(answer[24:length], prefix))
                answer = answer[(length + 3) & ~3 :]


def _address_attributes(data: bytes, prefix: int) -> List[str]:
    by_kind = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("@HH", data)
        if length < 4:
            break
        by_kind[kind] = data[4:length]
        data = data[(length + 3) & ~3 :]
    # On point-to-point links IFA_LOCAL (2) is the own address, IFA_ADDRESS (1) the peer's.
    raw = by_kind.get(2) or by_kind.get(1)
    return [f"{unpacked(raw)}/{prefix}"] if raw else []
