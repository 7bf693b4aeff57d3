"""Network interfaces between two namespaces: the host's own and the hidden one of its DPDK ports.

Rtnetlink is spoken directly (linux/rtnetlink.h): a socket belongs for ever to the namespace it was
made in, so the daemon works in both without entering either again, and without starting `ip`.
"""

import errno
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from softlab import kernel

_HEADER: Final = struct.Struct("=IHHII")
_IFINFO: Final = struct.Struct("=BxHiII")
_ERROR, _DONE = 2, 3
_NEWLINK, _GETLINK = 16, 18
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ADDRESS, _IFNAME, _MTU, _NET_NS_FD = 1, 3, 4, 28
_IFF_UP: Final = 0x1
_IFF_PROMISC: Final = 0x100
_IFF_LOWER_UP: Final = 0x10000
_GROUP_LINK: Final = 1
_SOL_PACKET: Final = 263
_PACKET_IGNORE_OUTGOING: Final = 23
_ETH_P_ALL: Final = 3


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface as its namespace shows it."""

    index: int
    name: str
    mac: str
    mtu: int
    up: bool
    carrier: bool


class Interfaces:
    """The interfaces of the namespace that the caller is in when this is made."""

    def __init__(self) -> None:
        self._socket = _netlink(0)
        self._events = _netlink(1 << (_GROUP_LINK - 1))
        self._events.setblocking(False)
        self._sequence = 0

    def all(self) -> dict[str, Interface]:
        """All interfaces by name."""
        found: dict[str, Interface] = {}
        for body in self._ask(_GETLINK, _DUMP, _IFINFO.pack(0, 0, 0, 0, 0)):
            interface = _interface(body)
            found[interface.name] = interface
        return found

    def changed(self) -> bool:
        """Whether any interface came, went or changed since this was last asked."""
        seen = False
        while True:
            try:
                self._events.recv(65536)
            except BlockingIOError:
                return seen
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # so many changes that some were dropped
                    raise
            seen = True

    def move(self, index: int, namespace: int, name: str) -> None:
        """Move an interface to the namespace of this descriptor, as `name`; it arrives down.

        Raises OSError: EEXIST when that name is taken there.
        """
        attributes = _attribute(_NET_NS_FD, struct.pack("=I", namespace))
        attributes += _attribute(_IFNAME, name.encode() + b"\0")
        self._ask(_NEWLINK, _ACK, _IFINFO.pack(0, 0, index, 0, 0) + attributes)

    def set_up(self, index: int, up: bool) -> None:
        """Switch an interface on or off."""
        self._flag(index, _IFF_UP, up)

    def set_promiscuous(self, index: int, on: bool) -> None:
        """Have an interface take every frame, or its own only."""
        self._flag(index, _IFF_PROMISC, on)

    def _flag(self, index: int, flag: int, on: bool) -> None:
        self._ask(_NEWLINK, _ACK, _IFINFO.pack(0, 0, index, flag if on else 0, flag))

    def _ask(self, kind: int, flags: int, body: bytes) -> list[bytes]:
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, self._sequence, 0)
        self._socket.send(header + body)
        answers: list[bytes] = []
        while True:
            data = self._socket.recv(1 << 17)
            offset = 0
            while offset < len(data):
                length, answer, _, sequence, _ = _HEADER.unpack_from(data, offset)
                content = data[offset + _HEADER.size : offset + length]
                offset += (length + 3) & ~3
                if sequence != self._sequence:
                    continue
                if answer == _DONE:
                    return answers
                if answer == _ERROR:
                    (number,) = struct.unpack_from("=i", content)
                    if number:
                        raise OSError(-number, os.strerror(-number))
                    return answers
                answers.append(content)


def of_process(pid: int) -> Interfaces:
    """The interfaces of another process's namespace. Only for a process of a single thread."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.setns(f"/proc/{pid}/ns/net", kernel.CLONE_NEWNET)
        try:
            return Interfaces()
        finally:
            kernel.setns(f"/proc/self/fd/{home}", kernel.CLONE_NEWNET)
    finally:
        os.close(home)


def hide() -> None:
    """Move this process to a network namespace of its own, where the kernel sends nothing itself.

    The frames of its interfaces are for DPDK's eyes alone: without IPv6 there is no neighbour
    discovery or MLD, and without addresses no ARP.
    """
    kernel.unshare(kernel.CLONE_NEWNET)
    for which in ("all", "default"):
        switch = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
        if switch.exists():
            switch.write_text("1")


def packet_socket(index: int) -> socket.socket:
    """A raw AF_PACKET socket on an interface of this namespace that does not see what is sent."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    raw.bind((socket.if_indextoname(index), _ETH_P_ALL))
    return raw


def _netlink(groups: int) -> socket.socket:
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    link.bind((0, groups))
    return link


def _attribute(kind: int, value: bytes) -> bytes:
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + b"\0" * (-size % 4)


def _interface(body: bytes) -> Interface:
    _, _, index, flags, _ = _IFINFO.unpack_from(body)
    values: dict[int, bytes] = {}
    offset = _IFINFO.size
    while offset + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, offset)
        values[kind & 0x3FFF] = body[offset + 4 : offset + size]
        offset += (size + 3) & ~3
    return Interface(
        index=index,
        name=values[_IFNAME].rstrip(b"\0").decode(),
        mac=values.get(_ADDRESS, b"").hex(":"),
        mtu=int.from_bytes(values.get(_MTU, b""), "little"),
        up=bool(flags & _IFF_UP),
        carrier=bool(flags & _IFF_LOWER_UP),
    )
