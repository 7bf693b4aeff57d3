"""The kernel's side of a port: a tap of its name with the port's MAC (src/kni.c).

Up to 1.9 the real one is made by rte_kni.ko, whose ``carrier`` parameter decides whether it has
carrier; from 1.10 it is a virtio-user port, which needs ``/dev/vhost-net``.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TUNSETIFF = 0x400454CA
_TUNSETCARRIER = 0x400454E2
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_SIOCSIFHWADDR = 0x8924
_ARPHRD_ETHER = 1

_CARRIER = Path("/sys/module/rte_kni/parameters/carrier")
_VHOST = "/dev/vhost-net"
_KNI = "/dev/kni"


class KniError(Exception):
    """The kni cannot be made; the arguments are the lines the device logs."""


class Tap:
    """One kni. Reading gives what the kernel sends, writing what it receives."""

    def __init__(self, port: int, name: str, hardware: bytes) -> None:
        self.port = port
        self.name = name
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI)
        fcntl.ioctl(self.fd, _TUNSETIFF, request)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16sH6s16x", name.encode(), _ARPHRD_ETHER, hardware)
            fcntl.ioctl(control, _SIOCSIFHWADDR, request)

    def set_carrier(self, *, on: bool) -> None:
        fcntl.ioctl(self.fd, _TUNSETCARRIER, struct.pack("i", on))

    def read(self) -> bytes:
        """A frame of the kernel, empty when there is none."""
        try:
            return os.read(self.fd, 65536)
        except (BlockingIOError, OSError):
            return b""

    def write(self, frame: bytes) -> None:
        """Give the kernel a frame; one that it does not want now is lost, as on a wire."""
        try:
            os.write(self.fd, frame)
        except OSError:
            return


def create(
    names: Mapping[int, tuple[str, bytes]], open_device: Callable[[str], bool], *, virtio: bool
) -> list[Tap]:
    """A tap for each port: index to (name, MAC). KniError when the host lacks what it needs."""
    if virtio and not open_device(_VHOST):
        raise KniError(
            "VIRTIO_INIT: virtio_user_pmd_probe(): arg iface applies only to vhost-kernel backend",
            "EAL: Driver cannot attach the device (virtio_user0)",
            "EAL: Failed to attach device on primary process",
            "Kni: virtio_kni_alloc: virtio_kni hotplug_add failed: -1",
        )
    if not virtio and not open_device(_KNI):
        raise KniError(
            "KNI: Can not open /dev/kni",
            "KNI: KNI subsystem has not been initialized. Invoke rte_kni_init() first",
        )
    try:
        taps = [Tap(port, name, hardware) for port, (name, hardware) in names.items()]
    except OSError as error:
        raise KniError(f"Kni: cannot make a tap: {error}") from error
    carrier = virtio or _carrier_on()
    for tap in taps:
        tap.set_carrier(on=carrier)
    return taps


def _carrier_on() -> bool:
    try:
        return _CARRIER.read_text(encoding="ascii").strip() == "on"
    except OSError:
        return False
