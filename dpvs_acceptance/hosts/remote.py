"""How a command is carried to a host: one constant command line, everything else on its stdin.

The account's login shell may be anything, so all it gets to read is one line of plain words and one
single-quoted word, in which no shell finds anything to expand. That line starts /bin/sh, which
takes the length of a prologue from stdin, evaluates the prologue, and that ends in evaluating the
command, again read from stdin. What is left on stdin is the command's own. So no command ever
shows in the host's process list or in an sshd log, and its length is not limited.

What the host needs: a POSIX /bin/sh and coreutils (`head`, and `timeout` if it is to end a command
by itself).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

_BOOT = """/bin/sh -c 'IFS= read -r n; eval "$(head -c "$n")"'"""
LOGIN_COMMAND = f"exec {_BOOT}"
SUDO_COMMAND = f"exec sudo -n -- {_BOOT}"

# After the polite signal a command has this long before the one it cannot refuse.
KILL_AFTER = 2

# The account's rc files may have printed something: what counts starts behind the mark, on both
# streams. Its number is the process group, by which the command is ended from outside.
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
    """One command, packed: what the channel executes, and what has to be written to its stdin."""

    mark: bytes
    login_command: str
    stdin: bytes


@dataclass(frozen=True, slots=True)
class Preamble:
    """What came before the command's own output. `group` is its process group on the host."""

    group: int
    noise: bytes


def pack(command: str, *, timeout: float | None, stdin: bytes, sudo: bool) -> Parcel:
    """Pack `command`, sh text. With `timeout` (seconds) the host itself ends it after that time.

    ValueError on NUL, which sh text cannot hold.
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
    """Preamble and the command's own output; None as long as the mark has not come in full."""
    start = stdout.find(mark + b" ")
    end = stdout.find(b"\n", start)
    if start < 0 or end < 0:
        return None
    group = int(stdout[start + len(mark) + 1 : end])
    return Preamble(group=group, noise=stdout[:start]), stdout[end + 1 :]


def strip_mark(mark: bytes, stderr: bytes) -> bytes:
    """What the command itself wrote to stderr."""
    _, found, rest = stderr.partition(mark + b"\n")
    return rest if found else stderr


def end_group(group: int) -> str:
    """Sh text that ends a process group: asked first, killed after a second; exit 0 when gone."""
    return f"""\
kill -s TERM -- -{group} 2>/dev/null
i=0
while kill -s 0 -- -{group} 2>/dev/null && [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- -{group} 2>/dev/null
i=0
while kill -s 0 -- -{group} 2>/dev/null && [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done
! kill -s 0 -- -{group} 2>/dev/null
"""
