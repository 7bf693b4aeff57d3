"""The simple commands in a piece of sh text: enough of sh's grammar for what the suite sends.

Strict: what is not understood is an error, so that nothing passes unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_KEYWORDS = frozenset(
    "if then elif else fi while until do done for in case esac ! { }".split()  # noqa: SIM905
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Command:
    """Words as written, quotes removed from what is quoted whole; `(>)` targets in `writes`."""

    words: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)


def commands(text: str) -> Iterator[Command]:
    """All simple commands of `text`, those in command substitutions too; nothing is expanded."""
    yield from _Scanner(text).commands()


def functions(text: str) -> set[str]:
    """The functions that `text` defines."""
    return set(re.findall(r"^(?:then |else )?([a-z_]+)\(\) *\{", text, re.MULTILINE))


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._inner: list[str] = []

    def commands(self) -> Iterator[Command]:
        current = Command()
        patterns = 0  # depth of `case` whose next words are patterns
        cases = 0
        while True:
            token = self._token()
            if token == ")" and patterns:
                patterns = 0
                current = Command()
                continue
            if token is None or token in ("\n", ";", "&", "|", "(", ")", ";;", "&&", "||"):
                if not patterns and (current.words or current.writes):
                    yield current
                current = Command()
                if token == ";;":
                    patterns = 1
                if token is None:
                    break
                continue
            if token in (">", ">>", "<", ">&", "<&"):
                target = self._token()
                assert target is not None, "a redirection to nowhere"
                if token in (">", ">>"):
                    current.writes.append(target)
                continue
            if patterns:
                if token == "esac":
                    patterns, cases = 0, cases - 1
                continue
            if (
                not current.words
                and _NAME.fullmatch(token)
                and self._text.startswith("()", self._at)
            ):
                self._at += 2
                continue
            if not current.words and token in _KEYWORDS:
                if token == "for":
                    self._skip_to("do")
                if token == "case":
                    self._skip_to("in")
                    patterns, cases = 1, cases + 1
                continue
            if not current.words and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", token):
                continue
            current.words.append(token)
        for inner in self._inner:
            yield from commands(inner)

    def _skip_to(self, word: str) -> None:
        while (token := self._token()) != word:
            assert token is not None, f"no {word!r}"

    def _token(self) -> str | None:
        text = self._text
        while self._at < len(text) and text[self._at] in " \t":
            self._at += 1
        if text.startswith("\\\n", self._at):
            self._at += 2
            return self._token()
        if self._at >= len(text):
            return None
        if text[self._at] == "#":
            self._at = text.find("\n", self._at) if "\n" in text[self._at :] else len(text)
            return self._token()
        redirection = re.compile(r"\d*(>>|>&|<&|>|<)").match(text, self._at)
        if redirection:
            assert not text.startswith("<<", self._at), "a here-document"
            self._at = redirection.end()
            return redirection[1]
        for operator in ("&&", "||", ";;", ";", "&", "|", "(", ")", "\n"):
            if text.startswith(operator, self._at):
                self._at += len(operator)
                return operator
        return self._word()

    def _word(self) -> str:
        text, found = self._text, ""
        while self._at < len(text) and text[self._at] not in " \t\n;&|()<>":
            char = text[self._at]
            if char == "'":
                end = text.index("'", self._at + 1)
                found += text[self._at + 1 : end]
                self._at = end + 1
            elif char == '"':
                self._at += 1
                found += self._quoted()
            elif char == "\\":
                found += text[self._at + 1]
                self._at += 2
            elif char in "$`":
                found += self._expansion()
            else:
                found += char
                self._at += 1
        return found

    def _quoted(self) -> str:
        found = ""
        while (char := self._text[self._at]) != '"':
            if char == "\\":
                found += self._text[self._at + 1]
                self._at += 2
            elif char in "$`":
                found += self._expansion()
            else:
                found += char
                self._at += 1
        self._at += 1
        return found

    def _expansion(self) -> str:
        """As written; the commands of a command substitution are kept for later."""
        text, begin = self._text, self._at
        assert text[begin] != "`", "backquotes are not used"
        if text.startswith("$((", begin):
            self._at = text.index("))", begin) + 2
        elif text.startswith("$(", begin):
            self._at = self._closing(begin + 2, "(", ")")
            self._inner.append(text[begin + 2 : self._at - 1])
        elif text.startswith("${", begin):
            self._at = self._closing(begin + 2, "{", "}")
        else:
            name = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])?").match(text, begin)
            assert name is not None
            self._at = name.end()
        return text[begin : self._at]

    def _closing(self, at: int, opening: str, closing: str) -> int:
        """Behind the parenthesis that closes what was opened before `at`."""
        depth, quote = 1, ""
        while depth:
            char = self._text[at]
            if quote:
                quote = "" if char == quote else quote
            elif char == "\\":
                at += 1
            elif char in "'\"":
                quote = char
            elif char in opening + closing:
                depth += 1 if char == opening else -1
            at += 1
        return at
