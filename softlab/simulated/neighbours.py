"""The neighbour table of one lcore (src/neigh.c): states, their timeouts, packets that wait."""

from __future__ import annotations

from softlab.simulated.addresses import fold_low_byte

NONE = "NONE"
SEND = "SEND"
REACHABLE = "REACHABLE"
PROBE = "PROBE"
DELAY = "DELAY"

_SENT = {NONE: SEND, SEND: SEND, PROBE: DELAY, DELAY: DELAY}
_CONFIRMED = (REACHABLE, PROBE, DELAY)
_EXPIRED = {NONE: NONE, SEND: NONE, REACHABLE: PROBE, PROBE: NONE, DELAY: NONE}

QUEUE_LENGTH = 128


class Neighbour:
    """One neighbour. ``until`` is when its state times out; queue holds IP packets to send."""

    __slots__ = ("addr", "hardware", "port", "queue", "since", "state", "static", "until")

    def __init__(self, addr: bytes, port: int, hardware: bytes, *, static: bool) -> None:
        self.addr = addr
        self.port = port
        self.hardware = hardware
        self.static = static
        self.state = REACHABLE if hardware else NONE
        self.since = 0.0
        self.until = 0.0
        self.queue: list[bytes] = []


class NeighbourTable:
    """Neighbours of one lcore; ``reachable`` is neigh_defs' timeout in seconds."""

    def __init__(self, reachable: int = 60, queue_length: int = QUEUE_LENGTH) -> None:
        self._timeouts = {NONE: 2, SEND: 3, REACHABLE: reachable, PROBE: 30, DELAY: 3}
        self._queue_length = queue_length
        self._entries: dict[tuple[int, bytes], Neighbour] = {}

    def get(self, port: int, addr: bytes) -> Neighbour | None:
        return self._entries.get((port, addr))

    def _move(self, entry: Neighbour, state: str, now: float) -> None:
        if entry.static:
            return
        entry.state = state
        entry.since = now
        entry.until = now + self._timeouts[state]

    def learn(self, port: int, addr: bytes, hardware: bytes, now: float) -> list[bytes]:
        """An answer came: the entry is reachable; returns the packets that waited for it."""
        entry = self._entries.get((port, addr))
        if entry is None or entry.static:
            entry = Neighbour(addr, port, hardware, static=False)
            self._entries[port, addr] = entry
        entry.hardware = hardware
        self._move(entry, REACHABLE, now)
        waiting, entry.queue = entry.queue, []
        return waiting

    def confirm(self, port: int, addr: bytes, now: float) -> None:
        """Traffic proves that the neighbour is there."""
        entry = self._entries.get((port, addr))
        if entry is not None and entry.state in _CONFIRMED:
            self._move(entry, REACHABLE, now)

    def output(self, port: int, addr: bytes, packet: bytes, now: float) -> tuple[bytes, bool]:
        """What to do with a packet for a neighbour.

        Returns (MAC to send it to, empty if it was queued or dropped; whether to ask for it).
        """
        entry = self._entries.get((port, addr))
        if entry is None:
            entry = Neighbour(addr, port, b"", static=False)
            self._entries[port, addr] = entry
            self._move(entry, NONE, now)
        if entry.state in (NONE, SEND):
            if len(entry.queue) > self._queue_length:
                return b"", False
            entry.queue.append(packet)
            ask = entry.state == NONE
            if ask:
                self._move(entry, SEND, now)
            return b"", ask
        ask = entry.state == PROBE
        if ask:
            self._move(entry, DELAY, now)
        return entry.hardware, ask

    def add_static(self, port: int, addr: bytes, hardware: bytes) -> list[bytes]:
        """A neighbour set by hand. On an entry that exists only its MAC is changed."""
        entry = self._entries.get((port, addr))
        if entry is None:
            entry = Neighbour(addr, port, hardware, static=True)
            self._entries[port, addr] = entry
        entry.hardware = hardware
        waiting, entry.queue = entry.queue, []
        return waiting

    def remove(self, port: int, addr: bytes) -> bool:
        """False when there was none."""
        return self._entries.pop((port, addr), None) is not None

    def expire(self, now: float) -> None:
        """Move entries whose state timed out; those that time out in NONE go."""
        for key, entry in list(self._entries.items()):
            if entry.static or entry.until > now:
                continue
            if entry.state == NONE:
                del self._entries[key]
            else:
                self._move(entry, _EXPIRED[entry.state], now)

    def all(self) -> list[Neighbour]:
        """In the order of ``dpip neigh show``: by hash bucket, newest first."""
        newest = reversed(self._entries.values())
        return sorted(newest, key=lambda entry: fold_low_byte(entry.addr))
