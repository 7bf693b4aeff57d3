"""A cursor over the lines of one output, so that no line is skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dpvs_acceptance.dpvs.errors import ParseError

# Counters of DPVS have at most 64 bits; the bound keeps garbage from becoming a huge integer.
NUMBER = r"[0-9]{1,20}"
SIGNED = r"(?:-[1-9][0-9]{0,18}|[0-9]{1,20})"
MAC = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"


LONGEST = 4096
"""Characters of a line. No tool prints one as long; a pattern may take the square of its length."""


class Lines:
    """The lines of `text`, read one after another.

    Patterns must match the whole line without surrounding white space: indentation and padding are
    layout, and often missing in quoted output.
    """

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self._lines = text.split("\n")
        while self._lines and not self._lines[-1].strip():
            self._lines.pop()
        self._next = 0

    @property
    def current(self) -> str | None:
        """The next line without consuming it; None at the end."""
        return self._lines[self._next] if self._next < len(self._lines) else None

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._lines)

    def advance(self) -> str:
        """The next line; raises ParseError at the end."""
        line = self.current
        if line is None:
            raise self.error("another line")
        self._next += 1
        return line

    def take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        """The next line, which must match; otherwise raises ParseError."""
        found = self.take_if(pattern)
        if found is None:
            raise self.error(expected)
        return found

    def take_if(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The next line if it matches; otherwise None, without consuming it."""
        line = self.current
        if line is not None and len(line) > LONGEST:
            raise self.error(f"a line of at most {LONGEST} characters")
        found = pattern.fullmatch(line.strip()) if line is not None else None
        if found is not None:
            self._next += 1
        return found

    def skip_blank(self) -> None:
        """Skip empty lines."""
        while (line := self.current) is not None and not line.strip():
            self._next += 1

    def take_rest(self) -> Iterator[tuple[int, str]]:
        """All remaining lines with their numbers; faster for long lists."""
        first = self._next
        self._next = len(self._lines)
        return enumerate(self._lines[first:], start=first + 1)

    def error_at(self, number: int, line: str, expected: str) -> ParseError:
        """The error for a line of take_rest()."""
        return ParseError(self.source, number, line, expected)

    def error(self, expected: str) -> ParseError:
        """The error for the next line."""
        return ParseError(self.source, self._next + 1, self.current or "", expected)

    def previous_error(self, expected: str) -> ParseError:
        """The error for the line read last, whose format is correct but not its value."""
        return ParseError(self.source, self._next, self._lines[self._next - 1], expected)
