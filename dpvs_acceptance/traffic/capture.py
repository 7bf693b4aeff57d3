"""A capture on a host as a context manager: started before traffic, with a check for losses."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .channel import AgentLink
from .dissect import dissect
from .errors import InconclusiveCapture, NotSeen, TrafficError
from .frame import Frame, Lost, write_pcap
from .match import Match
from .views import View, describe


@dataclass(frozen=True, slots=True)
class Waited:
    """Result of a wait: the matching frames, whether they were enough, and seconds waited."""

    enough: bool
    frames: tuple[Frame, ...]
    seconds: float


class Capture:
    """``with station.capture() as capture:``; frames are available after the context.

    sound: no frame was lost, neither by the kernel (drop counter) nor by the capture's bounds.
    """

    def __init__(self, link: AgentLink, where: str, arguments: dict[str, Any]) -> None:
        self.where = where
        self.dropped = self.overflow = self.seen = 0
        self._link = link
        self._arguments = arguments
        self._number: int | None = None
        self._next = 0
        self._frames: list[Frame] | None = None

    def __enter__(self) -> Self:
        self.arm()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
            return
        try:
            self.stop()  # the frames are evidence of the failure
        except TrafficError as second:
            error.add_note(f"the capture could not be collected either: {second}")

    def arm(self) -> None:
        """Start the capture; returns when the host's kernel is capturing."""
        if self._number is not None or self._frames is not None:
            raise TrafficError(f"{self.where}: this capture was already started")
        self._number = self._link.ask("arm", self._arguments)["capture"]

    def stop(self) -> None:
        """Stop, collect all frames and the drop counters. A second call does nothing."""
        if self._number is None:
            return
        number, self._number = self._number, None
        answer = self._link.ask("stop", {"capture": number}, 20.0)
        self.seen, self.dropped = answer["seen"], answer["dropped"]
        self.overflow = answer["overflow"]
        self._frames = [_frame(one) for one in answer["frames"]]

    @property
    def frames(self) -> list[Frame]:
        """All frames in the kernel's order; only after the capture has stopped."""
        if self._frames is None:
            raise TrafficError(f"{self.where}: frames are available after the capture has stopped")
        return self._frames

    @property
    def sound(self) -> bool:
        return self._frames is not None and not self.dropped and not self.overflow

    def require_sound(self) -> None:
        """Raise InconclusiveCapture unless every frame of the interface was seen."""
        if self._frames is None:
            raise InconclusiveCapture(f"{self.where}: the capture has not been stopped")
        if not self.sound:
            raise InconclusiveCapture(
                f"{self.where}: the capture lost frames: {self.dropped} dropped by the kernel, "
                f"{self.overflow} beyond its bounds, {len(self._frames)} kept; the result is not "
                "conclusive. Use less traffic, a narrower `keep`, or a larger buffer_bytes."
            )

    def select(self, match: Match) -> list[Frame]:
        """The captured frames that match; raises InconclusiveCapture where frames were lost."""
        self.require_sound()
        return match.select(self.frames)

    def views(self, match: Match | None = None) -> list[View]:
        """Captured frames (that match), dissected; InconclusiveCapture where frames were lost."""
        self.require_sound()
        return [dissect(frame) for frame in (match.select(self.frames) if match else self.frames)]

    def wait_for(self, match: Match, count: int = 1, deadline: float = 2.0) -> Waited:
        """Wait on the host until ``count`` captured frames match, at most ``deadline`` seconds.

        Does not raise for too few frames: see ``expect``.
        """
        return self._wait(match, count, deadline, 0)

    def wait_next(self, match: Match, count: int = 1, deadline: float = 2.0) -> Waited:
        """As ``wait_for``, counting only frames after those of the last ``wait_next``."""
        return self._wait(match, count, deadline, self._next)

    def expect(self, match: Match, count: int = 1, deadline: float = 2.0) -> tuple[Frame, ...]:
        """As ``wait_for``, but raises NotSeen for too few frames."""
        waited = self.wait_for(match, count, deadline)
        if not waited.enough:
            raise NotSeen(
                f"{self.where}: expected {count} frame(s) with {match} within {deadline:g} s, "
                f"saw {len(waited.frames)}"
            )
        return waited.frames

    def _wait(self, match: Match, count: int, deadline: float, since: int) -> Waited:
        if self._number is None:
            raise TrafficError(f"{self.where}: cannot wait, the capture does not run")
        arguments = {
            "capture": self._number,
            "pattern": match.to_wire(),
            "count": count,
            "seconds": deadline,
            "since": since,
            "frames": True,
        }
        answer = self._link.ask("wait", arguments, deadline)
        self._next = max(self._next, answer["next"])
        frames = tuple(_frame(one) for one in answer["frames"])
        return Waited(answer["enough"], frames, answer["seconds"])

    def write_pcap(self, path: Path) -> Path:
        return write_pcap(path, self.frames, Lost(self.dropped, self.overflow))


def _frame(report: list[Any]) -> Frame:
    time_ns, outgoing, pending, length, data = report
    return Frame(base64.b64decode(data), time_ns, outgoing, length, pending)


def assert_absent(capture: Capture, pattern: Match, control: Match) -> None:
    """No captured frame matches ``pattern``, and at least one matches ``control``.

    The control is a frame that must be seen if the capture and the path work. Raises
    InconclusiveCapture when it is missing or frames were lost (then silence proves nothing),
    AssertionError with the first frames when the pattern was seen.
    """
    unwanted = capture.select(pattern)
    if unwanted:
        shown = "\n".join(f"  {describe(dissect(frame))}" for frame in unwanted[:5])
        raise AssertionError(
            f"{capture.where}: expected no frame with {pattern}, saw {len(unwanted)}:\n{shown}"
        )
    if not capture.select(control):
        raise InconclusiveCapture(
            f"{capture.where}: no frame with {pattern}, but also none with {control} (the positive "
            f"control) among {len(capture.frames)} frames. Was the control traffic sent, and is "
            "this the interface where it arrives?"
        )
