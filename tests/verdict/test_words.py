from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.verdict.words import first_line, mismatch, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\r\nb\rc\tx", "a\nb\\x0dc\tx"),
        ("\x00\x07\x7f\x9b", "\\x00\\x07\\x7f\\x9b"),
        (b"\xff\xfe".decode("utf-8", "surrogateescape"), "\\udcff\\udcfe"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u2028", "\\u2028"),
        ("no\u00a0break", "no break"),
        ("超线程 é 🙂", "超线程 é 🙂"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_could_act_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_text_says_how_much_was_cut() -> None:
    assert printable("x" * 10, 4) == "xxxx […6 more characters]"
    assert printable("x" * 4, 4) == "xxxx"


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_acts_is_left_and_nothing_is_lost(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs"} or c in "\n\t" for c in shown)
    shown.encode("utf-8")
    assert printable(shown) == shown
    assert len(shown) >= len(text.replace("\r\n", "\n"))


@given(st.text())
def test_the_first_line_is_one_harmless_line(text: str) -> None:
    line = first_line(text)
    assert "\n" not in line
    assert bool(line) == bool(text.strip())


def test_a_mismatch_tells_the_cause_first_and_then_both_sides() -> None:
    text = mismatch(
        "no answer from the VIP", expected="4 replies", seen="0 replies\n1 ARP request", where="c1"
    )
    assert text.splitlines() == [
        "no answer from the VIP",
        "  expected: 4 replies",
        "  seen:     0 replies",
        "            1 ARP request",
        "  where:    c1",
    ]
    assert "seen:     (nothing)" in mismatch("x", expected=1, seen="")
