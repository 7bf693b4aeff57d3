"""A cursor over the lines of one output, which cannot forget a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dpvs_acceptance.dpvs.errors import ParseError

# No counter of DPVS is wider than 64 bits; bounded, so that garbage cannot become a huge integer.
NUMBER = r"[0-9]{1,20}"
SIGNED = r"(?:-[1-9][0-9]{0,18}|[0-9]{1,20})"
MAC = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"


LONGEST = 4096
"""Characters of a line. No tool prints one as long; a pattern may take the square of its length."""


class Lines:
    """The lines of `text`, taken one after the other.

    Patterns are matched against the whole line without the white space around it: the amount of
    indentation and padding is layout, and a quoted output often lost it.
    """

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self._lines = text.split("\n")
        while self._lines and not self._lines[-1].strip():
            self._lines.pop()
        self._next = 0

    @property
    def current(self) -> str | None:
        """The line that comes next, as it is; None at the end."""
        return self._lines[self._next] if self._next < len(self._lines) else None

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._lines)

    def advance(self) -> str:
        """The next line, as it is; raises ParseError at the end."""
        line = self.current
        if line is None:
            raise self.error("one more line")
        self._next += 1
        return line

    def take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        """The next line, which must match; raises ParseError where it does not."""
        found = self.take_if(pattern)
        if found is None:
            raise self.error(expected)
        return found

    def take_if(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The next line where it matches; otherwise None, and the line is still there."""
        line = self.current
        if line is not None and len(line) > LONGEST:
            raise self.error(f"a line of at most {LONGEST} characters")
        found = pattern.fullmatch(line.strip()) if line is not None else None
        if found is not None:
            self._next += 1
        return found

    def skip_blank(self) -> None:
        """Past empty lines, where the format has them."""
        while (line := self.current) is not None and not line.strip():
            self._next += 1

    def take_rest(self) -> Iterator[tuple[int, str]]:
        """All lines that are left, each with its number. For long lists, where speed matters."""
        first = self._next
        self._next = len(self._lines)
        return enumerate(self._lines[first:], start=first + 1)

    def error_at(self, number: int, line: str, expected: str) -> ParseError:
        """About a line of take_rest()."""
        return ParseError(self.source, number, line, expected)

    def error(self, expected: str) -> ParseError:
        """About the line that comes next."""
        return ParseError(self.source, self._next + 1, self.current or "", expected)

    def previous_error(self, expected: str) -> ParseError:
        """About the line taken last: it has the right shape and a value that cannot be."""
        return ParseError(self.source, self._next, self._lines[self._next - 1], expected)
