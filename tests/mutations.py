"""Hypothesis strategies: what a device says, gone wrong in lines, words, numbers or octets."""

from __future__ import annotations

import re

from hypothesis import strategies as st

_GARBAGE = " 0123456789abcdefxXzZ:.,/-[](){}<>\"'!#%\t\\\u00e9\u0663\u2028\x00\x1b\x1f\x7f\ufffd"
_NUMBERS = (
    *("-1", "0", "00", "65536", "4294967296", "18446744073709551616", "9" * 40, "9" * 5000),
    *("1e9", "0x1f", "NaN", "inf", "1_000", "\u0663", "\u00b2", "+1", "1.5", ""),
)
_WORDS = ("", "-", "dpdk999", "::", "::ffff:1.2.3.4", "999.1.1.1", "10.0.0.1/33", "null", "%s")
_LINES = ("drop", "double", "swap", "cut", "garble", "insert")
_KINDS = (*_LINES, "number", "word", "join", "splice", "long")


@st.composite
def mutated_lines(draw: st.DrawFn, text: str) -> str:
    """One to three mutations, each of one line: the others stay what they were."""
    lines = text.split("\n")[:-1]
    for _ in range(draw(st.integers(1, 3))):
        if lines:
            _mutate_line(draw, lines, draw(st.sampled_from(_LINES)))
    return "".join(f"{line}\n" for line in lines)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """One to three mutations of any kind, such as a line without an end or two lines in one."""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(_KINDS))
        at = draw(st.integers(0, len(text)))
        if kind in _LINES:
            lines = text.splitlines() or [""]
            _mutate_line(draw, lines, kind)
            text = "".join(f"{line}\n" for line in lines)
        elif kind == "number":
            text = _replaced(draw, text, "[0-9]+", draw(st.sampled_from(_NUMBERS)))
        elif kind == "word":
            text = _replaced(draw, text, r"\S+", draw(st.sampled_from(_WORDS)))
        elif kind == "join":
            text = _replaced(draw, text, "\n", "")
        elif kind == "splice":
            begin = draw(st.integers(0, len(text)))
            text = text[:at] + text[begin : begin + draw(st.integers(1, 200))] + text[at:]
        else:
            text = text[:at] + draw(st.sampled_from(("x", "1", " ", "1 ", "a:"))) * 5000 + text[at:]
    return text


@st.composite
def mutated_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """Cut, lengthened, or with some octets changed; mostly of the first hundred: the headers."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("cut", "insert", "change", "change")))
        at = draw(st.integers(0, min(len(data), 100)) | st.integers(0, len(data)))
        if kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif at < len(data):
            data[at] = draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)) | st.integers(0, 255))
    return bytes(data)


def _mutate_line(draw: st.DrawFn, lines: list[str], kind: str) -> None:
    at = draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    if kind == "drop":
        del lines[at]
    elif kind == "double":
        lines.insert(at, line)
    elif kind == "swap":
        other = draw(st.integers(0, len(lines) - 1))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "cut":
        lines[at] = line[: draw(st.integers(0, len(line)))]
    else:
        place = draw(st.integers(0, len(line)))
        after = place + (kind == "garble")
        lines[at] = line[:place] + draw(st.sampled_from(_GARBAGE)) + line[after:]


def _replaced(draw: st.DrawFn, text: str, pattern: str, by: str) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + by
    chosen = draw(st.sampled_from(found))
    return text[: chosen.start()] + by + text[chosen.end() :]
