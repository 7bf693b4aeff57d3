"""A host with one ssh connection for the whole run. Every command has a deadline."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from . import remote
from .channel import Channel
from .errors import ConnectionLostError, DeadlineError, HostError
from .exchange import MAX_OUTPUT, Exchange, Raw
from .master import Master
from .transcript import NullTranscript, Recorder, TranscriptEntry, current_check, current_phase

CONNECT_TIMEOUT = 10.0
_GIVEN = 8  # changes that are remembered
# sshd allows 10 sessions on a connection (MaxSessions); the rest is for long-lived channels.
_COMMANDS_AT_ONCE = 6
_TOO_MUCH = f"printed more than {MAX_OUTPUT // 1_000_000} MB and was stopped"
# Timeout of the test whether a host still answers, after a command timed out.
ASK_AGAIN = 3.0


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a command. `stdout` and `stderr` are UTF-8; invalid bytes become U+FFFD.

    `started`: seconds since the epoch, on the runner; `seconds`: until the result arrived.
    """

    host: str
    command: str
    exit_status: int
    stdout: str
    stderr: str
    seconds: float
    started: float

    @property
    def ok(self) -> bool:
        return self.exit_status == 0


@dataclass(frozen=True, slots=True)
class Changed:
    """The last known change of a host: `at` from time.monotonic(), on the runner."""

    at: float
    what: str


class Host:
    """One host of the bench, from `connect` or `connect_all`. Thread-safe."""

    def __init__(
        self,
        name: str,
        target: str,
        ssh_config: Path | None = None,
        recorder: Recorder | None = None,
        *,
        sudo: bool = False,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        """Starts connecting and returns; call `wait_connected` afterwards."""
        check_target(name, target)
        self.name = name
        self.target = target
        self.sudo = sudo
        self.given: deque[str] = deque(maxlen=_GIVEN)
        """The last changes that were made on the host, and undos, each with the check that did."""
        self.changed: Changed | None = None
        """Readings from before this change are outdated; None: not changed. Code that restores the
        state may restore this value too."""
        self.fence = ""
        """Shell text that ends a command if this run does not hold the lock; empty without a lock.
        Set by `lock`; `gate` runs it before each change and undo."""
        self.recorder: Recorder = recorder or NullTranscript()
        self._ssh_config = ssh_config
        self._connect_timeout = connect_timeout
        self._slots = threading.BoundedSemaphore(_COMMANDS_AT_ONCE)
        self._channels: list[Channel] = []
        self._given_up = 0
        self._dial()

    def _dial(self) -> None:
        self._dialled = time.monotonic(), time.time()
        self._master = Master(self.name, self.target, self._ssh_config, self._connect_timeout)

    def wait_connected(self) -> None:
        """Wait for the login. Raises HostError with the reason and the next step."""
        begin, started = self._dialled
        error: str | None = None
        try:
            # ssh's own timeout is shorter, since its message is better.
            self._master.wait_ready(begin + self._connect_timeout + 2.0)
        except HostError as exc:
            error = exc.what
            raise
        finally:
            self.recorder.record(
                TranscriptEntry(
                    host=self.name,
                    kind="connect",
                    command=self.target,
                    started=started,
                    seconds=time.monotonic() - begin,
                    error=error,
                )
            )

    def note_given(self, what: str) -> None:
        """A command that changes the host, for the words of a failure."""
        by = current_check.get() or current_phase.get() or "the run"
        self.given.append(f"{abridge(what, 160)} (by {by})")

    def note_change(self, what: str) -> None:
        """Record a change of the host: earlier readings are outdated."""
        self.changed = Changed(time.monotonic(), what)

    def run(self, command: str, *, timeout: float = 10.0, stdin: bytes = b"") -> Result:
        """Run `command`, POSIX sh text, on the host, and wait for it: one round trip.

        The environment is LC_ALL=C with the sbin directories in PATH. A non-zero exit status is
        not an error. Raises HostError if the host cannot be reached, the command does not end in
        `timeout` seconds (it is then ended on the host), it prints more than 16 MB, or leaves a
        process behind that has its output open.
        """
        raw = self.exchange(command, timeout=timeout, stdin=stdin)
        if raw.unfinished:
            raise self.end_unfinished(command, timeout, raw)
        assert raw.exit_status is not None
        return Result(
            host=self.name,
            command=command,
            exit_status=raw.exit_status,
            stdout=raw.stdout.decode("utf-8", "replace"),
            stderr=raw.stderr.decode("utf-8", "replace"),
            seconds=raw.seconds,
            started=raw.started,
        )

    def exchange(
        self,
        command: str,
        *,
        timeout: float,
        stdin: bytes = b"",
        title: str = "",
        heard: Callable[[bytes], None] | None = None,
    ) -> Raw:
        """As `run`, in bytes, and with partial output after a timeout (`Raw.unfinished`).

        `title`: description of a generated command in the transcript; `heard`: gets new output.
        """
        with self._slots:
            before = self._given_up
            exchange = Exchange(
                self.name,
                self._master,
                command,
                timeout=timeout,
                stdin=stdin,
                sudo=self.sudo,
                heard=heard,
                given_up=lambda: self._given_up != before,
            )
            error: str | None = None
            try:
                raw = exchange.finish()
                if raw.unfinished:
                    error = _TOO_MUCH if raw.cut_off else f"not done in {timeout:g} s"
                return raw
            except HostError as exc:
                error = exc.what
                raise
            except BaseException as exc:
                error = f"interrupted ({type(exc).__name__})"
                raise
            finally:
                so_far = exchange.so_far()
                self.recorder.record(
                    TranscriptEntry(
                        host=self.name,
                        kind="run",
                        command=command,
                        title=title,
                        started=so_far.started,
                        seconds=so_far.seconds,
                        exit_status=so_far.exit_status,
                        stdout=so_far.stdout.decode("utf-8", "replace"),
                        stderr=so_far.stderr.decode("utf-8", "replace"),
                        error=error,
                    )
                )

    def give_up(self) -> None:
        """The time of every command that is under way is up now, in whichever thread."""
        self._given_up += 1

    def open(self, command: str) -> Channel:
        """Start a long-lived process on the host, over the same connection.

        It must end when its stdin is closed, which happens when the runner is killed.
        """
        channel = Channel(self.name, self._master, command, self.sudo, self.recorder, self._end)
        self._channels.append(channel)
        return channel

    def reconnect(self) -> None:
        """Close the connection with everything that uses it, and make a new one."""
        self.close()
        self._dial()
        self.wait_connected()

    def connected(self) -> bool:
        """False if ssh has noticed that the connection is lost; does not contact the host."""
        return self._master.alive()

    def close(self) -> None:
        """Close the channels and the connection. May be repeated."""
        channels, self._channels = self._channels, []
        for channel in channels:
            with contextlib.suppress(HostError):
                channel.close()
        self._master.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Host({self.name!r}, {self.target!r})"

    def end_unfinished(self, command: str, timeout: float, raw: Raw) -> HostError:
        """End an unfinished command of `exchange` on the host, and return the error.

        DeadlineError if the command hangs but the host answers, ConnectionLostError if the host
        does not answer, HostError if it printed too much or the runner itself did not run.
        """
        if raw.cut_off and raw.group is not None:
            self._end(raw.group)
        if raw.cut_off:
            return HostError(self.name, f"`{abridge(command)}` {_TOO_MUCH}")
        shown = abridge(command)
        try:
            if raw.group is None:
                asked = self.exchange("true", timeout=ASK_AGAIN)
                answers, fate = not asked.timed_out, "it had not started"
            else:
                ended = self._end(raw.group)
                answers, fate = True, "ended" if ended else "it cannot be ended (state D?)"
        except ConnectionLostError:
            raise
        except HostError:
            answers, fate = False, ""
        if not answers:
            return ConnectionLostError(
                self.name,
                f"stopped answering while `{shown}` ran ({timeout:g} s): the network between, or "
                f"the host itself, is down",
            )
        if (starved := raw.starved(self.name)) is not None:
            return starved
        last = _last_line(raw.stderr) or _last_line(raw.stdout)
        saw = f"; its last output: {last}" if last else "; it printed nothing"
        return DeadlineError(self.name, f"`{shown}` was not done in {timeout:g} s ({fate}){saw}")

    def _end(self, group: int) -> bool:
        """End a process group on the host; returns whether it has ended. Raises HostError."""
        raw = self.exchange(remote.end_group(group), timeout=ASK_AGAIN)
        if raw.timed_out:
            raise DeadlineError(self.name, f"does not answer within {ASK_AGAIN:g} s")
        return raw.exit_status == 0


def check_target(name: str, target: str) -> None:
    """HostError unless `target` is a valid ssh destination."""
    if not target or target.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", target):
        raise HostError(name, f"{target!r} is not an ssh destination (user@address, or ssh://…)")


def abridge(command: str, longest: int = 120) -> str:
    """A command on one line, for a message."""
    line = " ".join(command.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _last_line(output: bytes) -> str:
    lines = output[-4096:].decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return abridge(said[-1]) if said else ""
