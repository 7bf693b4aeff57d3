"""The one error of all parsers in this package."""

from __future__ import annotations

REPORT = "the issue tracker of dpvs-acceptance"


class ParseError(Exception):
    """Output that a parser did not understand.

    source: the command or file that the text is from, e.g. `dpip -s link show`.
    line_number: from 1; one past the last line where more was expected.
    line: the line as it was, without its end; empty where the text ended.
    expected: what was looked for, in words.
    """

    advice = (
        "A line that is not known usually means another DPVS version than the ones this suite has "
        f"been taught: please report it in {REPORT}, with the whole output and `dpvs -v`."
    )

    def __init__(self, source: str, line_number: int, line: str, expected: str) -> None:
        super().__init__(source, line_number, line, expected)
        self.source = source
        self.line_number = line_number
        self.line = line
        self.expected = expected

    def __str__(self) -> str:
        shown = self.line if len(self.line) <= 200 else self.line[:200] + "..."
        seen = f"cannot read {shown!r}" if self.line else "nothing there"
        return (
            f"{self.source}, line {self.line_number}: {seen}; expected {self.expected}. "
            f"{self.advice}"
        )
