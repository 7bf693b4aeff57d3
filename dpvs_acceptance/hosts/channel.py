"""A long-lived process on a host, over the host's connection."""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import tempfile
import time
from collections.abc import Callable
from typing import IO, BinaryIO

from . import remote
from .errors import ConnectionLostError, DeadlineError, HostError
from .master import Master
from .mux import MuxError, MuxSession
from .transcript import Recorder, TranscriptEntry

_START = 10.0  # seconds until the process must run
_LAST_WORDS = 1.0  # seconds for output after the exit status
_LONGEST_NOISE = 1_000_000  # bytes that rc files of the account may print before it


class Channel:
    """`stdin` and `stdout` are binary files of the process; flush what is written.

    `stderr_text()` returns its stderr. Its stdin is closed when the connection or the runner ends;
    `close` always ends the process. Without `close` it runs until `Host.close`.
    """

    stdin: BinaryIO
    stdout: BinaryIO

    def __init__(
        self,
        host: str,
        master: Master,
        command: str,
        sudo: bool,
        recorder: Recorder,
        end_group: Callable[[int], bool],
    ) -> None:
        """Returns when the host has started the process. Raises HostError."""
        self.host = host
        self.command = command
        self._master = master
        self._recorder = recorder
        self._end_group = end_group
        self._begin, self._started = time.monotonic(), time.time()
        self._closed = False
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        parcel = remote.pack(command, timeout=None, stdin=b"", sudo=sudo)
        self._mark = parcel.mark
        in_r, in_w = os.pipe()
        out_r, out_w = os.pipe()
        self.stdin = open(in_w, "wb")  # noqa: SIM115, PTH123 - closed in close()
        raw_stdout = io.FileIO(out_r, "r")
        self.stdout = io.BufferedReader(raw_stdout)
        error: str | None = None
        try:
            try:
                self._session = MuxSession(
                    master.control, parcel.login_command, in_r, out_w, self._stderr.fileno()
                )
            except (OSError, MuxError) as exc:
                raise (
                    HostError(host, str(exc)) if isinstance(exc, MuxError) else master.lost()
                ) from exc
            finally:
                os.close(in_r)
                os.close(out_w)
            self.group = self._start(parcel)
        except HostError as exc:
            error = exc.what
            self._release()
            raise
        finally:
            self._record("open", None, error)

    def poll(self) -> int | None:
        """The exit status, None while it runs. Raises ConnectionLostError."""
        return self._await(time.monotonic())

    def wait(self, timeout: float) -> int:
        """Waits for the end; returns the exit status. Raises DeadlineError, ConnectionLostError."""
        status = self._await(time.monotonic() + timeout)
        if status is None:
            raise DeadlineError(self.host, f"`{self.command[:120]}` still runs after {timeout:g} s")
        self._drain()
        return status

    def stderr_text(self) -> str:
        """Its stderr so far, at most the last 64 KB."""
        if self._stderr.closed:
            return self._last_words
        size = os.fstat(self._stderr.fileno()).st_size
        data = os.pread(self._stderr.fileno(), 65536, max(0, size - 65536))
        return remote.strip_mark(self._mark, data).decode("utf-8", "replace")

    def close(self, timeout: float = 2.0) -> int | None:
        """Close its stdin; if it has not ended after `timeout` seconds, kill it with its children.

        Returns the exit status, or None if it was killed or the connection is lost.
        """
        if self._closed:
            return self._session.exit_status
        self._closed = True
        error: str | None = None
        status: int | None = None
        try:
            with contextlib.suppress(OSError):
                self.stdin.close()
            status = self._await(time.monotonic() + timeout)
            if status is not None:
                self._drain()
            else:
                error = (
                    f"did not end within {timeout:g} s after its stdin was closed, and was killed"
                )
                if not self._end_group(self.group):
                    raise HostError(self.host, f"`{self.command[:120]}` cannot be ended")
        except HostError as exc:
            error = exc.what
            raise
        finally:
            self._last_words = self.stderr_text()
            self._release()
            self._record("close", status, error)
        return status

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _start(self, parcel: remote.Parcel) -> int:
        """Send the command and read the preamble; returns the process group."""
        deadline = time.monotonic() + _START
        stdin, stdout = self.stdin.fileno(), self.stdout.fileno()
        pending = memoryview(parcel.stdin)
        received = b""
        os.set_blocking(stdin, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._session, selectors.EVENT_READ)
            selector.register(stdin, selectors.EVENT_WRITE)
            selector.register(stdout, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(deadline - time.monotonic())}
                if not ready and time.monotonic() >= deadline:
                    raise DeadlineError(self.host, f"did not start a process in {_START:g} s")
                if self._session.fileno() in ready:
                    self._feed()
                if stdin in ready and pending:
                    with contextlib.suppress(BlockingIOError, BrokenPipeError):
                        pending = pending[os.write(stdin, pending[:65536]) :]
                    if not pending:
                        selector.unregister(stdin)
                        os.set_blocking(stdin, True)
                if stdout in ready:
                    # Byte by byte: the rest is the output of the process.
                    byte = os.read(stdout, 1)
                    received += byte
                    split = remote.split_header(parcel.mark, received)
                    if split is not None:
                        return split[0].group
                    if not byte or len(received) > _LONGEST_NOISE:
                        raise self._not_started(received)

    def _feed(self) -> None:
        try:
            self._session.feed()
        except MuxError as exc:
            raise HostError(
                self.host,
                f"sshd refuses another session on this connection ({exc}): raise MaxSessions in "
                "its sshd_config",
            ) from exc
        if self._session.closed and self._session.exit_status is None:
            raise self._master.lost()

    def _await(self, deadline: float) -> int | None:
        session = self._session
        if session.exit_status is None and session.closed:
            raise ConnectionLostError(self.host, "the connection is lost")
        with selectors.DefaultSelector() as selector:
            if session.exit_status is None:
                selector.register(session, selectors.EVENT_READ)
            while session.exit_status is None:
                if selector.select(max(0.0, deadline - time.monotonic())):
                    self._feed()
                elif time.monotonic() >= deadline:
                    return None
        return session.exit_status

    def _drain(self) -> None:
        """The exit status may arrive before the last output; the master disconnects after both."""
        deadline = time.monotonic() + _LAST_WORDS
        with selectors.DefaultSelector() as selector:
            if not self._session.closed:
                selector.register(self._session, selectors.EVENT_READ)
            while not self._session.closed and selector.select(deadline - time.monotonic()):
                self._session.feed()

    def _not_started(self, received: bytes) -> HostError:
        # The output ends shortly before the master reports why.
        self._await(time.monotonic() + 1.0)
        said = (self.stderr_text() + received.decode("utf-8", "replace")).strip().splitlines()
        quoted = f": {said[-1].strip()}" if said else ""
        return HostError(self.host, f"the account's login shell did not start a process{quoted}")

    def _release(self) -> None:
        if hasattr(self, "_session"):
            self._session.close()
        for file in (self.stdin, self.stdout, self._stderr):
            with contextlib.suppress(OSError):
                file.close()

    def _record(self, kind: str, status: int | None, error: str | None) -> None:
        self._recorder.record(
            TranscriptEntry(
                host=self.host,
                kind=kind,
                command=self.command,
                started=self._started,
                seconds=time.monotonic() - self._begin,
                exit_status=status,
                stderr=self._last_words if kind == "close" else "",
                error=error,
            )
        )
