"""Sends a command to a host: one constant command line, everything else on its stdin.

The account may have any login shell, so it only gets one line of plain words and one single-quoted
word, which no shell expands. The line starts /bin/sh, which reads the length of a prologue and the
prologue from stdin and evaluates it; the prologue then reads and evaluates the command. The rest of
stdin belongs to the command. So commands do not appear in the host's process list or in sshd's log,
and may have any length.

The host needs a POSIX /bin/sh and coreutils (`head`; `timeout` to end a command by itself).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

_BOOT = """/bin/sh -c 'IFS= read -r n; eval "$(head -c "$n")"'"""
LOGIN_COMMAND = f"exec {_BOOT}"
SUDO_COMMAND = f"exec sudo -n -- {_BOOT}"

# Time between TERM and KILL.
KILL_AFTER = 2

# rc files of the account may print something: the output starts after the mark, on both streams.
# Its number is the process group, which is used to end the command.
_PROLOGUE = """\
LC_ALL=C; export LC_ALL; unset LANGUAGE n
for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
case ":$PATH:" in *":$d:"*) ;; *) PATH="$PATH:$d" ;; esac
done
export PATH; unset d
read -r _ _ _ _ g _ </proc/$$/stat
printf '%s %s\\n' {mark} "$g"
echo {mark} >&2
unset g
{run}
"""
_RUN_PLAIN = 'eval "$(head -c {length})"'
_RUN_TIMED = """\
if command -v timeout >/dev/null 2>&1
then exec timeout -k {kill_after} {timeout:.3f} /bin/sh -c 'eval "$(head -c {length})"'
fi
eval "$(head -c {length})\""""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One packed command: the command line of the channel, and its stdin."""

    mark: bytes
    login_command: str
    stdin: bytes


@dataclass(frozen=True, slots=True)
class Preamble:
    """Output before that of the command. `group`: its process group on the host."""

    group: int
    noise: bytes


def pack(command: str, *, timeout: float | None, stdin: bytes, sudo: bool) -> Parcel:
    """Pack `command`, shell text. With `timeout` (seconds) the host itself ends it.

    ValueError for NUL, which shell text cannot contain.
    """
    if "\0" in command:
        raise ValueError("a command cannot contain NUL")
    body = command.encode("utf-8", "surrogateescape")
    mark = secrets.token_hex(16)
    template = _RUN_PLAIN if timeout is None else _RUN_TIMED
    run = template.format(length=len(body), timeout=timeout, kill_after=KILL_AFTER)
    prologue = _PROLOGUE.format(mark=mark, run=run).encode()
    return Parcel(
        mark=mark.encode(),
        login_command=SUDO_COMMAND if sudo else LOGIN_COMMAND,
        stdin=b"%d\n" % len(prologue) + prologue + body + stdin,
    )


def split_header(mark: bytes, stdout: bytes) -> tuple[Preamble, bytes] | None:
    """Preamble and the command's own output; None until the mark is complete."""
    start = stdout.find(mark + b" ")
    end = stdout.find(b"\n", start)
    if start < 0 or end < 0:
        return None
    group = int(stdout[start + len(mark) + 1 : end])
    return Preamble(group=group, noise=stdout[:start]), stdout[end + 1 :]


def strip_mark(mark: bytes, stderr: bytes) -> bytes:
    """The stderr of the command itself."""
    _, found, rest = stderr.partition(mark + b"\n")
    return rest if found else stderr


def end_group(group: int) -> str:
    """Shell text that ends a process group: TERM, then KILL after a second; exit 0 if ended."""
    return f"""\
kill -s TERM -- -{group} 2>/dev/null
i=0
while kill -s 0 -- -{group} 2>/dev/null && [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- -{group} 2>/dev/null
i=0
while kill -s 0 -- -{group} 2>/dev/null && [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done
! kill -s 0 -- -{group} 2>/dev/null
"""
