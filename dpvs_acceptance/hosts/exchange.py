"""One command and its answer over the ssh master, with a deadline and a size limit."""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import remote
from .errors import ConnectionLostError, HostError
from .master import Master
from .mux import MuxError, MuxSession

MAX_OUTPUT = 16 * 1000 * 1000  # bytes, both streams together
_CHUNK = 256 * 1024
_HEARD = 4096
# Longest pause in output that is still on its way after the exit status.
_DRAIN = 2.0
_ASKED = 0.5  # seconds between two questions whether the answer is still waited for
_STARTS = 3.0  # seconds within which a host that is well has started a command
STARVED = 2.0
"""Seconds without the CPU. The shortest deadlines are about that long."""
# Exit statuses of coreutils' timeout: TERM, KILL, and by our own signal.
_ENDED_BY_TIMEOUT = (124, 128 + 9, 128 + 15)


@dataclass(frozen=True, slots=True)
class Raw:
    """Result of a command, in bytes. `group`: its process group, if the host has reported it.

    `exit_status` is None if the command timed out (`timed_out`), printed more than MAX_OUTPUT
    (`cut_off`), or the connection was lost. `stalled`: the longest time in seconds in which the
    runner itself did not run.
    """

    exit_status: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    started: float
    timed_out: bool
    cut_off: bool
    group: int | None
    stalled: float = 0.0

    @property
    def unfinished(self) -> bool:
        """It may still run on the host: `Host.end_unfinished`."""
        return self.timed_out or self.cut_off

    def starved(self, host: str) -> HostError | None:
        """Why a deadline that was missed says nothing about the host."""
        if self.stalled < STARVED:
            return None
        return HostError(
            host,
            f"the runner got no CPU time for {self.stalled:.1f} s (busy or suspended) while it "
            "waited for the answer: nothing can be concluded from a missed deadline",
        )


class Exchange:
    """Sent on construction, answered by `finish`; for one use."""

    def __init__(
        self,
        host: str,
        master: Master,
        command: str,
        *,
        timeout: float,
        stdin: bytes,
        sudo: bool,
        heard: Callable[[bytes], None] | None = None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """`heard` is given the last few kB of what was printed, whenever there is more of it.

        `given_up` is asked twice a second: once it is true, the time is up.
        """
        self._host = host
        self._master = master
        self._started = time.time()
        self._begin = time.monotonic()
        self._deadline = self._begin + timeout
        self._parcel = remote.pack(command, timeout=timeout, stdin=stdin, sudo=sudo)
        self._heard = heard
        self._given_up = given_up
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._timed_out = False
        self._cut_off = False
        self._stalled = 0.0
        self._exit_status: int | None = None
        self._end: float | None = None

    def finish(self) -> Raw:
        """Wait for the answer. HostError: no connection, no shell, output held open."""
        try:
            self._talk()
        finally:
            self._end = time.monotonic()
        if self._exit_status in _ENDED_BY_TIMEOUT and self._end >= self._deadline:
            # The runner was so busy that the host's deadline came first.
            self._timed_out, self._exit_status = True, None
        if self._exit_status is not None and self._header() is None:
            raise HostError(self._host, self._not_started())
        return self.so_far()

    def so_far(self) -> Raw:
        header = self._header()
        stdout = bytes(self._stdout) if header is None else header[1]
        return Raw(
            exit_status=self._exit_status,
            stdout=stdout,
            stderr=remote.strip_mark(self._parcel.mark, bytes(self._stderr)),
            seconds=(self._end or time.monotonic()) - self._begin,
            started=self._started,
            timed_out=self._timed_out,
            cut_off=self._cut_off,
            group=None if header is None else header[0].group,
            stalled=self._stalled,
        )

    def _header(self) -> tuple[remote.Preamble, bytes] | None:
        return remote.split_header(self._parcel.mark, bytes(self._stdout))

    def _talk(self) -> None:
        with contextlib.ExitStack() as stack:
            theirs: list[int] = []
            stdin, stdout, stderr = (_pipe(stack, theirs, mode) for mode in ("w", "r", "r"))
            try:
                session = MuxSession(self._master.control, self._parcel.login_command, *theirs)
            except (OSError, MuxError) as exc:
                raise self._no_session(exc) from exc
            finally:
                for fd in theirs:
                    os.close(fd)
            stack.callback(session.close)
            self._pump(session, stdin, {stdout: self._stdout, stderr: self._stderr})

    def _pump(
        self, session: MuxSession, stdin: io.FileIO, streams: dict[io.FileIO, bytearray]
    ) -> None:
        pending = memoryview(self._parcel.stdin)
        deadline = self._deadline
        with selectors.DefaultSelector() as selector:
            selector.register(session, selectors.EVENT_READ)
            selector.register(stdin, selectors.EVENT_WRITE)
            for stream in streams:
                selector.register(stream, selectors.EVENT_READ)
            reading = len(streams)
            while reading or (self._exit_status is None and not session.closed):
                asked = time.monotonic()
                wait = max(0.0, min(_ASKED, deadline - asked))
                ready = selector.select(wait)
                self._stalled = max(self._stalled, time.monotonic() - asked - wait)
                if self._given_up() and self._exit_status is None:
                    # Not before it can be ended on the host.
                    deadline = min(deadline, self._begin + _STARTS)
                    if self._header() is not None:
                        deadline = 0.0
                if not ready and time.monotonic() >= deadline:
                    self._on_deadline()
                    return
                for key, _ in ready:
                    if key.fileobj is session:
                        self._feed(session)
                        if session.closed:
                            selector.unregister(session)
                    elif key.fileobj is stdin:
                        pending = _write(stdin, pending)
                        if not pending:
                            selector.unregister(stdin)
                            stdin.close()
                    elif isinstance(key.fileobj, io.FileIO) and not self._read(
                        key.fileobj, streams[key.fileobj]
                    ):
                        selector.unregister(key.fileobj)
                        reading -= 1
                if self._heard is not None:
                    self._heard(bytes(self._stdout[-_HEARD:]))
                if len(self._stdout) + len(self._stderr) > MAX_OUTPUT:
                    self._cut_off, self._exit_status = True, None
                    return
                if session.exit_status is not None:
                    if self._exit_status is None:
                        self._exit_status = session.exit_status
                        last = max(self._deadline, time.monotonic() + _DRAIN)
                    deadline = min(last, time.monotonic() + _DRAIN)
        if self._exit_status is None:
            raise self._master.lost()

    def _on_deadline(self) -> None:
        if self._exit_status is None:
            self._timed_out = True
            return
        raise HostError(
            self._host,
            f"the command exited with {self._exit_status}, but a process it started still has its "
            "output open: start a daemon with </dev/null >FILE 2>&1",
        )

    def _feed(self, session: MuxSession) -> None:
        try:
            session.feed()
        except MuxError as exc:
            raise HostError(
                self._host,
                f"sshd refuses another session on this connection ({exc}): raise MaxSessions in "
                "its sshd_config (10 is its default and enough)",
            ) from exc

    def _read(self, stream: io.FileIO, into: bytearray) -> bool:
        """Read available data; False at the end of the stream."""
        data = stream.read(_CHUNK)
        if data is None:
            return True
        into += data
        return bool(data)

    def _no_session(self, exc: Exception) -> HostError:
        if isinstance(exc, MuxError):
            return HostError(self._host, str(exc))
        if self._master.alive() and not isinstance(exc, FileNotFoundError | ConnectionRefusedError):
            return ConnectionLostError(self._host, f"the ssh master does not answer ({exc})")
        return self._master.lost()

    def _not_started(self) -> str:
        """The error if the shell did not reach our first line, because of the account or sudo."""
        said = bytes(self._stderr + self._stdout).decode("utf-8", "replace").strip()
        lines = said.splitlines()
        quoted = f": {lines[-1].strip()}" if lines else ""
        if self._parcel.login_command == remote.SUDO_COMMAND:
            return (
                f"sudo did not run the command (exit {self._exit_status}){quoted}. The account "
                "needs a NOPASSWD rule for /bin/sh, without requiretty"
            )
        return (
            f"the account's login shell did not run the command (exit {self._exit_status})"
            f"{quoted}. It needs an account that may run /bin/sh"
        )


def _pipe(stack: contextlib.ExitStack, theirs: list[int], mode: str) -> io.FileIO:
    """A pipe: our end is non-blocking and closed with the stack; the other goes to `theirs`."""
    read, write = os.pipe()
    ours, other = (read, write) if mode == "r" else (write, read)
    theirs.append(other)
    os.set_blocking(ours, False)
    return stack.enter_context(io.FileIO(ours, mode))


def _write(stream: io.FileIO, data: memoryview) -> memoryview:
    """Write as much as possible; returns the rest, empty if the reader is gone."""
    try:
        return data[stream.write(data[:65536]) or 0 :]
    except BrokenPipeError:
        return data[:0]
