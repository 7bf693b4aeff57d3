# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""One capture: all frames of an interface in both directions, and counters of lost frames."""

import base64
from typing import Any, Dict, List, Optional

from . import wire
from .patterns import Pattern, Sketch

AT_ONCE = 256  # frames read before other work continues


class CaptureSocket:
    """Captures from construction on, bounded in frames and bytes.

    Frames beyond a bound are counted in ``overflow`` and make the capture inconclusive, like drops.
    """

    def __init__(
        self,
        interface: str,
        keep: Optional[List[Pattern]],
        max_frames: int,
        max_bytes: int,
        promiscuous: bool,
        buffer_bytes: int,
    ) -> None:
        self.keep = keep
        self.max_frames = max_frames
        self.room_left = max_bytes
        self.frames: List[wire.Received] = []
        self.sketches: List[Sketch] = []
        self.overflow = self.seen = self.dropped = 0
        self.buffer = bytearray(wire.FRAME_ROOM)
        self.sock = wire.open_receiver(interface, buffer_bytes=buffer_bytes)
        if promiscuous:
            wire.join(self.sock, interface, wire.PACKET_MR_PROMISC)

    def fileno(self) -> int:
        return self.sock.fileno()

    def readable(self, limit: int = AT_ONCE) -> bool:
        """Read up to ``limit`` frames; True if more may be waiting."""
        for _ in range(limit):
            received = wire.receive(self.sock, self.buffer)
            if received is None:
                return False
            self._store(received)
        return True

    def _store(self, received: wire.Received) -> None:
        data, _, _, outgoing, _ = received
        sketch = Sketch(data, outgoing)
        if self.keep is not None and not any(p.matches(sketch) for p in self.keep):
            return
        if len(self.frames) >= self.max_frames or len(data) > self.room_left:
            self.overflow += 1
            return
        self.room_left -= len(data)
        self.frames.append(received)
        self.sketches.append(sketch)

    def matching(self, pattern: Pattern, since: int) -> List[int]:
        """Indexes of the stored frames from ``since`` on that match."""
        return [
            index
            for index in range(since, len(self.frames))
            if pattern.matches(self.sketches[index])
        ]

    def report(self, indexes: List[int]) -> List[List[Any]]:
        """Frames as JSON: [time ns, outgoing, checksum pending, length, bytes in base64]."""
        out = []
        for index in indexes:
            data, nanoseconds, length, outgoing, pending = self.frames[index]
            text = base64.b64encode(data).decode("ascii")
            out.append([nanoseconds, outgoing, pending, length, text])
        return out

    def stop(self) -> Dict[str, int]:
        """Read what the kernel still holds, then its counters, then close."""
        # The receive buffer bounds the queue; frames that arrive meanwhile are read too, up to a
        # limit.
        waiting = True
        rounds = 0
        while waiting and rounds < 4096:
            waiting = self.readable()
            rounds += 1
        self.seen, self.dropped = wire.statistics(self.sock)
        self.close()
        return {"seen": self.seen, "dropped": self.dropped, "overflow": self.overflow}

    def close(self) -> None:
        self.sock.close()
