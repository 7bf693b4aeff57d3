"""The NICs and hugepages of the host.

On a host with emulated hardware, both come from its daemon, over ``/run/emulated.sock``: one JSON
object per line, the NICs' packet sockets passed along. Without it, as with the real device on
DPDK's software ports, EAL's ``--vdev=net_af_packetN,iface=NAME`` opens an interface directly.
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from softlab.simulated.ports import SPEED, Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EMULATED = "/run/emulated.sock"

_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_PACKET_STATISTICS = 6
_PACKET_FANOUT = 18
_PACKET_FANOUT_HASH = 0
_PACKET_FANOUT_FLAG_DEFRAG = 0x8000
_MAX_PORTS = 64
_GET_FLAGS = 0x8913
_WHOLE = 0x41  # IFF_UP and IFF_RUNNING


class NoHugepagesError(Exception):
    """The host cannot give the hugepages asked for; the text says on which node."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC the device may use, with its packet socket."""

    link: socket.socket
    hardware: bytes
    pci: str
    driver: str
    numa_node: int
    ifindex: int
    link_now: Link
    queues: int = 64


def open_interface(name: str) -> socket.socket:
    """A packet socket bound to an interface."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    link.bind((name, _ETH_P_ALL))
    # As DPDK's driver does it: the kernel puts fragments together.
    group = (socket.if_nametoindex(name) & 0xFF) | (os.getpid() & 0xFF) << 8
    how = _PACKET_FANOUT_HASH | _PACKET_FANOUT_FLAG_DEFRAG
    link.setsockopt(_SOL_PACKET, _PACKET_FANOUT, struct.pack("=I", group | how << 16))
    return link


def prepare(link: socket.socket) -> None:
    """Do not hear what is sent; keep bursts."""
    link.setblocking(False)
    link.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)


def carrier(link: socket.socket) -> bool:
    """Whether the interface of a packet socket is up at both ends of its cable."""
    request = struct.pack("16sH22x", link.getsockname()[0].encode(), 0)
    flags = int(struct.unpack_from("16xH", fcntl.ioctl(link, _GET_FLAGS, request))[0])
    return flags & _WHOLE == _WHOLE


def missed(link: socket.socket) -> int:
    """Frames the socket had no room for since the last call."""
    raw = link.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
    _, drops = struct.unpack("=II", raw)
    return int(drops)


class Emulated:
    """A connection to the emulated hardware; what it reserved is held while it is open."""

    def __init__(self, path: str = EMULATED) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(60)
        self._socket.connect(path)

    def _ask(self, request: dict[str, object]) -> tuple[dict[str, object], list[int]]:
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        raw, fds = b"", array.array("i")
        while not raw.endswith(b"\n"):
            size = socket.CMSG_SPACE(_MAX_PORTS * fds.itemsize)
            part, ancillary, _, _ = self._socket.recvmsg(65536, size)
            if not part:
                raise OSError(f"the emulated hardware closed {EMULATED} while answering {request}")
            raw += part
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(content[: len(content) // fds.itemsize * fds.itemsize])
        return json.loads(raw), list(fds)

    def probe(self) -> list[Nic]:
        """The NICs bound to a DPDK driver, in PCI order."""
        answer, fds = self._ask({"op": "probe"})
        ports = answer.get("ports", [])
        if not isinstance(ports, list) or len(ports) != len(fds):
            raise OSError(f"the emulated hardware answered {answer} with {len(fds)} sockets")
        return [
            Nic(
                socket.socket(fileno=fd),
                bytes.fromhex(str(port["mac"]).replace(":", "")),
                str(port["pci"]),
                "net_ixgbe",
                int(port.get("numa_node", 0)),
                int(port.get("ifindex", 0)),
                _link(port),
            )
            for port, fd in zip(ports, fds, strict=True)
        ]

    def links(self) -> dict[str, Link]:
        """PCI address to what the NIC says now."""
        answer, _ = self._ask({"op": "ports"})
        ports = answer.get("ports", [])
        return {str(port["pci"]): _link(port) for port in ports} if isinstance(ports, list) else {}

    def open_device(self, path: str) -> bool:
        """Open a device file for as long as the connection lives; False when there is none."""
        answer, _ = self._ask({"op": "open_device", "path": path})
        return bool(answer.get("ok"))

    def reserve(self, bytes_per_node: int, files: Sequence[str] = ()) -> None:
        """NoHugepagesError when some node has not that much. `files`: what maps the pages."""
        request = {"op": "reserve_hugepages", "bytes_per_node": bytes_per_node, "files": [*files]}
        answer, _ = self._ask(request)
        if not answer.get("ok"):
            raise NoHugepagesError(str(answer.get("error", answer)))

    def close(self) -> None:
        self._socket.close()


def _link(port: dict[str, object]) -> Link:
    up = bool(port.get("up", True)) and bool(port.get("carrier", True))
    speed = port.get("speed")
    return Link(up, speed if isinstance(speed, int) and speed else SPEED)


class Host:
    """Where the device's NICs and memory come from."""

    def __init__(self, vdevs: list[str], *, pci: bool) -> None:
        self._vdevs = vdevs
        self._pci = pci
        self._held: list[Emulated] = []
        self.emulated = Path(EMULATED).exists()

    def nics(self) -> list[Nic]:
        """PCI NICs first, then the software ports of the command line."""
        found: list[Nic] = []
        if self.emulated and self._pci:
            hardware = Emulated()
            self._held.append(hardware)
            found += hardware.probe()
        for vdev in self._vdevs:
            driver, _, arguments = vdev.partition(",")
            options = dict(part.split("=", 1) for part in arguments.split(","))
            name = options["iface"]
            link = open_interface(name)
            found.append(
                Nic(
                    link,
                    link.getsockname()[4],
                    "vdev",
                    driver.rstrip("0123456789"),
                    0,
                    socket.if_nametoindex(name),
                    Link(),
                    int(options.get("qpairs", "1")),
                )
            )
        for nic in found:
            prepare(nic.link)
        return found

    def links(self) -> dict[str, Link]:
        """PCI address to what the NIC says now; nothing of software ports, which never change."""
        if not (self.emulated and self._pci):
            return {}
        hardware = Emulated()
        try:
            return hardware.links()
        finally:
            hardware.close()

    def open_device(self, path: str) -> bool:
        """Open a device file for as long as the process lives; False when there is none."""
        if not self.emulated:
            return Path(path).exists()
        hardware = Emulated()
        self._held.append(hardware)
        return hardware.open_device(path)

    def reserve(self, bytes_per_node: int, *, hold: bool, files: Sequence[str] = ()) -> None:
        """Reserve hugepages on every node: when held, for as long as process or files live."""
        if not self.emulated:
            return
        hardware = Emulated()
        try:
            hardware.reserve(bytes_per_node, files)
        except NoHugepagesError:
            hardware.close()
            raise
        if hold:
            self._held.append(hardware)
        else:
            hardware.close()
