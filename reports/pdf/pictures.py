"""Pictures on A4, of the same shapes as on the page."""

from __future__ import annotations

from typing import Any

from reportlab.graphics.shapes import Circle, Drawing, Polygon, Rect, String
from reportlab.graphics.shapes import Line as PdfLine
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4

from reports.drawing import MONO, Box, Dot, Line, Picture, Words, arrow_head
from reports.pdf.setting import CHINESE, COLOURS, LATIN, MARGIN, ROOM, in_gb


def drawn(picture: Picture) -> Drawing:
    """The picture, as wide as the page has room."""
    scale = min(ROOM / picture.width, (A4[1] - 2 * MARGIN - 60) / picture.height)
    drawing = Drawing(picture.width * scale, picture.height * scale)
    drawing.scale(scale, scale)
    top = picture.height
    for shape in picture.shapes:
        colour = colors.HexColor(COLOURS[shape.colour])
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
                fill = colors.HexColor(COLOURS[shape.colour]).clone(alpha=shape.filled)
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
    if LATIN.fullmatch(text):
        font = ("Courier" if shape.font == MONO else "Helvetica") + ("-Bold" if shape.bold else "")
    else:
        font = CHINESE
        text = "".join(c if in_gb(c) else "?" for c in text)
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
