"""Exit status and output of a command of DPVS's tools, and the expected ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one command. `command`: as typed, without paths."""

    command: str
    exit_status: int
    stdout: str
    stderr: str

    @property
    def words(self) -> str:
        """stdout and stderr: dpip prints some tables to stderr."""
        return (self.stdout + self.stderr).strip()

    @property
    def shown(self) -> str:
        """For messages: exit status and first line."""
        said = self.words.splitlines()
        return f"exit {self.exit_status}, {said[0]!r}" if said else f"exit {self.exit_status}"


@dataclass(frozen=True, slots=True)
class Said:
    """The expected exit status, and text in the output; no text: no output expected."""

    exit_status: int
    words: str = ""


DONE = Said(0)
"""A successful change: exit status 0 and no output."""


def disagreement(answer: Answer, expected: Said) -> str:
    """How `answer` differs from the expectation, as one sentence; empty if it does not."""
    if answer.exit_status == expected.exit_status:
        if expected.words and expected.words in answer.words:
            return ""
        if not expected.words and not answer.words:
            return ""
    wanted = f"exit {expected.exit_status}"
    wanted += f", {expected.words!r}" if expected.words else ", without a word"
    return f"`{answer.command}`: expected {wanted}; seen {answer.shown}"
