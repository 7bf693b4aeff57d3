"""Words of a shell script as far as its text alone tells them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from tree_sitter import Node

EXPANDED = ("word", "concatenation", "brace_expression")
"""Kinds of words in which braces stand for several."""
UNKNOWN = "\ufffd"
"""Stands in a word for what only the running script knows."""


def expand(node: Node, variables: Mapping[str, str]) -> str:
    """One word, its quotes removed, known variables filled in, and UNKNOWN for the rest."""
    text = _text(node)
    match node.type:
        case "word":
            return re.sub(r"\\(.)", r"\1", text)
        case "raw_string":
            return text[1:-1]
        case "ansi_c_string":
            return text[2:-1]
        case "string_content":
            return re.sub(r'\\([$`"\\])', r"\1", text)
        case "number" | "variable_name" | "test_operator" | "extglob_pattern" | "regex":
            return text
        case "string":
            return _string(node, variables)
        case "simple_expansion":
            return variables.get(text[1:], UNKNOWN)
        case "expansion":
            return _parameter(text, variables)
        case "arithmetic_expansion":
            return _arithmetic(text[3:-2], variables)
        case "concatenation" | "command_name" | "brace_expression":
            if node.type == "brace_expression" or not node.children:
                return text
            return "".join(expand(child, variables) for child in node.children)
        case "command_substitution" | "process_substitution":
            return UNKNOWN
    if not node.children:
        return text
    return "".join(expand(child, variables) for child in node.children)


def _string(node: Node, variables: Mapping[str, str]) -> str:
    """A double-quoted word, with the blanks that the grammar leaves between its parts."""
    found, at = "", node.start_byte + 1
    whole, begin = node.text or b"", node.start_byte
    for child in node.children[1:-1]:
        found += whole[at - begin : child.start_byte - begin].decode("utf-8", "replace")
        found += expand(child, variables)
        at = child.end_byte
    return found + whole[at - begin : -1].decode("utf-8", "replace")


def _parameter(text: str, variables: Mapping[str, str]) -> str:
    match = re.fullmatch(r"\$\{(\w+)(?::?[-=]([^{}$`]*))?\}", text)
    if match is None:
        return UNKNOWN
    return variables.get(match[1], UNKNOWN if match[2] is None else match[2].strip("\"'"))


def _arithmetic(text: str, variables: Mapping[str, str]) -> str:
    """`$((A * 2))` of whole numbers and known variables."""
    filled = re.sub(r"\$?\b([A-Za-z_]\w*)\b", lambda m: variables.get(m[1], UNKNOWN), text)
    match = re.fullmatch(r"\s*(\d{1,12})\s*(?:([-+*/])\s*(\d{1,12})\s*)?", filled)
    if match is None:
        return UNKNOWN
    one, other = int(match[1]), int(match[3] or 0)
    match match[2]:
        case None:
            return str(one)
        case "+":
            return str(one + other)
        case "-":
            return str(one - other)
        case "*":
            return str(one * other)
    return str(one // other) if other else UNKNOWN


def braces(word: str) -> list[str]:
    """`a{0,1}b` and `a{0..2}b` as the words that they stand for, no more than 256."""
    return list(islice(_braces(word), 256))


def _braces(word: str) -> Iterator[str]:
    match = re.search(r"\{([^{}]*)\}", word)
    numbers = re.fullmatch(r"(\d{1,4})\.\.(\d{1,4})", match[1]) if match else None
    if match is None or not (numbers or "," in match[1]):
        yield word
        return
    middle: Iterable[object] = match[1].split(",")
    if numbers:
        middle = range(int(numbers[1]), int(numbers[2]) + 1)
    for each in middle:
        yield from _braces(f"{word[: match.start()]}{each}{word[match.end() :]}")


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
