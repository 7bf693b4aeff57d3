"""What ipip and ip6_tunnel do on a real server, emulated by a tun device and a process each.

Loading the module brings a device (tunl0, ip6tnl0) to which the kernel gives what is inside of any
packet to this host that holds another: IPv4 in IPv4 (RFC 2003), IPv6 in IPv6 (RFC 2473). A kernel
that lacks the module can still hand such packets to a raw socket. Nothing is sent by the device:
a real server answers from the VIP by its own interface.
"""

import contextlib
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path
from typing import Final, NoReturn

#: Module to device, and the family and protocol number of what carries its packets.
_TUNNELS: Final = {
    "ipip": ("tunl0", socket.AF_INET, socket.IPPROTO_IPIP),
    "ip6_tunnel": ("ip6tnl0", socket.AF_INET6, socket.IPPROTO_IPV6),
}
_RUN: Final = Path("/run/softlab")
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN_NO_PI: Final = 0x1001


def load(file: Path) -> None:
    """Make the device of a module, which is the file's name. Raises OSError."""
    device, family, protocol = _TUNNELS[file.stem]
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN_NO_PI))
    carriers = socket.socket(family, socket.SOCK_RAW, protocol)
    pid = os.fork()
    if pid == 0:
        _serve(tun, carriers)
    _process(file.stem).write_text(str(pid))


def unload(module: str) -> None:
    """End the process; the device goes with it, also where that takes a moment."""
    file = _process(module)
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(file.read_text()), signal.SIGKILL)
    file.unlink(missing_ok=True)


def _process(module: str) -> Path:
    return _RUN / f"{module}.pid"


def _serve(tun: int, carriers: socket.socket) -> NoReturn:
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        while True:
            packet = carriers.recv(65536)
            # IPv4's raw sockets give the carrier's header, too; IPv6's do not.
            inner = packet[(packet[0] & 15) * 4 :] if carriers.family == socket.AF_INET else packet
            # A device that is down, or a packet that is none: dropped, as the kernel would.
            with contextlib.suppress(OSError):
                os.write(tun, inner)
    finally:
        os._exit(1)
