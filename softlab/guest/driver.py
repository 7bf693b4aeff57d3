"""In the guest: what the simulated DPVS has instead of a PMD. `python3 -m softlab.guest.driver`.

It answers the requests of `softlab.emulated.service` that DPVS makes, on the same socket. The
answers are the guest's own: which NICs a driver of DPDK has is read from the PCI bus, hugepages are
files in a hugetlbfs, /dev/vhost-net and /dev/uioN are opened. Only frames come from elsewhere: from
the second NIC of each, which is in this process's network namespace and seen by nothing else.
"""

import json
import os
import selectors
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from softlab.emulated import netns
from softlab.guest.pages import NoPagesError, take

SOCKET: Final = Path("/run/emulated.sock")
NICS: Final = Path("/etc/lab-nics.json")
_PCI: Final = Path("/sys/bus/pci/devices")
#: How long the kernel may take to make the interfaces of a boot.
_SECONDS: Final = 80.0
_DPDK_DRIVERS: Final = ("igb_uio", "uio_pci_generic", "vfio-pci")


class Card:
    """A NIC of the guest, and the interface that carries its frames while DPDK has it."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.pci = str(raw["pci"])
        self.mac = str(raw["mac"])
        self.speed = int(raw["speed"])
        self.name = _interface(str(raw["second"]))

    @property
    def driver(self) -> str:
        link = _PCI / self.pci / "driver"
        return link.readlink().name if link.is_symlink() else ""

    @property
    def numa_node(self) -> int:
        return int((_PCI / self.pci / "numa_node").read_text())

    def open_device(self) -> int | None:
        """Hold /dev/uioN, as a PMD does, so that its driver cannot be unloaded meanwhile."""
        for uio in (_PCI / self.pci / "uio").glob("uio*"):
            return os.open(f"/dev/{uio.name}", os.O_RDWR | os.O_CLOEXEC)
        return None


def _interface(pci: str) -> str:
    """The name of a NIC's interface, once the kernel has made it: a boot does many things at once.

    Raises TimeoutError.
    """
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        for path in (_PCI / pci).glob("virtio*/net/*"):
            return path.name
        time.sleep(0.1)
    raise TimeoutError(f"{pci} has no interface after {_SECONDS:g} s")


class Holder:
    """A connection of DPVS, with what it has open; all of it is closed with the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.buffer = bytearray()
        self.files: list[int] = []

    def close(self) -> None:
        for file in self.files:
            os.close(file)
        self.connection.close()


class Driver:
    """Answers requests. `inside`: the interfaces of this process's own namespace."""

    def __init__(self, cards: list[Card], inside: netns.Interfaces) -> None:
        self._cards = cards
        self._inside = inside

    def answer(self, asked: Mapping[str, Any], who: Holder) -> tuple[dict[str, Any], list[int]]:
        try:
            if asked.get("op") in ("probe", "ports"):
                return self._ports(who, opened=asked["op"] == "probe")
            if asked.get("op") == "open_device":
                who.files.append(os.open(str(asked["path"]), os.O_RDWR | os.O_CLOEXEC))
            elif asked.get("op") == "reserve_hugepages":
                who.files += take(int(asked["bytes_per_node"]), asked.get("files", ()))
            else:
                return {"error": f"not a request of DPVS: {asked}"}, []
        except (OSError, NoPagesError) as error:
            return {"error": str(error)}, []
        return {"ok": True}, []

    def _ports(self, who: Holder, *, opened: bool) -> tuple[dict[str, Any], list[int]]:
        interfaces = self._inside.all()
        cards = [card for card in self._cards if card.driver in _DPDK_DRIVERS]
        cards.sort(key=lambda card: card.pci)
        sockets = []
        if opened:
            who.files += [file for card in cards if (file := card.open_device()) is not None]
            sockets = [netns.packet_socket(interfaces[card.name].index).detach() for card in cards]
        ports = [
            {
                "pci": card.pci,
                "mac": card.mac,
                "numa_node": card.numa_node,
                "ifindex": interfaces[card.name].index,
                "up": interfaces[card.name].up,
                "carrier": interfaces[card.name].carrier,
                "speed": card.speed,
            }
            for card in cards
        ]
        return {"ports": ports}, sockets


def main() -> None:
    """Take the second NICs away from the guest, say so to systemd, and serve for ever."""
    cards = [Card(one) for one in json.loads(NICS.read_text())]
    outside = netns.Interfaces()
    netns.hide()
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    inside = netns.Interfaces()
    for card in cards:
        outside.move(outside.all()[card.name].index, namespace, card.name)
        interface = inside.all()[card.name]
        inside.set_promiscuous(interface.index, True)
        inside.set_up(interface.index, True)
    SOCKET.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(SOCKET))
    SOCKET.chmod(0o600)
    listener.listen(64)
    if place := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.connect(place.replace("@", "\0", 1))
            systemd.send(b"READY=1")
    _serve(Driver(cards, inside), listener)


def _serve(driver: Driver, listener: socket.socket) -> None:
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                selector.register(connection, selectors.EVENT_READ, Holder(connection))
            elif not _converse(driver, key.data):
                selector.unregister(key.fileobj)
                key.data.close()


def _converse(driver: Driver, who: Holder) -> bool:
    """Read what is there and answer whole lines; False when the connection has ended."""
    try:
        data = who.connection.recv(65536)
        who.buffer += data
        while b"\n" in who.buffer:
            line, _, rest = bytes(who.buffer).partition(b"\n")
            who.buffer[:] = rest
            answer, sockets = driver.answer(json.loads(line), who)
            socket.send_fds(who.connection, [json.dumps(answer).encode() + b"\n"], sockets)
            for one in sockets:
                os.close(one)
    except (OSError, ValueError):
        return False
    return bool(data)


if __name__ == "__main__":
    main()
