"""The sockets of the switches: cables to the DUT, and the port of each link's bridge.

A command on the control socket, one line: `unplug NIC`, `silence NIC` or `restore NIC`; the answer
is `ok` or a sentence.
"""

import fcntl
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from softlab.lag.switch import Switch

_ETH_P_ALL: Final = 3
_SOL_PACKET: Final = 263
_IGNORE_OUTGOING: Final = 23
_AUXDATA: Final = 8
_VLAN_VALID: Final = 0x10
_TIMESTAMPNS: Final = 35
_RCVBUFFORCE: Final = 33
_BUFFER: Final = 4 << 20
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914
_UP, _RUNNING = 0x1, 0x40
_FLAGS: Final = struct.Struct("16sH22x")
_TICK: Final = 0.05
_BURST: Final = 256
COMMANDS: Final = ("unplug", "silence", "restore")


class Port:
    """One interface of the fabric, as a packet socket; VLAN tags are part of the frames."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        for option in (_IGNORE_OUTGOING, _AUXDATA):
            self.socket.setsockopt(_SOL_PACKET, option, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        self.socket.bind((name, _ETH_P_ALL))
        self.socket.setblocking(False)

    def frames(self) -> list[tuple[float, bytes]]:
        """Everything that has come, each with when."""
        found = []
        for _ in range(_BURST):
            try:
                raw, auxiliary, _, _ = self.socket.recvmsg(65536, 256)
            except OSError:  # nothing more, or the interface is down
                break
            found.append(_described(raw, auxiliary))
        return found

    def send(self, frame: bytes) -> None:
        """Send a frame; one for which there is no room, or no carrier, is lost."""
        try:
            self.socket.send(frame)
        except OSError:
            return

    def carrier(self) -> bool:
        """Whether both ends are up."""
        return self._flags() & (_UP | _RUNNING) == _UP | _RUNNING

    def set_up(self, *, up: bool) -> None:
        flags = self._flags() & ~_UP | (_UP if up else 0)
        fcntl.ioctl(self.socket, _SET_FLAGS, _FLAGS.pack(self.name.encode(), flags))

    def _flags(self) -> int:
        raw = fcntl.ioctl(self.socket, _GET_FLAGS, _FLAGS.pack(self.name.encode(), 0))
        return int(_FLAGS.unpack(raw)[1])


def _described(raw: bytes, auxiliary: list[tuple[int, int, bytes]]) -> tuple[float, bytes]:
    when = 0.0
    for level, kind, value in auxiliary:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("=qq", value[:16])
            when = seconds + nanoseconds / 1e9
        elif (level, kind) == (_SOL_PACKET, _AUXDATA):
            status, _, _, _, _, tag, kind_of_tag = struct.unpack("=IIIHHHH", value[:20])
            if status & _VLAN_VALID:
                raw = raw[:12] + struct.pack("!HH", kind_of_tag or 0x8100, tag) + raw[12:]
    return when, raw


class Group:
    """The switch of one link, with its cables and its port of the bridge."""

    def __init__(self, mode: int, cables: Mapping[str, str], bridge: str) -> None:
        """cables: the DUT's NIC to the interface of the fabric at the other end."""
        self.cables = [Port(name) for name in cables.values()]
        self.nics = list(cables)
        self.bridge = Port(bridge)
        self.switch = Switch(mode, range(len(self.cables)))

    def look(self) -> None:
        """Ask the cables whether they have carrier."""
        for number, cable in enumerate(self.cables):
            self.switch.set_up(number, up=cable.carrier())

    def command(self, word: str, nic: str) -> None:
        """One of COMMANDS for the cable of a NIC of the DUT."""
        number = self.nics.index(nic)
        self.switch.set_silent(number, silent=word == "silence")
        self.cables[number].set_up(up=word != "unplug")
        self.look()

    def leaving(self, now: float) -> None:
        """Frames of the DUT. Those of several cables in the order in which they came."""
        came = [(at, n, raw) for n, cable in enumerate(self.cables) for at, raw in cable.frames()]
        for _, number, raw in sorted(came, key=lambda one: one[0]):
            if self.switch.leaving(number, raw, now):
                self.bridge.send(raw)

    def arriving(self, now: float) -> None:
        """Frames for the DUT."""
        for _, raw in self.bridge.frames():
            for number in self.switch.arriving(raw, now):
                self.cables[number].send(raw)

    def tick(self, now: float) -> None:
        """What the switch sends by itself."""
        for number, frame in self.switch.due(now):
            self.cables[number].send(frame)


def serve(groups: list[Group], control: Path) -> None:
    """Print `ready`, then pass frames until the process is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(control))
    listening.listen()
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    events.bind((0, 1))  # changes of interfaces
    events.setblocking(False)
    poller = select.epoll()
    works: dict[int, Callable[[float], None]] = {
        listening.fileno(): _Control(listening, groups).answer
    }
    works[events.fileno()] = _Carrier(events, groups).look
    for group in groups:
        group.look()
        works |= {cable.socket.fileno(): group.leaving for cable in group.cables}
        works[group.bridge.socket.fileno()] = group.arriving
    for descriptor in works:
        poller.register(descriptor, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        ready = poller.poll(_TICK)
        now = time.monotonic()
        for work in dict.fromkeys(works[descriptor] for descriptor, _ in ready):
            work(now)
        for group in groups:
            group.tick(now)


class _Carrier:
    """Has the groups look at their cables when an interface has changed."""

    def __init__(self, events: socket.socket, groups: list[Group]) -> None:
        self._events = events
        self._groups = groups

    def look(self, _now: float) -> None:
        try:
            while self._events.recv(65536):
                pass
        except OSError:  # nothing more, or more than there was room for
            for group in self._groups:
                group.look()


class _Control:
    """Answers commands."""

    def __init__(self, listening: socket.socket, groups: list[Group]) -> None:
        self._listening = listening
        self._groups = groups

    def answer(self, _now: float) -> None:
        client, _ = self._listening.accept()
        with client:
            client.settimeout(1)
            try:
                client.sendall(self._do(client.recv(4096).decode().split()).encode())
            except (OSError, UnicodeDecodeError) as error:
                print(f"softlab.lag: {error}", file=sys.stderr, flush=True)

    def _do(self, words: list[str]) -> str:
        if len(words) != 2 or words[0] not in COMMANDS:
            return f"expected one of {', '.join(COMMANDS)} and a NIC"
        for group in self._groups:
            if words[1] in group.nics:
                group.command(*words)
                return "ok"
        nics = [nic for group in self._groups for nic in group.nics]
        return f"{words[1]} is no member of a bond; members are {', '.join(nics)}"
