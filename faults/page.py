"""The fault matrix as a page: a picture of faults × requirements, and a row for each fault."""

from __future__ import annotations

from collections import Counter
from html import escape

from faults.matrix import Cell, Fate, Matrix, Row
from faults.model import GENERATED

_COLOURS = {
    Cell.CAUGHT: "#2e7d32",
    Cell.MENDED: "#1565c0",
    Cell.ALONG: "#a5d6a7",
    Cell.MISSED: "#ef6c00",
    Cell.FALSE_ALARM: "#c62828",
    Cell.GREEN: "#eceff1",
    Cell.NOT_LOOKED: "#ffffff",
}
_SIZE = 13
_LEFT = 230
_TOP = 50
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;max-width:76rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top}code{font-size:12px}.bad{color:#c62828}.dim{color:#777}
svg text{font:10px system-ui,sans-serif}.key i{display:inline-block;width:12px;height:12px;
margin:0 .3rem 0 1rem;border:1px solid #999}
"""


def render(matrix: Matrix) -> str:
    """One self-contained HTML page."""
    survivors = [row for row in matrix.rows if row.fate is not Fate.KILLED]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Faults × requirements</title>",
        f"<style>{_STYLE}</style><h1>Fault matrix</h1>",
        f"<p>{escape(matrix.device)}, {escape(matrix.started)}. {escape(matrix.words())}.</p>",
        _key(),
        picture(matrix),
        _shares(matrix),
        _list("Red without a fault", [f"{c.check}: {c.message}" for c in matrix.control]),
        _list(
            "Red without a fault: known defects of this version",
            [f"{c.check}: {c.message}" for c in matrix.known],
        ),
        _list("Survived, or not made", [f"{r.fault}: {r.reason}" for r in survivors]),
        _list(
            "False alarms",
            [f"{row.fault}: {one.check}: {one.message}" for row, one in matrix.false_alarms],
        ),
        _list("Expected red, stayed green", [f"{r.fault}: {one}" for r, one in matrix.missed]),
        _list("Checks that no fault turned red", list(matrix.idle)),
        "<h2>Every fault</h2><table><tr><th>Fault<th>What is broken<th>Source<th>Detected by",
        *(_row(row) for row in matrix.rows),
        "</table></html>",
    ]
    return "\n".join(part for part in parts if part)


def picture(matrix: Matrix) -> str:
    """An SVG: a line per fault, a column per requirement."""
    width = _LEFT + _SIZE * len(matrix.requirements) + 10
    height = _TOP + _SIZE * len(matrix.rows) + 10
    out = [f'<svg width="{width}" height="{height}" role="img" aria-label="faults by requirement">']
    for column, requirement in enumerate(matrix.requirements):
        x = _LEFT + column * _SIZE + 9
        out.append(f'<text transform="translate({x},{_TOP - 5}) rotate(-60)">{requirement}</text>')
    for line, row in enumerate(matrix.rows):
        y = _TOP + line * _SIZE
        colour = "#222" if row.fate is Fate.KILLED else "#c62828"
        out.append(
            f'<text x="{_LEFT - 6}" y="{y + 10}" text-anchor="end" fill="{colour}">'
            f"{escape(row.fault)}</text>"
        )
        for column, requirement in enumerate(matrix.requirements):
            cell = row.cells.get(requirement, Cell.NOT_LOOKED)
            if cell is Cell.NOT_LOOKED:
                continue  # the page's own white
            out.append(
                f'<rect x="{_LEFT + column * _SIZE}" y="{y}" width="{_SIZE - 1}" '
                f'height="{_SIZE - 1}" fill="{_COLOURS[cell]}">'
                f"<title>{escape(row.fault)}, {requirement}: {cell}</title></rect>"
            )
    return "".join(out) + "</svg>"


def _shares(matrix: Matrix) -> str:
    """Of generated faults: which requirements killed them, and the fates of each deed."""
    rows = [row for row in matrix.rows if row.source.startswith(GENERATED)]
    if not rows:
        return ""
    by = Counter(_killer(row) for row in rows if row.caught)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.source.removeprefix(GENERATED), []).append(row)
    fates = (Fate.KILLED, Fate.BY_ANOTHER, Fate.SURVIVED, Fate.BROKEN, Fate.IMPOSSIBLE)
    lines = [
        f"<tr><td>{escape(name)}<td>{len(some)}"
        + "".join(f"<td>{sum(row.fate is fate for row in some)}" for fate in fates)
        for name, some in groups.items()
    ]
    return (
        _list("Killed by requirement", [f"{name}: {number}" for name, number in by.most_common()])
        + "<h2>Generated faults by deed</h2><table><tr><th>Deed<th>Faults"
        + "".join(f"<th>{fate}" for fate in fates)
        + "".join(lines)
        + "</table>"
    )


def _killer(row: Row) -> str:
    """The requirement that a killed fault turned red first; one of those meant, where it was."""
    first = row.caught[0].requirements
    return next((one for one in first if row.cells.get(one) is Cell.CAUGHT), first[0])


def _key() -> str:
    entries = (f'<i style="background:{colour}"></i>{cell}' for cell, colour in _COLOURS.items())
    return f'<p class="key">{"".join(entries)}</p>'


def _list(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    return f"<h2>{title}</h2><ul>" + "".join(f"<li>{escape(x)}</li>" for x in lines) + "</ul>"


def _row(row: Row) -> str:
    detected = [
        f"<b>{' '.join(one.requirements)}</b> <code>{escape(one.check.split('::', 1)[-1])}</code> "
        f"{escape(one.message)}"
        for one in row.caught
    ]
    detected += [
        f'<span class="bad">{escape(x)}</span>' for x in (row.reason, row.note, *row.errors) if x
    ]
    bad = "" if row.fate is Fate.KILLED else ' class="bad"'
    return (
        f"<tr><td{bad}>{escape(row.fault)}<br><span class=dim>{row.fate}, {row.kind}, "
        f"{row.checks} checks, {row.seconds} s</span><td>{escape(row.breaks)}"
        f"<td>{escape(row.source)}<td>{'<br>'.join(detected)}"
    )
