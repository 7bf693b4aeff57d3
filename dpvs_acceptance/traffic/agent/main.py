# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""The agent: one JSON request per line in, one answer per line out, in order.

One thread and one poll loop: while a request waits, captures are read and ARP/ND requests answered.
It ends when its standard input is closed; its sockets are then closed, and with them all modes that
they set on the interface.
"""

import base64
import contextlib
import json
import os
import platform
import select
import time
from typing import Any, Callable, Dict, Iterator, List, Optional

from . import wire
from .backend import ControlledServer
from .capturing import CaptureSocket
from .datagrams import Datagrams
from .neighbours import Owner, Resolver
from .patterns import Pattern, any_of
from .toa_server import ToaServer
from .traffic import TrafficOperations

LONGEST_WAIT = 300.0  # seconds, limit of one request
ASK_AGAIN = 0.2  # seconds between two ARP requests or solicitations


class Ended(Exception):  # noqa: N818  (no error: the ordinary end)
    """Standard input was closed."""


class Agent(TrafficOperations):
    def __init__(self) -> None:
        super().__init__()
        self.poller = select.poll()
        self.handlers: Dict[int, Callable[[], Any]] = {0: self._input}
        self.poller.register(0, select.POLLIN)
        self.pending = bytearray()
        self.lines: List[bytes] = []
        self.captures: Dict[int, CaptureSocket] = {}
        self.owners: Dict[int, Owner] = {}
        self.toa_servers: Dict[int, ToaServer] = {}
        self.backends: Dict[int, ControlledServer] = {}
        self.next = 1
        self.ended = False

    # -- the loop

    def run(self) -> None:
        self.say(
            {
                "hello": 1,
                "python": platform.python_version(),
                "pid": os.getpid(),
                "root": os.geteuid() == 0,
                "time": time.time(),
            }
        )
        with contextlib.suppress(Ended):
            while True:
                self.pump(lambda: bool(self.lines), None)
                self.answer(json.loads(self.lines.pop(0).decode("utf-8")))
        for capture in self.captures.values():
            capture.close()
        for owner in self.owners.values():
            owner.close()
        self.close_traffic()

    def _input(self) -> None:
        chunk = os.read(0, 1 << 16)
        if not chunk:
            self.ended = True
            self.poller.unregister(0)
            return
        start = len(self.pending)
        self.pending += chunk
        while True:
            end = self.pending.find(b"\n", start)
            if end < 0:
                return
            self.lines.append(bytes(self.pending[:end]))
            del self.pending[: end + 1]
            start = 0

    def pump(self, until: Optional[Callable[[], bool]], deadline: Optional[float]) -> bool:
        """Serve all sockets until ``until`` returns True, or until the monotonic deadline."""
        while True:
            if until is not None and until():
                return True
            if self.ended:
                raise Ended
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self.serve(0)
                return until is not None and until()
            self.serve(left)

    def serve(self, seconds: Optional[float]) -> None:
        # poll() takes whole milliseconds: round up to avoid busy waiting.
        wait = None if seconds is None else int(seconds * 1000 + 0.999)
        for descriptor, _ in self.poller.poll(wait):
            handler = self.handlers.get(descriptor)
            if handler:
                handler()

    def say(self, message: Dict[str, Any]) -> None:
        data = memoryview(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")
        while data:
            data = data[os.write(1, data) :]

    def answer(self, request: Dict[str, Any]) -> None:
        number = request.pop("id", None)
        operation = request.pop("op", "")
        try:
            method = getattr(self, "op_" + operation, None)
            if method is None:
                raise ValueError(f"unknown operation: {operation!r}")
            self.say({"id": number, "ok": method(**request)})
        except Ended:
            raise
        except Exception as error:
            self.say({"id": number, "error": f"{type(error).__name__}: {error}"})

    @contextlib.contextmanager
    def watching(self, descriptor: int, handler: Callable[[], Any]) -> Iterator[None]:
        self.watch(descriptor, handler)
        try:
            yield
        finally:
            self.unwatch(descriptor)

    def watch(self, descriptor: int, handler: Callable[[], Any]) -> None:
        self.handlers[descriptor] = handler
        self.poller.register(descriptor, select.POLLIN)

    def unwatch(self, descriptor: int) -> None:
        self.poller.unregister(descriptor)
        del self.handlers[descriptor]

    def number(self) -> int:
        self.next += 1
        return self.next

    @staticmethod
    def until(seconds: float) -> float:
        if not 0 <= seconds <= LONGEST_WAIT:
            raise ValueError(f"a wait is 0 to {LONGEST_WAIT:g} s, not {seconds!r}")
        return time.monotonic() + seconds

    # -- the operations

    def op_facts(self, interface: str) -> Dict[str, Any]:
        flags = int.from_bytes(wire.interface_request(wire.SIOCGIFFLAGS, interface)[:2], "little")
        mtu = wire.interface_request(wire.SIOCGIFMTU, interface)[:4]
        return {
            "mac": wire.mac_text(wire.hardware_address(interface)),
            "mtu": int.from_bytes(mtu, "little"),
            "up": bool(flags & 0x1),
            "running": bool(flags & 0x40),
            "promiscuous": bool(flags & 0x100),
            "addresses": wire.addresses(interface),
            "offloads": {name: wire.offload(interface, code) for name, code in wire.OFFLOADS},
        }

    def op_arm(
        self,
        interface: str,
        keep: Optional[List[Dict[str, Any]]],
        max_frames: int,
        max_bytes: int,
        promiscuous: bool,
        buffer_bytes: int,
    ) -> Dict[str, Any]:
        capture = CaptureSocket(
            interface, any_of(keep), max_frames, max_bytes, promiscuous, buffer_bytes
        )
        number = self.number()
        self.captures[number] = capture
        self.watch(capture.fileno(), capture.readable)
        return {"capture": number, "time": time.time()}

    def op_wait(
        self,
        capture: int,
        pattern: Dict[str, Any],
        count: int,
        seconds: float,
        since: int,
        frames: bool,
    ) -> Dict[str, Any]:
        """Wait until ``count`` stored frames from index ``since`` on match, or for ``seconds``."""
        taken = self.captures[capture]
        wanted = Pattern(pattern)
        started = time.monotonic()
        found: List[int] = []
        looked = since

        def enough() -> bool:
            nonlocal looked
            found.extend(taken.matching(wanted, looked))
            looked = max(looked, len(taken.frames))
            return len(found) >= count

        enough_seen = self.pump(enough, self.until(seconds))
        return {
            "enough": enough_seen,
            "count": len(found),
            "next": looked,
            "seconds": time.monotonic() - started,
            "frames": taken.report(found) if frames else [],
        }

    def op_stop(self, capture: int) -> Dict[str, Any]:
        taken = self.captures.pop(capture)
        self.unwatch(taken.fileno())
        counters = taken.stop()
        answer: Dict[str, Any] = {"frames": taken.report(list(range(len(taken.frames))))}
        answer.update(counters)
        return answer

    def op_send(
        self, interface: str, frames: List[str], gap_us: float, repeat: int
    ) -> Dict[str, Any]:
        """All frames in order, ``repeat`` times, at least ``gap_us`` apart."""
        data = [base64.b64decode(frame) for frame in frames]
        sock = wire.open_sender(interface)
        sock.setblocking(False)
        sent = 0
        first = time.time()
        due = time.monotonic()
        try:
            for _ in range(repeat):
                for frame in data:
                    if gap_us:
                        self.pause(due)
                        due = max(due + gap_us / 1e6, time.monotonic())
                    elif sent % 64 == 63:
                        self.serve(0)
                    self._send_one(sock, frame)
                    sent += 1
        finally:
            sock.close()
        return {"sent": sent, "first": first, "last": time.time()}

    def pause(self, due: float) -> None:
        while True:
            left = due - time.monotonic()
            if left > 0.002:
                self.serve(left - 0.001)
            elif left > 0:
                time.sleep(left)
            else:
                self.serve(0)
                return

    def _send_one(self, sock: Any, frame: bytes) -> None:
        give_up = time.monotonic() + 5.0
        while True:
            try:
                sock.send(frame)
                return
            except OSError as error:
                # A full transmit queue is not a failure; anything else is.
                if not isinstance(error, BlockingIOError) and error.errno != 105:  # ENOBUFS
                    raise
                if time.monotonic() > give_up:
                    raise
            self.serve(0.001)

    def op_own(self, interface: str, addresses: List[str], mac: Optional[str]) -> Dict[str, Any]:
        owner = Owner(interface, addresses, mac)
        number = self.number()
        self.owners[number] = owner
        for sock in owner.socks:
            self.watch(sock.fileno(), owner.readable)
        return {"owner": number, "mac": wire.mac_text(owner.mac)}

    def op_disown(self, owner: int) -> Dict[str, Any]:
        gone = self.owners.pop(owner)
        for sock in gone.socks:
            self.unwatch(sock.fileno())
        gone.close()
        return {"answered": gone.report()}

    def op_toa_server(self, address: str, port: int) -> Dict[str, Any]:
        number = self.number()
        self.toa_servers[number] = ToaServer(address, port, self.watch, self.unwatch)
        return {"server": number}

    def op_close_toa_server(self, server: int) -> Dict[str, Any]:
        self.toa_servers.pop(server).close()
        return {}

    def op_backend(self, address: str, port: int, kind: str) -> Dict[str, Any]:
        number = self.number()
        self.backends[number] = ControlledServer(address, port, kind, self.watch, self.unwatch)
        return {"backend": number}

    def op_behave(self, backend: int, how: Dict[str, Any]) -> Dict[str, Any]:
        self.backends[backend].behave(how)
        return {}

    def op_close_backend(self, backend: int) -> Dict[str, Any]:
        gone = self.backends.pop(backend)
        gone.close()
        return {"answered": gone.answered}

    def op_resolve(
        self,
        interface: str,
        address: str,
        source: str,
        mac: Optional[str],
        seconds: float,
        listen: float,
    ) -> Dict[str, Any]:
        """MACs that answer for an address: the first within ``seconds``, more within ``listen``."""
        resolver = Resolver(interface, address, source, mac)
        deadline = self.until(seconds)
        try:
            with self.watching(resolver.fileno(), resolver.readable):
                while not resolver.found and time.monotonic() < deadline:
                    resolver.ask()
                    again = min(deadline, time.monotonic() + ASK_AGAIN)
                    self.pump(lambda: bool(resolver.found), again)
                if resolver.found and listen:
                    self.pump(None, self.until(listen))
        finally:
            resolver.close()
        return {"macs": resolver.found}

    def op_udp(
        self,
        to: List[Any],
        source: Optional[str],
        source_ports: List[int],
        payloads: List[str],
        seconds: float,
        burst: bool,
    ) -> Dict[str, Any]:
        """Datagrams on one socket: each with ``seconds`` for its reply, or as a burst."""
        traffic = Datagrams((to[0], int(to[1])), source, source_ports)
        sent: List[float] = []
        answered: List[Optional[int]] = []
        try:
            with self.watching(traffic.fileno(), traffic.readable):
                for payload in payloads:
                    traffic.expect_one_more()
                    sent.append(traffic.send(base64.b64decode(payload)))
                    if not burst:
                        got = self.pump(traffic.complete, self.until(seconds))
                        answered.append(len(traffic.replies) - 1 if got else None)
                if burst:
                    traffic.wanted = len(payloads)
                    self.pump(traffic.complete, self.until(seconds))
        finally:
            traffic.close()
        return {
            "local": list(traffic.local),
            "sent": sent,
            "replies": traffic.replies,
            "answered": answered,
        }


def run() -> None:
    Agent().run()
