"""Probes whether a tool of DPVS lacks an option or an object.

The message of a failed command proves nothing, because a broken device may print it for any
command. So two more commands, which change nothing, are run: a listing that must work, and the same
listing with the option in question. The tool lacks the option only if the first works and its
option parser refuses the second.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from dpvs_acceptance.dpvs.answers import Answer

# popt in ipvsadm, getopt_long in dpip, and dpip's message for unknown objects.
_OPTION = re.compile(r"^(--?[A-Za-z0-9][\w-]*): unknown option$", re.M)
_UNRECOGNIZED = re.compile(r"unrecognized option '(--?[\w-]+)'")
_OBJECT = re.compile(r"^dpip: invalid object, use `-h' for help\.$", re.M)
_TRY = re.compile(r"^Try `ipvsadm -h'", re.M)
_LISTING = {"ipvsadm": ("-ln",), "dpip": ("link", "show")}


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A possibly missing option or object. Commands are lists of words without paths."""

    command: tuple[str, ...]
    """The command that failed."""
    word: str
    """The option, or the object of dpip."""
    said: str
    """The error message of the tool."""

    @property
    def control(self) -> tuple[str, ...]:
        """A read-only command that works with every version of the tool."""
        tool = self.command[0]
        return (tool, *_LISTING[tool])

    @property
    def question(self) -> tuple[str, ...]:
        """A read-only command with only this option or object."""
        tool = self.command[0]
        if tool == "dpip" and not self.word.startswith("-"):
            return tool, self.word, "help"
        if tool == "dpip":
            return tool, self.word, *_LISTING[tool]
        return (*self.control, self.word)


def suspect(command: tuple[str, ...], said: str) -> Suspicion | None:
    """What the tool lacks according to a failed command's output, or None."""
    tool, words = command[0], command[1:]
    if tool not in _LISTING:
        return None
    for pattern in (_OPTION, _UNRECOGNIZED):
        if (found := pattern.search(said)) is not None:
            has = any(word == found[1] or word.startswith(f"{found[1]}=") for word in words)
            return Suspicion(command, found[1], found[0]) if has else None
    if tool == "ipvsadm" and words and (found := _TRY.search(said)) is not None:
        return Suspicion(command, words[0], said.strip().splitlines()[0])
    if tool == "dpip" and (found := _OBJECT.search(said)) is not None:
        named = [word for word in words if not word.startswith("-")]
        return Suspicion(command, named[0], found[0]) if named else None
    return None


def lacking(suspicion: Suspicion, control: Answer, asked: Answer) -> str:
    """The result of the probe as text if the tool lacks it, otherwise empty."""
    again = suspect(suspicion.question, asked.words)
    if control.exit_status or not control.words or asked.exit_status == 0:
        return ""
    if again is None or again.word != suspicion.word:
        return ""
    failed = shlex.join(suspicion.command)
    return (
        f"`{failed}`: {suspicion.said}\n"
        f"probed: `{asked.command}`: {again.said}, while `{control.command}` works"
    )


def script_suspicion(script: str, said: str) -> Suspicion | None:
    """The same for shell text with several commands: the first one with the refused option."""
    for text in re.split(r"&&|\|\||[;{}\n]", script):
        try:
            words = shlex.split(text)
        except ValueError:
            continue
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        if not words:
            continue
        # The tool's name without its path, which is in the bench.
        command = (words[0].rsplit("/", 1)[-1], *words[1:])
        if (found := suspect(command, said)) is not None:
            return found
    return None
