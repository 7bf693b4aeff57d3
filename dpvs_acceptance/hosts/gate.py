"""The write gate, the only way to change a host: it checks permission and records the undo.

`WriteGate.apply` makes all changes of a stage in one round trip. For each change, on the host: skip
it if it is already in place; otherwise determine its undo, write that to the journal on disk, make
the change, and wait until it is visible. The first failure stops the stage. Before each change and
each undo, the host compares the token of the run's lock with the lock file.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from . import batch_format, journal
from .connection import Host, abridge
from .errors import ConnectionLostError, HostError
from .gate_script import CHANGE, GIVE_UP
from .shell import quote

# Checks and `capture_undo` are read-only.
QUICK = 15.0  # seconds

_DONE, _CAPTURE, _RECORD, _APPLY, _VERIFY = range(5)


class WriteMode(StrEnum):
    """Whether a run may change its hosts."""

    WRITABLE = "writable"
    READ_ONLY = "read-only"


class WriteRefused(HostError):  # noqa: N818 - an answer, not a fault
    """A change was requested but is not allowed; nothing was sent to the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a host, as shell text.

    done: exit 0 if the change is already in place; it is then skipped. Also used to verify the
    change
        if there is no `verify`.
    capture_undo: run before the change; it prints the shell text of the undo.
    undo: the undo itself, if it does not depend on the host's state. One of the two is required.
        An undo succeeds if there is nothing to undo: it may run twice.
    apply: makes the change. A daemon is started with setsid and its own stdin, stdout and stderr.
    verify: repeated until it exits 0 (the change is visible) or 70 (it never will be), or until
        `timeout`; the output of the last try is kept.
    timeout: whole seconds for `apply`, again for `verify`, and for the undo.
    optional: if it fails, the stage continues; the caller decides.
    """

    id: str
    title: str
    apply: str
    done: str | None = None
    capture_undo: str | None = None
    undo: str | None = None
    verify: str | None = None
    timeout: float = 10.0
    optional: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]*", self.id):
            raise ValueError(f"invalid id of a change: {self.id!r}")
        if (self.capture_undo is None) == (self.undo is None):
            raise ValueError(f"change {self.id} needs either capture_undo or undo")
        if not self.apply.strip() or self.timeout < 1 or not self.title.isprintable():
            raise ValueError(f"change {self.id} needs `apply`, a timeout, and a plain title")
        for text in (self.apply, self.done, self.capture_undo, self.undo, self.verify):
            batch_format.check_length(text or "")
            if "\0" in (text or ""):
                raise ValueError(f"change {self.id} contains NUL")


class ChangeResult(StrEnum):
    """State of a change after `apply`."""

    ALREADY = "already so"
    APPLIED = "applied"
    FAILED = "failed"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Applied:
    """Result of one change.

    `problem`: one sentence if it failed. `recorded`: its undo is in the journal, because the change
    was made or may have been made. `output`: what it printed, `verify` last. `answer`: exit status
    and output of the command itself, if it ran.
    """

    change: Change
    outcome: ChangeResult
    recorded: bool = False
    seconds: float = 0.0
    output: str = ""
    problem: str = ""
    answer: batch_format.BatchAnswer | None = None

    @property
    def ok(self) -> bool:
        return self.outcome in (ChangeResult.ALREADY, ChangeResult.APPLIED)


Begun = Callable[[Change, bool, str], None]
"""The current change, whether it is waiting for verification, and the last line of output of a
verification that failed so far."""


class WriteGate:
    """The write gate of one host for one run. Not thread-safe."""

    def __init__(
        self, host: Host, mode: WriteMode, *, run: str, about: str = "", root: str = journal.ROOT
    ) -> None:
        """`run`: name of the journal; `about`: text for people who find it: owner and origin."""
        self.host = host
        self.mode = mode
        self.run = run
        self._about = about.strip() or f"run {run}"
        self._root = root
        self._folder = journal.folder(root, run)
        self._undos: dict[str, str] = {}

    def apply(self, changes: Sequence[Change], begun: Begun | None = None) -> list[Applied]:
        """Make the changes, in order, until one fails that is not optional; one entry per change.

        `begun` is called for each change when it starts, when its verification starts, and for
        each new output of the verification.

        WriteRefused before anything is sent if the mode does not allow it, or the host is not
        locked. LockLostError if another run has taken the lock: nothing more was changed. HostError
        if the host cannot be reached, the connection is lost, or the stage does not end: the
        journal on the host has the changes made so far.
        """
        self._allow(", ".join(change.id for change in changes) or "nothing")
        if not changes:
            return []
        self._need_lock()
        mark = secrets.token_hex(16)
        timeout = sum(2 * QUICK + 2 * change.timeout + 5 for change in changes)
        title = f"{len(changes)} changes: {', '.join(change.id for change in changes)}"
        before = self.host.changed
        for change in changes:
            self._undos[change.id] = change.undo or change.title
            self.host.note_given(change.apply)
        try:
            heard = None if begun is None else _listener(mark, changes, begun)
            script = self._script(mark, changes)
            raw = self.host.exchange(script, timeout=timeout, title=title, heard=heard)
        finally:
            self.host.note_change(abridge("; ".join(change.title for change in changes)))
        if raw.unfinished:
            raise self.host.end_unfinished(title, timeout, raw)
        journal.check_fence(self.host, raw)
        came = {
            frame.number: frame
            for frame in batch_format.parse(self.host.name, mark, raw.stdout, raw.stderr)
        }
        if not came and raw.exit_status != 0:
            said = raw.stderr.decode("utf-8", "replace").strip()
            raise HostError(self.host.name, f"no journal can be kept, nothing was changed: {said}")
        applied = []
        for index, change in enumerate(changes):
            parts = {part: came[key] for part in range(5) if (key := index * 10 + part) in came}
            applied.append(_applied(change, parts, self._folder))
        if all(one.outcome is ChangeResult.ALREADY for one in applied):
            self.host.changed = before
        if raw.exit_status not in (0, None) and first_failure(applied) is None:
            said = raw.stderr[-300:].decode("utf-8", "replace")
            raise HostError(self.host.name, f"the stage exited with {raw.exit_status}: {said}")
        return applied

    def undo(self, timeout: float = 300.0, *, only: str = "") -> list[journal.Undone]:
        """Undo everything that this run recorded, last first; if one fails, the others still run.

        `only`: prefix of the ids of changes to undo. Uses a new connection if the old one was lost.
        WriteRefused and LockLostError as for `apply`. See `journal.undo`.
        """
        self._allow("undo")
        self._need_lock()
        try:
            undone = self._undo(timeout, only)
        except ConnectionLostError:
            self.host.reconnect()
            undone = self._undo(timeout, only)
        finally:
            self.host.note_change("what this run did was undone")
        for one in undone:
            self.host.note_given(f"undo: {self._undos.get(one.entry.id, one.entry.title)}")
        return undone

    def _undo(self, timeout: float, only: str) -> list[journal.Undone]:
        return journal.undo(self.host, self.run, only=only, root=self._root, timeout=timeout)

    def leftovers(self) -> list[journal.Leftover]:
        """The journals that other runs left on this host; read-only."""
        found = journal.leftovers(self.host, root=self._root)
        return [leftover for leftover in found if leftover.run != self.run]

    def _allow(self, what: str) -> None:
        if self.mode is not WriteMode.WRITABLE:
            raise WriteRefused(
                self.host.name, f"this run is {self.mode}: not sent to the host: {abridge(what)}"
            )

    def _need_lock(self) -> None:
        if not self.host.fence:
            raise WriteRefused(self.host.name, "this run has not locked the host: nothing was sent")

    def _script(self, mark: str, changes: Sequence[Change]) -> str:
        lines = [journal.prologue(mark, self._folder, self.host.fence)]
        lines.append(f"about={quote(self._about)}")
        lines += [f"quick={QUICK:g}", CHANGE]
        for index, change in enumerate(changes):
            texts = {
                "heading": journal.heading(change.id, change.title, change.timeout),
                "seconds": f"{change.timeout:g}",
                "done": change.done or "",
                "capture": change.capture_undo or "",
                "undo": change.undo or "",
                "apply": change.apply,
                "verify": change.verify or change.done or "",
            }
            lines += [f"{name}={quote(text)}" for name, text in texts.items()]
            lines.append(f"change {index} || {':' if change.optional else 'exit 0'}")
        return "\n".join([*lines, "exit 0"])


def _listener(mark: str, changes: Sequence[Change], begun: Begun) -> Callable[[bytes], None]:
    """Finds the current change and its progress in the output of the host."""
    last, seen = -1, b""
    sign = re.compile(rf"\n{mark} \+ (\d+)\b".encode())
    glimpse = re.compile(rf"\n{mark} ~ (\d+) ([^\n]+)\n".encode())

    def heard(printed: bytes) -> None:
        nonlocal last, seen
        for found in sign.finditer(printed):
            number, part = divmod(int(found[1]), 10)
            if int(found[1]) > last and number < len(changes):
                last, seen = int(found[1]), b""
                begun(changes[number], part == _VERIFY, "")
        came = glimpse.findall(printed)
        if came and int(came[-1][0]) == last and came[-1][1] != seen:
            seen = came[-1][1]
            begun(changes[last // 10], True, seen.decode("utf-8", "replace").strip())

    return heard


def first_failure(applied: Sequence[Applied]) -> Applied | None:
    """The change that stopped the stage, or None."""
    return next((one for one in applied if not one.ok and not one.change.optional), None)


def _applied(change: Change, parts: dict[int, batch_format.BatchAnswer], folder: str) -> Applied:
    if not parts:
        return Applied(change, ChangeResult.NOT_REACHED)
    shown = [parts[part] for part in (_APPLY, _VERIFY) if part in parts]
    output = "\n".join(text for frame in shown if (text := _output(frame)))
    seconds = round(sum(frame.seconds or 0.0 for frame in parts.values()), 3)
    recorded = _RECORD in parts and parts[_RECORD].exit_status == 0
    last = max(parts)
    status = parts[last].exit_status
    if status == 0 and last == _DONE:
        return Applied(change, ChangeResult.ALREADY, seconds=seconds)
    if status == 0 and last >= (_VERIFY if change.verify or change.done else _APPLY):
        return Applied(
            change, ChangeResult.APPLIED, True, seconds, output, answer=parts.get(_APPLY)
        )
    problem = _problem(change, last, parts[last], folder)
    return Applied(
        change, ChangeResult.FAILED, recorded, seconds, output, problem, answer=parts.get(_APPLY)
    )


def _problem(change: Change, part: int, frame: batch_format.BatchAnswer, folder: str) -> str:
    """One sentence: which part of the change failed, how, and its last output."""
    lines = _output(frame).splitlines()
    said = f": {abridge(lines[-1].strip(), 200)}" if lines else ", and printed nothing"
    hung = frame.exit_status in (batch_format.TIMED_OUT, 137, None)
    ended = "timed out" if hung else f"exited with {frame.exit_status}"
    match part:
        case 0:
            return f"cannot check whether it is already in place: the check {ended}{said}"
        case 1:
            return f"nothing was changed: the command for its undo {ended}{said}"
        case 2:
            return f"nothing was changed: its undo cannot be written to {folder}{said}"
        case 3:
            return f"`{abridge(change.apply)}` {ended}{said}"
        case _:
            waited = "gave up" if frame.exit_status == GIVE_UP else f"for {change.timeout:g} s"
            return f"was made, but is not visible ({waited}); last output{said}"


def _output(frame: batch_format.BatchAnswer) -> str:
    return (frame.stdout + frame.stderr).decode("utf-8", "replace").strip()
