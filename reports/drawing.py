"""Pictures as plain shapes, drawn alike as SVG in the page and by the PDF. Pure.

Colours are names (`ink`, `soft`, `pass`, …): the page's style gives them for light and dark.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import escape

MONO, SANS = "mono", "sans"


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    colour: str = "ink"
    width: float = 1.0
    arrow: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """`filled`: 0 is an outline only, 1 opaque."""

    x: float
    y: float
    width: float
    height: float
    colour: str = "ink"
    filled: float = 0.0
    outline: bool = True
    title: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float
    colour: str = "ink"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text with its base line at `y`; anchor: start, middle or end."""

    x: float
    y: float
    text: str
    size: float = 12.0
    anchor: str = "start"
    colour: str = "ink"
    bold: bool = False
    font: str = SANS


Shape = Line | Box | Dot | Words


@dataclass(frozen=True, slots=True)
class Picture:
    """`title` and `description` say the same in words, for readers who cannot see it."""

    width: float
    height: float
    title: str
    description: str
    shapes: tuple[Shape, ...]


def columns(text: str) -> int:
    """Columns that a text takes in a font of equal widths; Chinese takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def width_of(text: str, size: float, font: str = SANS) -> float:
    """About as wide as the text is; no font is asked."""
    return columns(text) * size * (0.6 if font == MONO else 0.55)


def shorten(text: str, size: float, room: float, font: str = SANS) -> str:
    """The text, cut so that it is about as wide as `room` at most."""
    if width_of(text, size, font) <= room:
        return text
    while text and width_of(text + "…", size, font) > room:
        text = text[:-1]
    return text + "…"


def svg(picture: Picture, name: str, alone: bool = False) -> str:
    """The picture as an SVG element; `name` makes its ids unique in the page.

    alone: with its own style, where that of the page does not reach.
    """
    ids = f'aria-labelledby="{name}-t {name}-d"'
    size = f'viewBox="0 0 {_n(picture.width)} {_n(picture.height)}"'
    limit = f'style="max-width:{_n(picture.width * 1.2)}px"'
    parts = [
        f'<svg role="img" {size} {limit} {ids}>',
        f'<title id="{name}-t">{escape(picture.title)}</title>',
        f'<desc id="{name}-d">{escape(picture.description)}</desc>',
        *([_ALONE] if alone else []),
    ]
    parts += [_shape(shape) for shape in picture.shapes]
    parts.append("</svg>")
    return "\n".join(parts)


# Of pictures that no page's style reaches: files of their own, and those on paper.
_ALONE = """<style>
text { font-family: "DejaVu Sans", system-ui, sans-serif; }
.m { font-family: "DejaVu Sans Mono", ui-monospace, monospace; }
.f { fill: currentColor; }
line, rect { stroke: currentColor; }
rect[stroke="none"] { stroke: none; } rect:not([fill]) { fill: none; }
.c-ink { color: #1b1f24; } .c-soft { color: #57606a; } .c-line { color: #d0d7de; }
.c-pass { color: #1a7f37; } .c-fail { color: #c11f2e; } .c-flaky { color: #8a5a00; }
.c-blocked { color: #7a3ea8; } .c-skipped { color: #57606a; } .c-accent { color: #0b5cad; }
@media (prefers-color-scheme: dark) {
.c-ink { color: #e6edf3; } .c-soft { color: #9aa5b1; } .c-line { color: #30363d; }
.c-pass { color: #4cc065; } .c-fail { color: #ff7b72; } .c-flaky { color: #e3b341; }
.c-blocked { color: #c297f5; } .c-skipped { color: #9aa5b1; } .c-accent { color: #6cb2ff; }
}
</style>"""


def svg_file(picture: Picture, name: str) -> str:
    """The picture as a file of its own."""
    made = svg(picture, name, alone=True)
    return made.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def _shape(shape: Shape) -> str:
    match shape:
        case Line():
            dash = ' stroke-dasharray="4 3"' if shape.dashed else ""
            drawn = (
                f'<line class="c-{shape.colour}" x1="{_n(shape.x1)}" y1="{_n(shape.y1)}" '
                f'x2="{_n(shape.x2)}" y2="{_n(shape.y2)}" stroke-width="{_n(shape.width)}"{dash}/>'
            )
            if shape.arrow:
                points = " ".join(f"{_n(x)},{_n(y)}" for x, y in arrow_head(shape))
                drawn += f'<polygon class="c-{shape.colour} f" points="{points}"/>'
            return drawn
        case Box():
            stroke = "" if shape.outline else ' stroke="none"'
            fill = f' fill="currentColor" fill-opacity="{_n(shape.filled)}"' if shape.filled else ""
            place = f'x="{_n(shape.x)}" y="{_n(shape.y)}"'
            size = f'width="{_n(shape.width)}" height="{_n(shape.height)}"'
            start = f'<rect class="c-{shape.colour}" {place} {size} rx="3"{fill}{stroke}'
            return start + _titled("rect", shape.title)
        case Dot():
            place = f'cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.radius)}"'
            return f'<circle class="c-{shape.colour} f" {place}' + _titled("circle", shape.title)
        case Words():
            style = f"c-{shape.colour} f" + (" m" if shape.font == MONO else "")
            weight = ' font-weight="700"' if shape.bold else ""
            anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
            return (
                f'<text class="{style}" x="{_n(shape.x)}" y="{_n(shape.y)}" '
                f'font-size="{_n(shape.size)}"{anchor}{weight}>{escape(shape.text)}</text>'
            )


def arrow_head(line: Line, length: float = 7.0) -> list[tuple[float, float]]:
    """The corners of the head at the line's end."""
    dx, dy = line.x2 - line.x1, line.y2 - line.y1
    whole = (dx * dx + dy * dy) ** 0.5 or 1.0
    ux, uy = dx / whole, dy / whole
    x, y = line.x2 - ux * length, line.y2 - uy * length
    half = length * 0.45
    return [(line.x2, line.y2), (x - uy * half, y + ux * half), (x + uy * half, y - ux * half)]


def _titled(tag: str, title: str) -> str:
    return f"><title>{escape(title)}</title></{tag}>" if title else "/>"


def _n(number: float) -> str:
    """Two digits at most, so that a picture is the same text everywhere."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
