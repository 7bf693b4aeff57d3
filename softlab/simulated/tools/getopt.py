"""Options the way GNU getopt_long takes them: anywhere on the command line, until ``--``."""

from __future__ import annotations


class BadOptionError(Exception):
    """An option that is not known; ``said`` is getopt's own line, ``at`` the next index."""

    def __init__(self, said: str, at: int) -> None:
        super().__init__(said)
        self.said = said
        self.at = at


def parse(
    argv: list[str], short: str, long: dict[str, tuple[bool, str]]
) -> tuple[list[tuple[str, str]], list[str]]:
    """([(letter, argument)], operands) of argv without the program's name.

    ``short`` is getopt's string of letters; ``long`` maps a name to (takes an argument, letter).
    """
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    at = 0
    while at < len(argv):
        word = argv[at]
        at += 1
        if word == "--":
            operands += argv[at:]
            break
        if word.startswith("--"):
            at = _long(argv, at, word, long, options)
        elif len(word) > 1 and word[0] == "-":
            at = _short(argv, at, word, short, options)
        else:
            operands.append(word)
    return options, operands


def _long(
    argv: list[str],
    at: int,
    word: str,
    long: dict[str, tuple[bool, str]],
    options: list[tuple[str, str]],
) -> int:
    name, given, value = word[2:].partition("=")
    matches = [known for known in long if known.startswith(name)] if name not in long else [name]
    if len({long[known] for known in matches}) != 1:
        kind = "ambiguous" if matches else "unrecognized"
        raise BadOptionError(f"{kind} option '{word}'", at)
    takes, letter = long[matches[0]]
    if takes and not given:
        if at >= len(argv):
            raise BadOptionError(f"option '--{matches[0]}' requires an argument", at)
        value = argv[at]
        at += 1
    elif given and not takes:
        raise BadOptionError(f"option '--{matches[0]}' doesn't allow an argument", at)
    options.append((letter, value))
    return at


def _short(argv: list[str], at: int, word: str, short: str, options: list[tuple[str, str]]) -> int:
    rest = word[1:]
    while rest:
        letter, rest = rest[0], rest[1:]
        place = short.find(letter)
        if place < 0 or letter == ":":
            raise BadOptionError(f"invalid option -- '{letter}'", at if not rest else at - 1)
        if short[place + 1 : place + 2] != ":":
            options.append((letter, ""))
            continue
        if rest:
            options.append((letter, rest))
        elif at < len(argv):
            options.append((letter, argv[at]))
            at += 1
        else:
            raise BadOptionError(f"option requires an argument -- '{letter}'", at)
        break
    return at
