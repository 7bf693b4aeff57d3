"""Tables of dpip: a line of column titles, followed by a line of values in the same columns.

Columns have a fixed width, and a long value touches the next one (a 64-bit counter in a column of
20), so values are split by column, not by spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dpvs_acceptance.dpvs.lines import Lines

INDENT = 4


@dataclass(frozen=True, slots=True)
class Table:
    """Titles of one table and the width of its columns.

    hexadecimal: columns with 0x... values; pushing: the column that may shift the following ones.
    """

    width: int
    titles: tuple[str, ...]
    hexadecimal: tuple[str, ...] = ()
    pushing: str | None = None


def read_table(lines: Lines, table: Table) -> tuple[str, ...] | None:
    """The values of `table`; None if the next line is not its title line."""
    current = lines.current
    if current is None or tuple(current.split()) != table.titles:
        return None
    lines.advance()
    cells = _cut(lines.current or "", table)
    if cells is None:
        raise lines.error(f"the values of {' '.join(table.titles)}")
    lines.advance()
    return cells


def read_numbers(lines: Lines, table: Table) -> tuple[int, ...] | None:
    """As read_table, for numbers."""
    cells = read_table(lines, table)
    if cells is None:
        return None
    numbers = tuple(
        _hexadecimal(cell) if title in table.hexadecimal else _decimal(cell)
        for title, cell in zip(table.titles, cells, strict=True)
    )
    known = tuple(number for number in numbers if number is not None)
    if len(known) != len(numbers):
        raise lines.previous_error(f"numbers under {' '.join(table.titles)}")
    return known


def _cut(line: str, table: Table) -> tuple[str, ...] | None:
    if line[:INDENT].strip() or not line.isascii():
        return None
    starts = [INDENT + table.width * index for index in range(len(table.titles) + 1)]
    if table.pushing is not None:
        # %-14lX holds 14 digits, but a 64-bit value has 16: the following columns shift right by up
        # to two. The position of the last column shows by how much.
        pushed = len(line.rstrip()) - len(line.split()[-1]) - starts[-2] if line.split() else 0
        if not 0 <= pushed <= 2:
            return None
        after = table.titles.index(table.pushing) + 1
        starts = [start + (pushed if at >= after else 0) for at, start in enumerate(starts)]
    if len(line.rstrip()) > starts[-1]:
        return None
    return tuple(line[a:b].rstrip() for a, b in pairwise(starts))


def _decimal(cell: str) -> int | None:
    return int(cell) if 0 < len(cell) <= 20 and not cell.strip("0123456789") else None


def _hexadecimal(cell: str) -> int | None:
    digits = cell.removeprefix("0x")
    known = len(cell) - len(digits) == 2 and 0 < len(digits) <= 16
    return int(digits, 16) if known and not digits.strip("0123456789ABCDEF") else None
