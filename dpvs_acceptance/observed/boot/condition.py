"""Tests of a shell script (`[ … ]`) whose answer the script's own text and the files give."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from dpvs_acceptance.observed.boot.words import UNKNOWN

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda one, other: one == other,
    "-ne": lambda one, other: one != other,
    "-gt": lambda one, other: one > other,
    "-ge": lambda one, other: one >= other,
    "-lt": lambda one, other: one < other,
    "-le": lambda one, other: one <= other,
}


def holds(
    text: str,
    expand: Callable[[Node], str] | None,
    node: Node | None,
    exists: Callable[[str], bool | None],
) -> int | None:
    """The exit status of a test: 0, 1, or None where only the machine knows."""
    if node is not None and expand is not None:
        words = [expand(one) for one in _leaves(node)]
    else:
        words = text.split()
    if any(UNKNOWN in word for word in words):
        return None
    negated = bool(words) and words[0] == "!"
    known = _plain(words[1:] if negated else words, exists)
    if known is None:
        return None
    return int(known == negated)


def _plain(words: list[str], exists: Callable[[str], bool | None]) -> bool | None:
    match words:
        case [one]:
            return bool(one)
        case [("-e" | "-f" | "-d" | "-x" | "-r" | "-s"), path]:
            return exists(path)
        case ["-n", word]:
            return bool(word)
        case ["-z", word]:
            return not word
        case [one, ("=" | "==" | "!=") as operator, other] if not re.search(r"[*?\[]", other):
            return (one == other) == (operator != "!=")
        case [one, operator, other] if operator in _NUMBERS:
            if one.isdigit() and other.isdigit():
                return _NUMBERS[operator](int(one), int(other))
    return None


def _leaves(node: Node) -> list[Node]:
    """The words of a test, in order; what groups them is taken apart."""
    found: list[Node] = []
    for child in node.children:
        if child.type in ("[", "]", "[[", "]]"):
            continue
        if child.type.endswith("_expression") and child.type != "brace_expression":
            found += _leaves(child)
        else:
            found.append(child)
    return found
