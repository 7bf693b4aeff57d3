"""The syntax of dpvs.conf (src/parser.c), as a tree with line numbers.

DPVS itself accepts malformed files: it ignores opening braces, takes any `}` for the end of the
current block, and continues. Here, everything that it would misread is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dpvs_acceptance.dpvs.errors import ParseError


class ConfError(ParseError):
    """dpvs.conf is malformed, or has a word instead of a number."""

    advice = "DPVS itself may read another value without a message."


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment line; text: including `!`, `#` or angle brackets."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Item:
    """A keyword with its values, and its block if any.

    init: marked <init>: read only at start, not on reload. DPVS treats the mark as a comment.
    block: None if there is no `{`.
    remark: the comment at the end of the line.
    line: from 1; ignored in comparisons.
    """

    keyword: str
    values: tuple[str, ...] = ()
    block: tuple[Item | Remark, ...] | None = None
    init: bool = False
    remark: str | None = None
    line: int = field(default=0, compare=False)

    @property
    def value(self) -> str | None:
        """The first value; most keywords have only one."""
        return self.values[0] if self.values else None

    def items(self, keyword: str | None = None) -> Iterator[Item]:
        """Items of the block in order: all, or those of one keyword."""
        return _items(self.block or (), keyword)

    def get(self, *path: str) -> Item | None:
        """The item at a path of keywords; the last one of several, as in DPVS."""
        return _get(self.block or (), path)


@dataclass(frozen=True, slots=True)
class Conf:
    """A complete dpvs.conf. source: its path, for messages."""

    source: str
    contents: tuple[Item | Remark, ...]

    def items(self, keyword: str | None = None) -> Iterator[Item]:
        """Top-level items, in order: all, or those of one keyword."""
        return _items(self.contents, keyword)

    def get(self, *path: str) -> Item | None:
        """The item at a path of keywords, e.g. get("ipvs_defs", "udp", "uoa_mode")."""
        return _get(self.contents, path)

    def walk(self) -> Iterator[tuple[tuple[str, ...], Item]]:
        """Every item with its path of keywords, in the order of the file."""
        return _walk((), self.contents)


def _items(contents: Iterable[Item | Remark], keyword: str | None) -> Iterator[Item]:
    for item in contents:
        if isinstance(item, Item) and (keyword is None or item.keyword == keyword):
            yield item


def _get(contents: Iterable[Item | Remark], path: tuple[str, ...]) -> Item | None:
    if not path:
        return None
    found = None
    for item in _items(contents, path[0]):
        deeper = item if len(path) == 1 else item.get(*path[1:])
        found = deeper if deeper is not None else found
    return found


def _walk(
    path: tuple[str, ...], contents: Iterable[Item | Remark]
) -> Iterator[tuple[tuple[str, ...], Item]]:
    for item in _items(contents, None):
        here = (*path, item.keyword)
        yield here, item
        yield from _walk(here, item.block or ())


_TOKEN = re.compile(
    r'\s*(?:(?P<remark>[!#].*)|(?P<angle><[^>]*>)|"(?P<quoted>[^"]*)"|(?P<word>[^\s"]+))'
)


@dataclass(slots=True)
class _Line:
    words: list[str]
    angles: list[str]
    remark: str | None
    quoted: set[int]


@dataclass(slots=True)
class _Open:
    """An open block."""

    item: Item
    text: str
    contents: list[Item | Remark]


def parse(text: str, source: str = "dpvs.conf") -> Conf:
    """The tree of `text`. Raises ConfError with the line."""
    top: list[Item | Remark] = []
    stack: list[_Open] = []
    for number, raw in enumerate(text.replace("\r", "\n").split("\n"), start=1):
        line = _split(raw, number, source)
        contents = stack[-1].contents if stack else top
        if not line.words:
            shown = " ".join((*line.angles, *((line.remark,) if line.remark else ())))
            if shown:
                contents.append(Remark(shown, number))
            continue
        if line.words[0] == "}" and 0 not in line.quoted:
            if len(line.words) > 1:
                raise ConfError(source, number, raw, "only a comment after }")
            if not stack:
                raise ConfError(source, number, raw, "no }, since no block is open")
            closed = stack.pop()
            (stack[-1].contents if stack else top).append(
                Item(
                    closed.item.keyword,
                    closed.item.values,
                    tuple(closed.contents),
                    closed.item.init,
                    closed.item.remark,
                    closed.item.line,
                )
            )
            continue
        opens = line.words[-1] == "{" and len(line.words) - 1 not in line.quoted
        words = line.words[:-1] if opens else line.words
        _check_braces(words, line.quoted, source, number, raw)
        item = Item(
            words[0],
            tuple(words[1:]),
            init="<init>" in line.angles,
            remark=line.remark,
            line=number,
        )
        if opens:
            stack.append(_Open(item, raw, []))
        else:
            contents.append(item)
    if stack:
        raise ConfError(source, stack[-1].item.line, stack[-1].text, "a } that ends this block")
    return Conf(source, tuple(top))


def _split(raw: str, number: int, source: str) -> _Line:
    line = _Line([], [], None, set())
    at = 0
    while raw[at:].strip():
        found = _TOKEN.match(raw, at)
        if found is None:
            raise ConfError(source, number, raw, 'a closing "')
        at = found.end()
        if found["remark"] is not None:
            line.remark = found["remark"].rstrip()
        elif found["angle"] is not None:
            line.angles.append(found["angle"])
        elif found["quoted"] is not None:
            line.quoted.add(len(line.words))
            line.words.append(found["quoted"])
        elif found["word"].startswith("<"):
            raise ConfError(source, number, raw, "a > that ends the comment started with <")
        else:
            line.words.append(found["word"])
    return line


def _check_braces(words: list[str], quoted: set[int], source: str, number: int, raw: str) -> None:
    if not words:
        raise ConfError(source, number, raw, "a keyword before {")
    for index, word in enumerate(words):
        if index not in quoted and ("{" in word or "}" in word):
            raise ConfError(
                source,
                number,
                raw,
                "{ as the last word of a line, } as the first, with spaces around",
            )


_PLAIN = re.compile(r'[^\s"!#<{}][^\s"{}]*')


def write(contents: Iterable[Item | Remark], indent: str = "    ") -> str:
    """The text of a tree, from which parse() returns the same tree. Raises ValueError for a value
    that dpvs.conf cannot hold (white space, quotes, braces, a leading comment sign).
    """
    return "".join(f"{line}\n" for line in _write(contents, indent, 0))


def _write(contents: Iterable[Item | Remark], indent: str, depth: int) -> Iterator[str]:
    margin = indent * depth
    for item in contents:
        if isinstance(item, Remark):
            yield f"{margin}{item.text}"
            continue
        words = ["<init>"] if item.init else []
        words += [_word(word) for word in (item.keyword, *item.values)]
        if item.block is not None:
            words.append("{")
        if item.remark:
            words.append(item.remark)
        yield margin + " ".join(words)
        if item.block is not None:
            yield from _write(item.block, indent, depth + 1)
            yield margin + "}"


def _word(word: str) -> str:
    if not word:
        return '""'
    if _PLAIN.fullmatch(word) is None:
        raise ValueError(f"dpvs.conf cannot hold the word {word!r}")
    return word
