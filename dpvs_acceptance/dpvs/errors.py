"""The error of all parsers in this package."""

from __future__ import annotations

REPORT = "the issue tracker of dpvs-acceptance"


class ParseError(Exception):
    """Output that a parser cannot read.

    source: the command or file, such as `dpip -s link show`.
    line_number: from 1; one past the last line if the text ended too early.
    line: the line without line end; empty if the text ended too early.
    expected: description of the expected text.
    """

    advice = (
        "An unknown line usually means a DPVS version that this suite does not support yet: "
        f"please report it in {REPORT}, with the complete output and `dpvs -v`."
    )

    def __init__(self, source: str, line_number: int, line: str, expected: str) -> None:
        super().__init__(source, line_number, line, expected)
        self.source = source
        self.line_number = line_number
        self.line = line
        self.expected = expected

    def __str__(self) -> str:
        shown = self.line if len(self.line) <= 200 else self.line[:200] + "..."
        seen = f"cannot read {shown!r}" if self.line else "end of output"
        return (
            f"{self.source}, line {self.line_number}: {seen}; expected {self.expected}. "
            f"{self.advice}"
        )
