"""How text is set on A4: fonts, styles, what is escaped.

Chinese is set in STSong-Light, one of the fonts of every PDF reader's Asian set: it is named in the
file, not embedded, so that no font of many megabytes has to come along. Poppler needs its data for
that (`poppler-data`), Acrobat its Asian font pack; browsers have both.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph

from reports.pieces import Badge, Prose

CHINESE = "STSong-Light"

MARGIN = 15 * mm

ROOM = A4[0] - 2 * MARGIN

COLOURS = {
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

# What the standard fonts have: WinAnsi. All else is set in Chinese, or shown as an escape.
LATIN = re.compile(r"[\x20-\x7e\xa0-\xff–—‘’“”…•€\n]+")


def make_style(name: str, size: float = 9, **more: Any) -> ParagraphStyle:
    base = {"fontName": "Helvetica", "fontSize": size, "leading": size * 1.35, "wordWrap": "CJK"}
    return ParagraphStyle(name, **{**base, **more})


BODY = make_style("body", wordWrap=None, splitLongWords=1)

CELL = make_style("cell", 8, wordWrap=None, splitLongWords=1)

_BODY_ZH = make_style("body-zh")

_CELL_ZH = make_style("cell-zh", 8)

MONO = make_style(
    "mono", 7.5, fontName="Courier", backColor=colors.HexColor("#f4f6f8"), borderPadding=3
)

H1 = make_style("h1", 15, spaceBefore=14, spaceAfter=4, keepWithNext=1)

H2 = make_style("h2", 11, spaceBefore=8, spaceAfter=3, keepWithNext=1)


def text_of(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph("<br/>".join(map(marked, text.splitlines() or [""])), _for(text, style))


def bold(text: str) -> Paragraph:
    return Paragraph(f"<b>{marked(text)}</b>" if text.isascii() else marked(text), _for(text, CELL))


def badge_of(badge: Badge) -> Paragraph:
    style = make_style("badge", 7.5, textColor=COLOURS[badge.shape])
    body = marked(badge.text)
    return Paragraph(f"<b>{body}</b>" if badge.text.isascii() else body, style)


def prose_of(pieces: Prose, style: ParagraphStyle) -> Paragraph:
    body = "".join(
        f'<font face="Courier">{marked(text)}</font>' if code and text.isascii() else marked(text)
        for code, text in pieces
    )
    return Paragraph(body, _for("".join(text for _, text in pieces), style))


def _for(text: str, style: ParagraphStyle) -> ParagraphStyle:
    """Chinese has no blanks to break a line at."""
    if text.isascii():
        return style
    return {BODY.name: _BODY_ZH, CELL.name: _CELL_ZH}.get(style.name, style)


def marked(text: str, blanks: bool = False) -> str:
    """Escaped, each run of characters in a font that has them."""
    parts = []
    at = 0
    for found in LATIN.finditer(text):
        parts.append(_chinese(text[at : found.start()]))
        parts.append(escape(found.group()))
        at = found.end()
    parts.append(_chinese(text[at:]))
    body = "".join(parts)
    return body.replace(" ", "\xa0") if blanks and "<" not in body else body


def _chinese(text: str) -> str:
    if not text:
        return ""
    shown = "".join(c if in_gb(c) else f"\\u{ord(c):04x}" for c in text)
    return f'<font face="{CHINESE}">{escape(shown)}</font>'


def in_gb(character: str) -> bool:
    """Whether the Chinese font has a glyph for it; it is made for this character set."""
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def plain(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")
