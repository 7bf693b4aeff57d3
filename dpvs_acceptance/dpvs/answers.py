"""How a command of DPVS's tools ended and what it printed, and what was to be expected of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command did. `command` as an engineer would type it, without paths."""

    command: str
    exit_status: int
    stdout: str
    stderr: str

    @property
    def words(self) -> str:
        """Everything that it printed: dpip shows some of its tables on stderr."""
        return (self.stdout + self.stderr).strip()

    @property
    def shown(self) -> str:
        """For a message: how it ended, and its first words."""
        said = self.words.splitlines()
        return f"exit {self.exit_status}, {said[0]!r}" if said else f"exit {self.exit_status}"


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ends: its status, and words in what it prints; no words: it prints nothing."""

    exit_status: int
    words: str = ""


DONE = Said(0)
"""As every command that changes something ends when it is well: without a word."""


def disagreement(answer: Answer, expected: Said) -> str:
    """What is wrong with `answer`, as one sentence; empty where it is as expected."""
    if answer.exit_status == expected.exit_status:
        if expected.words and expected.words in answer.words:
            return ""
        if not expected.words and not answer.words:
            return ""
    wanted = f"exit {expected.exit_status}"
    wanted += f", {expected.words!r}" if expected.words else ", without a word"
    return f"`{answer.command}`: expected {wanted}; seen {answer.shown}"
