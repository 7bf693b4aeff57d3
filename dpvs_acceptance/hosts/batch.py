"""Many read-only commands in one round trip."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from . import batch_format
from .connection import Host, abridge
from .errors import ConnectionLostError
from .shell import quote

LONGEST_SECTION = 4 * 1000 * 1000
"""Bytes of each stream of one command that are kept. The transcript has the rest."""


@dataclass(frozen=True, slots=True)
class Read:
    """A read-only command, shell text, with its own deadline in seconds.

    `timeout` None: the command only reads files and has just the deadline of the batch, which saves
    two processes on the host. Commands of one `group` query the same process. If the first one
    fails, or any of them times out, the rest of the group is skipped: a stopped DPVS then costs one
    deadline instead of many.
    """

    command: str
    timeout: float | None = 5.0
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Output of one command of a batch; `seconds` with a resolution of 10 ms.

    `note` is empty if the command ended by itself; otherwise it has the reason, and `exit_status`
    is 124.
    """

    command: str
    exit_status: int
    stdout: str
    seconds: float
    stderr: str = ""
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.exit_status == 0


def batch(
    host: Host, sections: Mapping[str, str | Read], timeout: float = 30.0
) -> dict[str, Section]:
    """Run all `sections` on `host`, in order, in one round trip; `timeout` seconds for all.

    Each has its own deadline; if one hangs, or the total time is over, the output of the others is
    kept. Raises HostError only if the host cannot be reached, or if the runner had no CPU time.
    """
    reads = {name: _read(section) for name, section in sections.items()}
    if not reads:
        return {}
    mark = secrets.token_hex(16)
    script = _script(mark, list(reads.values()))
    title = f"{len(reads)} reads: {abridge(', '.join(reads), 200)}"
    raw = host.exchange(script, timeout=timeout, title=title)
    if raw.unfinished:
        error = host.end_unfinished(title, timeout, raw)
        if isinstance(error, ConnectionLostError):
            raise error
    came = {
        frame.number: frame for frame in batch_format.parse(host.name, mark, raw.stdout, raw.stderr)
    }
    unanswered: dict[str, str] = {}  # by group, the command that failed
    over = (
        "the output limit was reached"
        if raw.cut_off
        else f"the {timeout:g} s for the batch were over"
    )
    result = {}
    for number, (name, read) in enumerate(reads.items()):
        section = _section(read, came.get(number), unanswered, over)
        if read.group is not None and not section.ok:
            unanswered.setdefault(read.group, read.command)
        result[name] = section
    starved = raw.starved(host.name)
    if starved is not None and any(section.note for section in result.values()):
        raise starved
    return result


def _read(section: str | Read) -> Read:
    read = Read(section) if isinstance(section, str) else section
    batch_format.check_length(read.command)
    if "\0" in read.command:
        raise ValueError("a command cannot contain NUL")
    return read


def _script(mark: str, reads: list[Read]) -> str:
    silent: dict[str, str] = {}
    lines = [batch_format.library(mark)]
    for number, read in enumerate(reads):
        line = f"frame {number} {read.timeout or 0:.3f} {quote(read.command)}"
        if read.timeout is None:
            line = f"plain {number} {quote(read.command)}"
        if read.group is not None:
            first = read.group not in silent
            variable = silent.setdefault(read.group, f"silent{len(silent)}")
            failed = (
                f"{batch_format.TIMED_OUT}|137) {variable}=1" if not first else f"*) {variable}=1"
            )
            line = f'[ -n "${variable}" ] || {{ {line}\ncase $? in 0) ;; {failed} ;; esac; }}'
        lines.append(line)
    # The exit status of the last command is not that of the batch.
    return "\n".join([*lines, "exit 0"])


def _section(
    read: Read, frame: batch_format.BatchAnswer | None, unanswered: Mapping[str, str], over: str
) -> Section:
    """`over`: why the batch ended early, for a command without a result."""
    if frame is None:
        before = unanswered.get(read.group) if read.group else None
        why = f"`{abridge(before)}` failed" if before else over
        return Section(read.command, batch_format.TIMED_OUT, "", 0.0, note=f"not run: {why}")
    note = ""
    if frame.exit_status is None:
        note = f"not finished when {over}"
    elif max(len(frame.stdout), len(frame.stderr)) > LONGEST_SECTION:
        note = f"printed more than {LONGEST_SECTION // 1_000_000} MB"
    elif (
        frame.exit_status in (batch_format.TIMED_OUT, 137)
        and read.timeout is not None
        and (frame.seconds or 0) >= read.timeout - 0.02
    ):
        note = f"no answer in {read.timeout:g} s"
    return Section(
        command=read.command,
        exit_status=batch_format.TIMED_OUT
        if note or frame.exit_status is None
        else frame.exit_status,
        stdout=frame.stdout[:LONGEST_SECTION].decode("utf-8", "replace"),
        seconds=frame.seconds or 0.0,
        stderr=frame.stderr[:LONGEST_SECTION].decode("utf-8", "replace"),
        note=note,
    )
