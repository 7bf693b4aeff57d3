"""Communication with one agent: request lines out, answer lines in, with deadlines."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Mapping
from typing import IO, Any, Protocol

from .agent.bundle import boot_command, script
from .errors import TrafficError


class AgentChannel(Protocol):
    """A long-lived process on a host, whose pipes have file descriptors."""

    @property
    def stdin(self) -> IO[bytes]: ...
    @property
    def stdout(self) -> IO[bytes]: ...
    def close(self) -> object: ...


class Reachable(Protocol):
    """The part of a host's interface that a station needs."""

    @property
    def name(self) -> str: ...
    def open(self, command: str) -> AgentChannel: ...


class AgentLink:
    """Requests may be sent ahead; answers arrive in the same order.

    Raises TrafficError if the agent reports an error, does not answer in time, or has ended.
    """

    def __init__(self, channel: AgentChannel, host_name: str, *, grace: float = 10.0) -> None:
        self._channel = channel
        self._host = host_name
        self._grace = grace  # seconds that an answer may take beyond the time of its request
        self._buffer = bytearray()
        self._next = 0
        self._due: list[tuple[int, str, float]] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._write(script())
        self.hello = self._line(grace, "the greeting")
        if "hello" not in self.hello:
            raise self._failed(f"sent {self.hello!r} instead of its greeting")

    @classmethod
    def start(cls, host: Reachable) -> AgentLink:
        channel = host.open(boot_command())
        try:
            return cls(channel, host.name)
        except BaseException:
            channel.close()
            raise

    def post(self, operation: str, arguments: Mapping[str, Any], seconds: float = 0.0) -> int:
        """Send a request; ``seconds``: time that the agent needs for it."""
        self._next += 1
        request = {"id": self._next, "op": operation, **arguments}
        self._write(json.dumps(request, separators=(",", ":")).encode() + b"\n")
        self._due.append((self._next, operation, seconds))
        return self._next

    def take(self, number: int) -> dict[str, Any]:
        """The answer to a posted request; answers to earlier requests are kept."""
        while number not in self._answers:
            if not self._due:
                raise TrafficError(f"{self._host}: the answer to request {number} was already read")
            awaited, operation, seconds = self._due.pop(0)
            answer = self._line(seconds + self._grace, operation)
            if answer.get("id") != awaited:
                raise self._failed(f"answered {answer!r} instead of request {awaited}")
            answer["op"] = operation
            self._answers[awaited] = answer
        answer = self._answers.pop(number)
        if "error" in answer:
            raise self._failed(f"{answer['op']}: {answer['error']}")
        result: dict[str, Any] = answer["ok"]
        return result

    def ask(self, operation: str, arguments: Mapping[str, Any], seconds: float = 0.0) -> Any:
        return self.take(self.post(operation, arguments, seconds))

    def close(self) -> None:
        """Close the agent's standard input. The agent then ends and releases everything."""
        self._channel.close()

    def _write(self, data: bytes) -> None:
        try:
            self._channel.stdin.write(data)
            self._channel.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._failed(f"has ended ({error})") from error

    def _line(self, seconds: float, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        descriptor = self._channel.stdout.fileno()
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        looked = 0
        while (end := self._buffer.find(b"\n", looked)) < 0:
            looked = len(self._buffer)
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                raise self._failed(f"did not answer {what} within {seconds:g} s")
            chunk = os.read(descriptor, 1 << 18)
            if not chunk:
                raise self._failed(
                    f"ended before it answered {what} (is python3 installed? is the login root?)"
                )
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise self._failed(f"sent a malformed answer: {line[:200]!r}") from error
        return message

    def _failed(self, what: str) -> TrafficError:
        words = getattr(self._channel, "stderr_text", str)().strip()
        said = f"; stderr: {words[-500:]}" if words else ""
        return TrafficError(f"station on {self._host}: the agent {what}{said}")
