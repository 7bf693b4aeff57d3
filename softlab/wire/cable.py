"""Puts the wire in place of the cable, and passes frames until it is taken away again.

A cable is the fabric's end of the DUT's veth, which is a port of the link's bridge. With the wire
in it, that end is out of the bridge, and one of a new pair is in its place: what comes at one side
is read by a packet socket, and what the rules say is sent at the other.
"""

import errno
import heapq
import json
import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from softlab import kernel
from softlab.fabric import LinkError, ip_batch
from softlab.wire import addresses, rule
from softlab.wire.engine import RuleError, RuleSet

_ETH_P_ALL: Final = 3
_SOL_PACKET: Final = 263
_IGNORE_OUTGOING: Final = 23
_AUXDATA: Final = 8
_VLAN_VALID: Final = 0x10
_RCVBUFFORCE: Final = 33  # asm-generic/socket.h; Python has no name for it
_BUFFER: Final = 8 << 20
_BURST: Final = 64
#: Frames that are counted before the sockets are looked at again: some 2 ms.
_AT_ONCE: Final = 20
#: arp_ignore: the fabric's own kernel, which sees what comes at both ends, answers for no address.
_SILENT: Final = 8


@dataclass(frozen=True, slots=True)
class Cable:
    """`end`: the fabric's end of the DUT's veth. `tagged`: the end is a VLAN's trunk, which puts
    the tag on what is sent, and which a frame without a tag does not pass."""

    link: str
    end: str
    tagged: bool = False


class Plugged:
    """One cable with the wire in it."""

    def __init__(self, cable: Cable) -> None:
        self.cable = cable
        switch, near = f"wire-{cable.link}", f"near-{cable.link}"
        _remove(switch)
        ip_batch(
            [
                f"link add {switch} type veth peer name {near}",
                f"link set {switch} master br-{cable.link} up",
                f"link set {near} up",
                f"link set {cable.end} nomaster",
            ]
        )
        for name in (switch, near, cable.end):
            kernel.offloads_off(name)
        kernel.write_sysctls(
            {f"net.ipv4.conf.{name}.arp_ignore": _SILENT for name in (near, cable.end)}
        )
        self.dut, self.switch = _open(cable.end), _open(near)
        if cable.tagged:
            self.dut.setsockopt(_SOL_PACKET, _AUXDATA, 1)

    def unplug(self) -> None:
        """The cable as it was."""
        self.dut.close()
        self.switch.close()
        restore(self.cable)

    def frame(self, *, leaving: bool) -> bytes | None:
        """The next frame that came from the DUT (leaving) or for it; None when there is none."""
        try:
            if not leaving:
                return self.switch.recv(65536)
            if not self.cable.tagged:
                return self.dut.recv(65536)
            raw, auxiliary, _, _ = self.dut.recvmsg(65536, 64)
        except BlockingIOError:
            return None
        status = int.from_bytes(auxiliary[0][2][:4], sys.byteorder) if auxiliary else 0
        return raw if status & _VLAN_VALID else b""

    def send(self, raw: bytes, *, leaving: bool) -> None:
        """Send a frame; one for which there is no room is lost, as on any link."""
        try:
            (self.switch if leaving else self.dut).send(raw)
        except OSError as error:
            if error.errno not in (errno.ENOBUFS, errno.EAGAIN, errno.EMSGSIZE):
                raise


class Switchboard:
    """All cables of the DUT, and the rules that are in force on them."""

    def __init__(self, cables: Mapping[str, Cable]) -> None:
        self._cables = cables
        self._plugged: list[Plugged] = []
        self._wire: RuleSet | None = None
        self._late: list[tuple[float, int, Plugged, bool, bytes]] = []
        self._order = count()
        self._only_counts = False
        self._uncounted: deque[tuple[str, bytes, bool, float]] = deque()

    def answer(self, text: str) -> str:
        """Do what a JSON message asks. {"rules": [...], "addresses": {...}} has these rules in
        force, and without any the cables as they were: `ok`. {"hits": true}: a JSON list, how many
        frames each rule was about. Raises RuleError, LinkError, OSError."""
        asked = json.loads(text)
        if "hits" in asked:
            return json.dumps(self._wire.hits if self._wire is not None else ())
        self._switch(asked)
        return "ok"

    def _switch(self, asked: Mapping[str, Any]) -> None:
        rules = [rule.from_json(one) for one in asked["rules"]]
        wire = RuleSet(rules, addresses.from_json(asked["addresses"])) if rules else None
        self.unplug()
        if wire is not None:
            for cable in self._cables.values():
                self._plugged.append(Plugged(cable))
        self._wire = wire
        self._only_counts = all(one.do == "watch" for one in rules)

    def unplug(self) -> None:
        self._wire = None
        self._late.clear()
        self._uncounted.clear()
        while self._plugged:
            self._plugged.pop().unplug()

    def sockets(self) -> dict[int, tuple[Plugged, bool]]:
        """Descriptor to its cable, and whether frames that come there leave the DUT."""
        return {
            end.fileno(): (one, leaving)
            for one in self._plugged
            for end, leaving in ((one.dut, True), (one.switch, False))
        }

    def take(self, plugged: Plugged, *, leaving: bool) -> None:
        """Pass on what has come."""
        assert self._wire is not None
        link = plugged.cable.link
        for _ in range(_BURST):
            raw = plugged.frame(leaving=leaving)
            if raw is None:
                return
            if len(raw) < 14:
                continue
            now = time.monotonic()
            if self._only_counts:
                plugged.send(raw, leaving=leaving)
                self._uncounted.append((link, raw, leaving, now))
                continue
            for out in self._wire.passed(link, raw, leaving=leaving, now=now):
                if out.at > now:
                    heapq.heappush(
                        self._late, (out.at, next(self._order), plugged, out.leaving, out.raw)
                    )
                else:
                    plugged.send(out.raw, leaving=out.leaving)

    def count(self) -> None:
        """Look at some frames that have passed where nothing is done to them, which can wait until
        there is nothing to pass on."""
        assert self._wire is not None
        for _ in range(min(_AT_ONCE, len(self._uncounted))):
            link, raw, leaving, now = self._uncounted.popleft()
            self._wire.passed(link, raw, leaving=leaving, now=now)

    @property
    def has_uncounted(self) -> bool:
        return bool(self._uncounted)

    def send_late(self) -> float | None:
        """Send what was held back for its time. Returns seconds until the next; None: none."""
        while self._late:
            left = self._late[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, plugged, leaving, raw = heapq.heappop(self._late)
            plugged.send(raw, leaving=leaving)
        return None


def restore(cable: Cable) -> None:
    """The cable without the wire, also after one that was killed."""
    ip_batch([f"link set {cable.end} master br-{cable.link}"])
    _remove(f"wire-{cable.link}")


def serve(cables: Mapping[str, Cable]) -> None:
    """Read messages from stdin, one a line, and answer each with one, or `error` and a sentence.
    The end of stdin is the end, and leaves the cables as they were."""
    for cable in cables.values():
        restore(cable)
    board = Switchboard(cables)
    buffer = b""
    try:
        while True:
            sockets = board.sockets()
            # The loop is for as long as the same sockets are there.
            while True:
                busy = board.has_uncounted
                # What has passed is counted before the next message is read.
                watched = [*sockets] if busy else [0, *sockets]
                readable, _, _ = select.select(watched, [], [], 0 if busy else board.send_late())
                for number in readable:
                    if number != 0:
                        plugged, leaving = sockets[number]
                        board.take(plugged, leaving=leaving)
                if 0 in readable:
                    break
                if busy and not readable:
                    board.count()
            part = os.read(0, 1 << 20)
            if not part:
                return
            buffer += part
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                print(_answer(board, line.decode()), flush=True)
    finally:
        with suppress(LinkError, OSError):  # where the lab itself is gone
            board.unplug()


def _answer(board: Switchboard, line: str) -> str:
    try:
        return board.answer(line)
    except (RuleError, LinkError, OSError, KeyError, TypeError, ValueError) as error:
        return f"error {' '.join(str(error).split()) or type(error).__name__}"


def _open(name: str) -> socket.socket:
    """A packet socket on an interface; what it sends itself it does not hear."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    link.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    link.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
    link.setblocking(False)
    link.bind((name, _ETH_P_ALL))
    return link


def _remove(name: str) -> None:
    if name in {interface for _, interface in socket.if_nameindex()}:
        ip_batch([f"link del {name}"])
