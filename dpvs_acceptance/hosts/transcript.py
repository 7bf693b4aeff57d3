"""The transcript: all commands sent to hosts, in order, with their answers.

One JSON object per line in `transcript.jsonl`. Output above 64 KB is in a separate file, and the
line has its size and digest. Check and phase of the run are taken from the context, so functions
need not pass them on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from . import redaction

LONGEST_INLINE = 64 * 1024

current_check: ContextVar[str | None] = ContextVar("current_check", default=None)
current_phase: ContextVar[str | None] = ContextVar("current_phase", default=None)

Redact = Callable[[str], str]


@contextlib.contextmanager
def phase(name: str) -> Iterator[None]:
    """Commands in the context are recorded with this phase of the run."""
    token = current_phase.set(name)
    try:
        yield
    finally:
        current_phase.reset(token)


@contextlib.contextmanager
def check(nodeid: str) -> Iterator[None]:
    """Commands in the context are recorded with this check."""
    token = current_check.set(nodeid)
    try:
        yield
    finally:
        current_check.reset(token)


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One exchange with a host.

    `kind`: `connect`, `run` (one command, one round trip), `open` (a long-lived command started)
    or `close` (it ended). `started`: seconds since the epoch. `exit_status`: None if there is none;
    `error` has the reason. `title`: description of a generated command.
    """

    host: str
    kind: str
    command: str
    started: float
    seconds: float
    exit_status: int | None = None
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    title: str = ""


class Recorder(Protocol):
    """Receives the entries of connections; must be thread-safe."""

    def record(self, entry: TranscriptEntry) -> None: ...


class NullTranscript:
    """Records nothing: for tools that use a host outside a run."""

    def record(self, entry: TranscriptEntry) -> None:
        del entry


class Transcript:
    """The transcript of a run, written as it happens: a killed run's is complete up to its end.

    If it cannot be written (full disk), `record` does not raise: hosts are undone without a
    transcript. `trouble` is reported once, and nothing more is written.
    """

    def __init__(
        self,
        folder: Path,
        redact: Redact | None = None,
        trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`folder` is created if missing; `redact` is applied to all text before writing."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "transcript.jsonl"
        self._bodies = folder / "transcript"
        self._redact = redact or redaction.redact
        self._trouble: Callable[[str], None] | None = trouble
        self._lock = threading.Lock()
        self._file = self.path.open("ab", buffering=0)
        self._number = sum(1 for _ in self.path.open(encoding="utf-8"))

    def record(self, entry: TranscriptEntry) -> None:
        with self._lock:
            if self._trouble is None:
                return
            try:
                self._write(entry)
            except OSError as error:
                trouble, self._trouble = self._trouble, None
                trouble(f"the transcript cannot be written: {error.strerror or error}")

    def _write(self, entry: TranscriptEntry) -> None:
        self._number += 1
        line = {
            "number": self._number,
            "phase": current_phase.get(),
            "check": current_check.get(),
            "host": entry.host,
            "kind": entry.kind,
            "title": self._redact(entry.title),
            "command": self._redact(entry.command),
            "started": rfc3339(entry.started),
            "seconds": round(entry.seconds, 6),
            "exit_status": entry.exit_status,
            "stdout": self._body(entry.stdout, "stdout"),
            "stderr": self._body(entry.stderr, "stderr"),
            "error": None if entry.error is None else self._redact(entry.error),
        }
        data = json.dumps(line).encode() + b"\n"
        written = self._file.tell()
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(written)  # half a line would spoil those before it
            raise

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def __enter__(self) -> Transcript:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _body(self, text: str, stream: str) -> object:
        text = self._redact(text)
        data = text.encode("utf-8", "surrogatepass")
        if len(data) <= LONGEST_INLINE:
            return text
        self._bodies.mkdir(exist_ok=True)
        path = self._bodies / f"{self._number:05}.{stream}"
        path.write_bytes(data)
        return {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "file": f"{self._bodies.name}/{path.name}",
        }


def read(path: Path) -> list[dict[str, Any]]:
    """The entries of a `transcript.jsonl`, in order."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC, to the millisecond."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def redacting(secrets: Iterable[str]) -> Redact:
    """A redaction that also removes these texts everywhere."""
    known = sorted({s for s in secrets if s}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in known:
            text = text.replace(secret, redaction.REMOVED)
        return redaction.redact(text)

    return redact
