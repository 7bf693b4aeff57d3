"""The journal on the host: the undo of each change, written before the change is made.

`/var/lib/dpvs-acceptance/journal/<run>/NNNN.undo`: one sh script per change, its comments saying
what it undoes. Run in reverse order, by hand if need be, they bring the host back. `run` in the
same folder says whose they are, `running` which processes a killed runner may have left at work.

The last line of each, `# end CHECKSUM LENGTH`, is what `cksum` says of the lines above it. A file
without it, or with another, is damaged: it is not run, not removed, and named as not undone; so is
what else is in the folder, and all of a folder that others than its owner may write to.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from . import batch_format
from .connection import Host
from .errors import HostError, LockLostError
from .exchange import Raw
from .journal_script import DAMAGED, LIBRARY, LIST, UNDO
from .lockfile import LOST
from .shell import quote

ROOT = "/var/lib/dpvs-acceptance"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One undo of a journal. `at`: time of recording, by the host's clock (RFC 3339)."""

    number: int
    id: str
    title: str
    at: str


@dataclass(frozen=True, slots=True)
class Undone:
    """Result of one undo: `ok`, and its output, stderr last. If not ok, it stays in the journal.

    `note` is empty where it ended by itself. `damaged`: it was not run, since it is not what this
    suite wrote; or it is a file of the journal's folder that is no undo at all.
    """

    entry: JournalEntry
    ok: bool
    exit_status: int | None
    output: str
    seconds: float
    note: str = ""
    damaged: bool = False

    def __str__(self) -> str:
        return f"undone: {self.entry.title}" if self.ok else f"NOT undone: {self.why}"

    @property
    def why(self) -> str:
        """What it would have undone, and why it did not."""
        return f"{self.entry.title}: {self.note or self.output or f'exit {self.exit_status}'}"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A journal that a run left on a host. `about`: owner and origin, written by that run."""

    host: str
    run: str
    about: str
    entries: tuple[JournalEntry, ...]


def folder(root: str, run: str) -> str:
    """The journal's directory; ValueError for an invalid name of a run."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run):
        raise ValueError(f"invalid name of a run: {run!r}")
    return f"{root}/journal/{run}"


def prologue(mark: str, where: str, fence: str) -> str:
    """The shell functions, and `folder`. `fence`: see `Host.fence`."""
    # In the piece of work itself: its parent is `timeout`, the leader of its process group.
    noting = (
        "( read -r b </proc/sys/kernel/random/boot_id && read -r s </proc/$PPID/stat && "
        f'set -- ${{s##*) }} && echo "$b $PPID ${{20}}" >>{quote(where)}/running ) 2>/dev/null'
    )
    given = {"folder": where, "noting": noting, "fence": fence}
    lines = [f"{name}={quote(text)}\n" for name, text in given.items()]
    return f"{batch_format.library(mark)}{''.join(lines)}{LIBRARY}"


def undo(
    host: Host, run: str, *, only: str = "", root: str = ROOT, timeout: float = 300.0
) -> list[Undone]:
    """Run a journal in reverse; if an undo fails, the others still run. Successful ones are
    removed.

    `only`: prefix of the ids of changes. One round trip. Raises HostError if the host cannot be
    reached or `timeout` seconds are over; undos that succeeded are then removed from the journal.
    Use `gate.WriteGate.undo`, which checks permission.
    """
    mark = secrets.token_hex(16)
    where = folder(root, run)
    known = prologue(mark, where, host.fence)
    script = f"{known}only={quote(only)}\n{UNDO}"
    raw = host.exchange(script, timeout=timeout, title=f"undo what run {run} recorded")
    if raw.unfinished:
        raise host.end_unfinished(f"undoing run {run}", timeout, raw)
    check_fence(host, raw)
    texts: dict[int, JournalEntry] = {}
    result = []
    for frame in batch_format.parse(host.name, mark, raw.stdout, raw.stderr):
        number, part = divmod(frame.number, 10)
        if part == 0:
            texts[number] = _entry(number, frame.stdout.decode("utf-8", "replace"))
        elif number in texts:
            result.append(_undone(texts[number], frame, where))
        else:
            result += _strange(where, frame)
    if raw.exit_status != 0:
        said = raw.stderr[-500:].decode("utf-8", "replace")
        raise HostError(host.name, f"undoing run {run} exited with {raw.exit_status}: {said}")
    return result


def check_fence(host: Host, raw: Raw) -> None:
    """Raises LockLostError if a script ended because this run does not hold the lock."""
    if raw.exit_status == LOST:
        said = raw.stderr.decode("utf-8", "replace").strip().splitlines()
        raise LockLostError(host.name, said[-1] if said else "")


def undo_by_itself(run: str, fence: str, root: str = ROOT) -> str:
    """Shell text that undoes a journal like `undo`, for a host without a connected run."""
    mark = secrets.token_hex(16)
    # Output for people: each undo and its exit status.
    plain = 'begin() { :; }\nend() { case $1 in ?*1) echo "# ${1%?}: exit $2" ;; esac; }\n'
    return f"(\n{prologue(mark, folder(root, run), fence)}{plain}only=\n{UNDO})"


def restored(host: Host, run: str, *, root: str = ROOT) -> bool:
    """Whether nothing of `run` is left to be undone on this host; only reads."""
    where = quote(folder(root, run))
    return host.run(f'[ -z "$(ls -A {where} 2>/dev/null)" ]', timeout=15.0).ok


def leftovers(host: Host, *, root: str = ROOT) -> list[Leftover]:
    """The journals on a host, by name; read-only. One round trip."""
    mark = secrets.token_hex(16)
    script = batch_format.library(mark) + f"root={quote(root)}\n{LIST}"
    raw = host.exchange(script, timeout=15.0, title="list the journals")
    if raw.unfinished:
        raise host.end_unfinished("reading the journals", 15.0, raw)
    abouts: dict[int, tuple[str, str]] = {}
    entries: dict[int, list[JournalEntry]] = {}
    for frame in batch_format.parse(host.name, mark, raw.stdout, raw.stderr):
        text = frame.stdout.decode("utf-8", "replace")
        # The folder's count, and behind it the four digits of NNNN.undo; 0000 is `run`.
        count, number = divmod(frame.number, 10000)
        if number == 0:
            run, _, about = text.partition("\n")
            abouts[count] = run, about.strip()
            entries[count] = []
        else:
            entries[count].append(_entry(number, text))
    return [
        Leftover(host.name, run, about, tuple(entries[count]))
        for count, (run, about) in abouts.items()
    ]


def heading(change_id: str, title: str, timeout: float) -> str:
    """The comments before an undo; the host adds `# at` from its own clock."""
    return f"# id {change_id}\n# title {title}\n# timeout {timeout:g}"


def _entry(number: int, text: str) -> JournalEntry:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.removeprefix("# ").partition(" ")
        fields.setdefault(name, value)
    return JournalEntry(
        number=number,
        id=fields.get("id", f"{number:04}"),
        title=fields.get("title") or "a change of which nothing is known any more",
        at=fields.get("at", ""),
    )


def _undone(entry: JournalEntry, frame: batch_format.BatchAnswer, where: str) -> Undone:
    output = (frame.stdout + frame.stderr).decode("utf-8", "replace").strip()
    note = "timed out" if frame.exit_status in (batch_format.TIMED_OUT, 137, None) else ""
    damaged = frame.exit_status == DAMAGED
    if damaged:
        note = f"{where}/{entry.number:04}.undo was not run: {output}"
    return Undone(
        entry=entry,
        ok=frame.exit_status == 0,
        exit_status=frame.exit_status,
        output=output,
        seconds=frame.seconds or 0.0,
        note=note,
        damaged=damaged,
    )


def _strange(where: str, frame: batch_format.BatchAnswer) -> list[Undone]:
    """Files of the folder that this suite did not write."""
    return [
        Undone(
            entry=JournalEntry(number=0, id="", title=f"{where}/{name}", at=""),
            ok=False,
            exit_status=DAMAGED,
            output="",
            seconds=0.0,
            note="no undo has this name: see what it is, and remove it; it was not run",
            damaged=True,
        )
        for name in frame.stdout.decode("utf-8", "replace").splitlines()
        if name
    ]
