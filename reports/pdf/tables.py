"""Tables, and blocks of text that go on over pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reportlab.lib import colors
from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

from reports.pdf.setting import CELL, COLOURS, MONO, ROOM, bold, marked, text_of

_LONGEST = 6_000
"""Characters of one message; the page has all of it."""


def block(text: str) -> Iterator[Any]:
    """Text as it stands, in pieces that fit on a page."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + f" […{len(text) - _LONGEST} more characters]"
    lines = [piece for line in text.splitlines() for piece in _pieces(line, 105)]
    for start in range(0, len(lines), 40):
        body = "<br/>".join(marked(line, blanks=True) for line in lines[start : start + 40])
        yield Paragraph(body, MONO)
        yield Spacer(1, 5)


def _pieces(line: str, width: int) -> list[str]:
    line = line.replace("\t", "    ")
    return [line[at : at + width] for at in range(0, max(len(line), 1), width)]


def grid(heads: list[str], cells: Any, shares: tuple[int, ...]) -> Table:
    rows: list[list[Any]] = [[bold(head) for head in heads]]
    rows += [[text_of(cell, CELL) for cell in row] for row in cells]
    return table_of(rows, shares)


def table_of(rows: list[list[Any]], shares: tuple[int, ...]) -> Table:
    table = Table(rows, colWidths=[ROOM * share / sum(shares) for share in shares], repeatRows=1)
    line = colors.HexColor(COLOURS["line"])
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, line),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ]
        )
    )
    return table
