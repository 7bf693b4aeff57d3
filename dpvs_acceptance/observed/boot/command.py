"""One command of a script, and what its words alone say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from dpvs_acceptance.observed.boot.effects import Origin

MOST_COMMANDS = 5000
"""Of one script; what comes behind them is not read."""
_WRAPPERS = re.compile(r"(?:.*/)?(nohup|setsid|nice|ionice|chrt|taskset|numactl|timeout|stdbuf|env"
                       r"|time|sudo|runuser|command|builtin|logger|systemd-cat)$")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command.

    words: its name and arguments, with UNKNOWN for what only the running script knows.
    writes: files that its output goes to. piped: what is written into it, where that is known.
    maybe: it stands behind a condition of the machine. shell: the shells that run it within the
    script's own, which is none; a limit holds in its shell and those within. why: why it is never
    reached, empty where it is; instead: what to write then.
    """

    words: tuple[str, ...]
    origin: Origin
    writes: tuple[str, ...] = ()
    piped: str = ""
    maybe: bool = False
    shell: tuple[int, ...] = ()
    background: bool = False
    why: str = ""
    instead: str = ""


Lookup = Callable[[str], str | None]
"""The text of a script by its path, None where it is not known or cannot be run."""


STATUS = {"true": 0, ":": 0, "false": 1}
# Commands that ask the machine something: only it knows the answer.
_WORDS = (
    "grep egrep fgrep lsmod pgrep pidof systemctl test cmp diff which command type mountpoint "
    "findmnt ping ip dpip ipvsadm curl read awk sed expr ["
)
ASKS = frozenset(_WORDS.split())


def unwrapped(words: list[str]) -> list[str]:
    """The command behind `nohup`, `setsid`, `taskset -c 0` and their like."""
    while len(words) > 1 and (found := _WRAPPERS.match(words[0])):
        rest = words[1:]
        while rest and (rest[0].startswith("-") or "=" in rest[0]):
            takes = rest[0] in ("-c", "-n", "-u", "-N", "-m", "-p", "-t", "-o", "-e", "-i")
            rest = rest[2:] if takes and found[1] != "command" else rest[1:]
        if found[1] in ("timeout",) and rest:
            rest = rest[1:]
        if found[1] in ("taskset",) and rest and re.fullmatch(r"(0x)?[0-9a-f,-]+", rest[0]):
            rest = rest[1:]
        words = rest
    return words


def said(words: tuple[str, ...]) -> str:
    """What `echo` and `printf` print."""
    if words and words[0] in ("echo", "printf"):
        return " ".join(word for word in words[1:] if word not in ("-n", "-e", "%s\\n", "%s"))
    return ""


def line_of(node: Node) -> int:
    return node.start_point[0] + 1


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
