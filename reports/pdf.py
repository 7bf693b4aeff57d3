"""The same content on A4, by ReportLab: pure Python, no browser, nothing but a library needed.

Chinese is set in STSong-Light, one of the fonts of every PDF reader's Asian set: it is named in the
file, not embedded, so that no font of many megabytes has to come along. Poppler needs its data for
that (`poppler-data`), Acrobat its Asian font pack; browsers have both.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Circle, Drawing, Polygon, Rect, String
from reportlab.graphics.shapes import Line as PdfLine
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.platypus import (
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from reports.drawing import MONO, Box, Dot, Line, Picture, Words, arrow_head
from reports.page import Badge, Check, Group, Page, Prose, Requirement

CHINESE = "STSong-Light"
_MARGIN = 15 * mm
_ROOM = A4[0] - 2 * _MARGIN
_COLOURS = {
    "ink": "#000000",
    "soft": "#444444",
    "line": "#bbbbbb",
    "pass": "#1a7f37",
    "fail": "#c11f2e",
    "flaky": "#8a5a00",
    "blocked": "#7a3ea8",
    "skipped": "#555555",
    "accent": "#0b5cad",
}
_LONGEST = 6_000
"""Characters of one message; the page has all of it."""

# What the standard fonts have: WinAnsi. All else is set in Chinese, or shown as an escape.
_LATIN = re.compile(r"[\x20-\x7e\xa0-\xff–—‘’“”…•€\n]+")


def make_pdf(page: Page) -> bytes:
    """The document; the same page always gives the same bytes."""
    registerFont(UnicodeCIDFont(CHINESE))
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=_plain(page.title),
        author="dpvs-acceptance",
        invariant=1,
        lang="zh-CN" if page.language == "zh" else "en",
    )

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont("Helvetica", 7.5)
        canvas.setFillColor(colors.HexColor(_COLOURS["soft"]))
        canvas.drawString(_MARGIN, 8 * mm, f"DPVS acceptance  {_plain(page.run)}")
        canvas.drawRightString(A4[0] - _MARGIN, 8 * mm, str(canvas.getPageNumber()))

    document.build(list(_story(page)), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _style(name: str, size: float = 9, **more: Any) -> ParagraphStyle:
    base = {"fontName": "Helvetica", "fontSize": size, "leading": size * 1.35, "wordWrap": "CJK"}
    return ParagraphStyle(name, **{**base, **more})


_BODY = _style("body", wordWrap=None, splitLongWords=1)
_CELL = _style("cell", 8, wordWrap=None, splitLongWords=1)
_BODY_ZH = _style("body-zh")
_CELL_ZH = _style("cell-zh", 8)
_MONO = _style(
    "mono", 7.5, fontName="Courier", backColor=colors.HexColor("#f4f6f8"), borderPadding=3
)
_H1 = _style("h1", 15, spaceBefore=14, spaceAfter=4, keepWithNext=1)
_H2 = _style("h2", 11, spaceBefore=8, spaceAfter=3, keepWithNext=1)


def _story(page: Page) -> Iterator[Any]:
    say = page.say
    colour = _COLOURS[page.verdict.shape]
    head = _text(page.verdict.text, _style("verdict", 22, textColor=colour, leading=28))
    box = Table([[head]], colWidths=[_ROOM])
    box.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 1.5, colors.HexColor(colour))]))
    yield _text(f"{say('DPVS acceptance')}  {page.run}", _style("top", 9))
    yield Spacer(1, 6)
    yield box
    yield Spacer(1, 4)
    yield from (_text("• " + reason, _BODY) for reason in page.reasons)
    yield Spacer(1, 6)
    if page.fault:
        told = "A fault was injected: this run tells about the checks, not about the device"
        yield _text(f"{say(told)}: {page.fault}", _BODY)
    if page.simulated:
        yield _text(say("The device is simulated. This report signs nothing off."), _BODY)
    counts = ", ".join(f"{badge.text} {number}" for badge, number in page.counts)
    yield _text(f"{say('Requirements')}: {counts}", _BODY)
    yield from _device(page)
    if page.topology is not None:
        yield KeepTogether([_text(say("Topology"), _H1), _drawn(page.topology)])
    yield _text(say("Requirements"), _H1)
    for group in page.groups:
        yield from _group(group, page)
    yield from _waivers(page)
    for title, found in (
        ("What failed", page.failed),
        ("What this run does not show", page.not_shown),
    ):
        if found:
            yield _text(say(title), _H1)
            for row in found:
                yield from _in_full(row, page)
    for check in page.others:
        yield _text(say("Of no requirement"), _H2)
        yield from _check(check, page)
    for heading, pictures in page.pictures:
        yield KeepTogether([_text(heading, _H1), *map(_drawn, pictures)])
    yield _signature(page)
    yield from _again(page)


def _device(page: Page) -> Iterator[Any]:
    say = page.say
    yield _text(say("Device under test"), _H1)
    rows = [[_text(name, _CELL), _text(value, _CELL)] for name, value in page.facts]
    yield Table(
        rows,
        colWidths=[35 * mm, _ROOM - 35 * mm],
        style=[("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)],
    )
    if page.nics:
        heads = ("NIC", "MAC", "PCI address", "Link", "Port", "Model", "Driver", "NUMA node")
        cells = [
            (n.name, n.mac, n.pci, n.link, n.port, n.model, n.driver, _number(n.numa_node))
            for n in page.nics
        ]
        shares = (7, 18, 14, 6, 8, 11, 26, 8)
        yield Spacer(1, 6)
        yield _grid([say(head) for head in heads], cells, shares)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _group(group: Group, page: Page) -> Iterator[Any]:
    say = page.say
    if group.title:
        yield _text(group.title, _H2)
    if group.requirements:
        yield _requirements(group, page)
    if group.unchecked:
        words = f"{say('NOT TESTED')}: {len(group.unchecked)} {say('rows')}"
        yield _text(f"{words}. {say('Not checked: these decide nothing')}", _H2)
        yield _unchecked(group, page)


def _unchecked(group: Group, page: Page) -> Table:
    heads = ("Id", "Priority", "What must hold", "Needs")
    rows: list[list[Any]] = [[_bold(page.say(head)) for head in heads]]
    rows += [
        [
            _text(one.id, _CELL),
            _text(one.priority, _CELL),
            _prose(one.statement, _CELL),
            _text(one.needs, _CELL),
        ]
        for one in group.unchecked
    ]
    return _table(rows, (9, 8, 62, 21))


def _requirements(group: Group, page: Page) -> Table:
    say = page.say
    heads = ("Id", "Priority", "Outcome", "What must hold", "Source", "Time")
    rows: list[list[Any]] = [[_bold(say(head)) for head in heads]]
    for row in group.requirements:
        statement: list[Any] = [_prose(row.statement, _CELL)]
        soft = _style("soft", 7.5, textColor=_COLOURS["soft"])
        statement += [_text(words, soft) for words in (row.remark, row.known) if words]
        outcome = [_badge(row.badge)]
        if row.waived:
            outcome.append(_text(say("waived"), _CELL))
        rows.append(
            [
                _text(row.id, _CELL),
                _text(row.priority, _CELL),
                outcome,
                statement,
                _text(row.source, _CELL),
                _text(row.seconds, _CELL),
            ]
        )
    shares = (8, 8, 16, 48, 12, 10)
    return _table(rows, shares)


def _waivers(page: Page) -> Iterator[Any]:
    if page.waivers:
        say = page.say
        yield _text(say("Waivers"), _H1)
        heads = ("Id", "State", "Reason", "Owner", "Issue", "Expires")
        cells = [
            (w.requirement, say(w.state), w.reason, w.owner, w.issue, str(w.expires))
            for w in page.waivers
        ]
        yield _grid([say(head) for head in heads], cells, (8, 10, 40, 15, 15, 12))


def _in_full(row: Requirement, page: Page) -> Iterator[Any]:
    head = f"{row.id}  {row.badge.text}  ({row.priority}, {row.source})"
    yield _text(head, _H2)
    yield _prose(row.statement, _BODY)
    if row.badge.shape != "skipped":
        yield _prose(((False, page.say("Look at") + ": "), *row.hint), _BODY)
    elif not row.checks:
        yield _text(row.remark, _BODY)
    for check in row.checks:
        if not check.is_pass:
            yield from _check(check, page)


def _check(check: Check, page: Page) -> Iterator[Any]:
    say = page.say
    cells: list[tuple[str, ...]]
    yield Spacer(1, 3)
    yield _text(f"{check.badge.text}  {check.nodeid}  {check.seconds}", _CELL)
    if check.sides:
        cells = [
            (_cut(side.what), _cut(side.expected), _cut(side.seen)) for side in check.sides[:20]
        ]
        yield _grid(["", say("Expected"), say("Seen")], cells, (30, 35, 35))
    if check.message:
        yield Spacer(1, 3)
        yield from _block(check.message)
    if check.probe:
        yield _text(say("What the probe said"), _CELL)
        yield from _block(check.probe)
    ladder = check.ladder or next((t.ladder for t in check.attempts if t.ladder), None)
    if ladder is not None:
        yield KeepTogether([_text(say("Packets, as captured"), _CELL), _drawn(ladder.picture)])
    if check.commands:
        heads = ["#", say("Host"), say("Command"), say("Exit")]
        cells = [
            (
                str(c.number),
                c.host,
                _cut(c.command),
                "–" if c.exit_status is None else str(c.exit_status),
            )
            for c in check.commands
        ]
        yield _grid(heads, cells, (6, 12, 74, 8))
    for found in check.evidence:
        yield _text(found.text, _style("path", 7, textColor=_COLOURS["soft"]))


def _cut(text: str) -> str:
    """As much as a cell may hold: a row has to fit on a page. The whole stands below it."""
    lines = text[:600].splitlines()
    return "\n".join(lines[:12]) + ("\n…" if len(lines) > 12 or len(text) > 600 else "")


def _signature(page: Page) -> Any:
    say = page.say
    heads = ("", "Name", "Role", "Date", "Remarks", "Signature")
    rows: list[list[Any]] = [[_bold(say(head)) for head in heads]]
    rows += [[_text(say(who), _CELL)] + [""] * 5 for who in ("Tested by", "Released by")]
    table = Table(
        rows,
        colWidths=[_ROOM * s / 100 for s in (14, 18, 14, 12, 24, 18)],
        rowHeights=[None, 40, 40],
    )
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.HexColor(_COLOURS["soft"]))]
    table.setStyle(TableStyle(grid))
    return KeepTogether([_text(say("Sign-off"), _H1), table])


def _again(page: Page) -> Iterator[Any]:
    say = page.say
    yield _text(say("How to reproduce"), _H1)
    if page.command:
        yield _text(f"{say('In a clone of the suite at this commit')} ({page.commit}):", _BODY)
        yield from _block(page.command)
    yield _text(say("Check that nothing was altered, and judge again"), _BODY)
    yield from _block(f"python -m dpvs_acceptance verify reports/runs/{page.run}")
    if page.manifest:
        yield _text(f"{say('SHA-256 of the manifest')}: {page.manifest}", _CELL)


def _grid(heads: list[str], cells: Any, shares: tuple[int, ...]) -> Table:
    rows: list[list[Any]] = [[_bold(head) for head in heads]]
    rows += [[_text(cell, _CELL) for cell in row] for row in cells]
    return _table(rows, shares)


def _table(rows: list[list[Any]], shares: tuple[int, ...]) -> Table:
    table = Table(rows, colWidths=[_ROOM * share / sum(shares) for share in shares], repeatRows=1)
    line = colors.HexColor(_COLOURS["line"])
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


def _block(text: str) -> Iterator[Any]:
    """Text as it stands, in pieces that fit on a page."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + f" […{len(text) - _LONGEST} more characters]"
    lines = [piece for line in text.splitlines() for piece in _pieces(line, 105)]
    for start in range(0, len(lines), 40):
        body = "<br/>".join(_marked(line, blanks=True) for line in lines[start : start + 40])
        yield Paragraph(body, _MONO)
        yield Spacer(1, 5)


def _pieces(line: str, width: int) -> list[str]:
    line = line.replace("\t", "    ")
    return [line[at : at + width] for at in range(0, max(len(line), 1), width)]


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph("<br/>".join(map(_marked, text.splitlines() or [""])), _for(text, style))


def _bold(text: str) -> Paragraph:
    return Paragraph(
        f"<b>{_marked(text)}</b>" if text.isascii() else _marked(text), _for(text, _CELL)
    )


def _badge(badge: Badge) -> Paragraph:
    style = _style("badge", 7.5, textColor=_COLOURS[badge.shape])
    body = _marked(badge.text)
    return Paragraph(f"<b>{body}</b>" if badge.text.isascii() else body, style)


def _prose(pieces: Prose, style: ParagraphStyle) -> Paragraph:
    body = "".join(
        f'<font face="Courier">{_marked(text)}</font>' if code and text.isascii() else _marked(text)
        for code, text in pieces
    )
    return Paragraph(body, _for("".join(text for _, text in pieces), style))


def _for(text: str, style: ParagraphStyle) -> ParagraphStyle:
    """Chinese has no blanks to break a line at."""
    if text.isascii():
        return style
    return {_BODY.name: _BODY_ZH, _CELL.name: _CELL_ZH}.get(style.name, style)


def _marked(text: str, blanks: bool = False) -> str:
    """Escaped, each run of characters in a font that has them."""
    parts = []
    at = 0
    for found in _LATIN.finditer(text):
        parts.append(_chinese(text[at : found.start()]))
        parts.append(escape(found.group()))
        at = found.end()
    parts.append(_chinese(text[at:]))
    body = "".join(parts)
    return body.replace(" ", "\xa0") if blanks and "<" not in body else body


def _chinese(text: str) -> str:
    if not text:
        return ""
    shown = "".join(c if _in_gb(c) else f"\\u{ord(c):04x}" for c in text)
    return f'<font face="{CHINESE}">{escape(shown)}</font>'


def _in_gb(character: str) -> bool:
    """Whether the Chinese font has a glyph for it; it is made for this character set."""
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def _plain(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def _drawn(picture: Picture) -> Drawing:
    """The picture, as wide as the page has room."""
    scale = min(_ROOM / picture.width, (A4[1] - 2 * _MARGIN - 60) / picture.height)
    drawing = Drawing(picture.width * scale, picture.height * scale)
    drawing.scale(scale, scale)
    top = picture.height
    for shape in picture.shapes:
        colour = colors.HexColor(_COLOURS[shape.colour])
        match shape:
            case Line():
                drawing.add(
                    PdfLine(
                        shape.x1,
                        top - shape.y1,
                        shape.x2,
                        top - shape.y2,
                        strokeColor=colour,
                        strokeWidth=shape.width,
                        strokeDashArray=[4, 3] if shape.dashed else None,
                    )
                )
                if shape.arrow:
                    points = [n for x, y in arrow_head(shape) for n in (x, top - y)]
                    drawing.add(Polygon(points, fillColor=colour, strokeColor=None))
            case Box():
                fill = colors.HexColor(_COLOURS[shape.colour]).clone(alpha=shape.filled)
                drawing.add(
                    Rect(
                        shape.x,
                        top - shape.y - shape.height,
                        shape.width,
                        shape.height,
                        fillColor=fill if shape.filled else None,
                        strokeColor=colour if shape.outline else None,
                        strokeWidth=1 if shape.outline else 0,
                    )
                )
            case Dot():
                drawing.add(
                    Circle(shape.x, top - shape.y, shape.radius, fillColor=colour, strokeColor=None)
                )
            case Words():
                drawing.add(_words(shape, top, colour))
    return drawing


def _words(shape: Words, top: float, colour: Any) -> String:
    text = shape.text
    if _LATIN.fullmatch(text):
        font = ("Courier" if shape.font == MONO else "Helvetica") + ("-Bold" if shape.bold else "")
    else:
        font = CHINESE
        text = "".join(c if _in_gb(c) else "?" for c in text)
    size = shape.size
    anchor = shape.anchor
    return String(
        shape.x,
        top - shape.y,
        text,
        fontName=font,
        fontSize=size,
        fillColor=colour,
        textAnchor=anchor,
    )
