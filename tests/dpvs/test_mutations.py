"""Recordings with lines dropped, doubled, cut or garbled: an error that says which line, or a model
of what the text now says. Never a line passed over, never another exception, never a hang.
"""

from __future__ import annotations

import contextlib
import re
import time
from functools import cache
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.dpvs.errors import ParseError
from tests.dpvs.catalogue import CATALOGUE, Read, reader
from tests.dpvs.recorded import all_names, recording
from tests.mutations import mutated_lines

NAMES = all_names()
STRICT = [entry for entry in CATALOGUE if isinstance(entry, Read)]
# These the catalogue cuts into parts before it parses them.
PARTED = ("*/ka-stopped-state.txt", "*/flags-save-restore.txt", "v1.9.10/dpip-V.txt")


@cache
def texts(entry: Read) -> list[str]:
    """The recordings of one parser."""
    return [entry.text(recording(name).output) for name in NAMES if reader(name) is entry]


@pytest.mark.parametrize(
    "entry", [entry for entry in STRICT if entry.render], ids=lambda entry: entry.names[0]
)
@given(data=st.data())
def test_nothing_is_passed_over(entry: Read, data: st.DataObject) -> None:
    text = data.draw(mutated_lines(data.draw(st.sampled_from(texts(entry)))))
    try:
        model = entry.parser(text)
    except ParseError as error:
        check_error(error, text)
        return
    assert entry.render is not None
    assert meaning(entry.render(model)) == meaning(text)


@pytest.mark.parametrize(
    "entry", [entry for entry in STRICT if not entry.render], ids=lambda entry: entry.names[0]
)
@given(data=st.data())
def test_no_other_exception(entry: Read, data: st.DataObject) -> None:
    text = data.draw(mutated_lines(data.draw(st.sampled_from(texts(entry)))))
    if entry.names[0] in PARTED:
        return  # mutations do not spare what the parts are cut at
    try:
        entry.parser(text)
    except ParseError as error:
        check_error(error, text)


def check_error(error: ParseError, text: str) -> None:
    """The line that it quotes is the line of that number."""
    lines = text.split("\n")
    assert error.line_number >= 1
    assert error.line in (lines[error.line_number - 1 :] or [""])[0]
    assert f"line {error.line_number}: " in str(error)
    assert error.expected


def meaning(text: str) -> list[list[str]]:
    """The words of each line; numbers and addresses in one spelling, layout left out."""
    found = []
    for line in text.split("\n"):
        words = re.sub(r"[0-9A-Fa-f:.]+", _canonical, line).casefold().split()
        if words:
            found.append(words)
    return found


def _canonical(found: re.Match[str]) -> str:
    text = found[0]
    if text.isdigit() and len(text) < 4000:  # what int() takes
        return str(int(text))
    if re.fullmatch(r"\d{1,9}\.\d{1,9}\.\d{1,9}", text):
        return ".".join(str(int(part)) for part in text.split("."))  # a version's numbers
    try:
        return str(IPv6Address(text))
    except ValueError:
        return re.sub(r"(?<![0-9A-Fa-f.])0+(?=[0-9])", "", text)


def test_meaning_sees_a_difference() -> None:
    """The comparison itself can fail."""
    assert meaning("inet 10.0.0.1/32 dev dpdk0\n") != meaning("inet 10.0.0.1/31 dev dpdk0\n")
    assert meaning("  a  1\n\n") == meaning("a 01\n")


def test_huge_lines_take_no_time() -> None:
    """No pattern of any parser backtracks without bound."""
    for entry in STRICT:
        lines = texts(entry)[0].split("\n")
        longest = max(lines, key=len)
        for text in (longest * 200, longest + "x" * 50000, "1" * 50000, "a:rx1" * 10000):
            before = time.process_time()
            with contextlib.suppress(ParseError, ValueError):
                entry.parser("\n".join([*lines[:3], text]))
            assert time.process_time() - before < 1.0, (entry.names, text[:50])
