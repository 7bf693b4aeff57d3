"""Ways in which what a device says goes wrong: lines, words, numbers, bytes. Pure but for `rng`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_GARBAGE = " 0123456789abcdefxXzZ:.,/-[](){}<>\"'!#%\t\\\u00e9\u0663\u2028\x00\x1b\x1f\x7f\ufffd"
_NUMBERS = (
    *("-1", "0", "00", "65536", "4294967296", "18446744073709551616", "9" * 40, "9" * 5000),
    *("1e9", "0x1f", "NaN", "inf", "1_000", "\u0663", "\u00b2", "+1", "1.5", ""),
)
_WORDS = ("", "-", "dpdk999", "::", "::ffff:1.2.3.4", "999.1.1.1", "10.0.0.1/33", "null", "%s")

Mutation = Callable[[random.Random, str, Sequence[str]], str]


def _drop(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True)
    begin = rng.randrange(len(lines) + 1)
    return "".join(lines[:begin] + lines[begin + rng.randint(1, 3) :])


def _double(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines) + 1)
    return "".join(lines[:at] + lines[at : at + 1] * rng.choice((2, 2, 50)) + lines[at + 1 :])


def _swap(rng: random.Random, text: str, _: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


def _cut(rng: random.Random, text: str, _: Sequence[str]) -> str:
    """As a tool that is killed, or a full pipe."""
    return text[: rng.randrange(len(text) + 1)]


def _garble(rng: random.Random, text: str, _: Sequence[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_GARBAGE) + text[at + rng.randint(0, 1) :]


def _number(rng: random.Random, text: str, _: Sequence[str]) -> str:
    return _replaced(rng, text, r"[0-9]+", rng.choice(_NUMBERS))


def _word(rng: random.Random, text: str, _: Sequence[str]) -> str:
    return _replaced(rng, text, r"\S+", rng.choice(_WORDS))


def _join(rng: random.Random, text: str, _: Sequence[str]) -> str:
    """Two threads of a tool write at once: a line end is lost."""
    return _replaced(rng, text, r"\n", "")


def _splice(rng: random.Random, text: str, others: Sequence[str]) -> str:
    """The middle of another answer stands in this one."""
    other, at = rng.choice(others), rng.randrange(len(text) + 1)
    begin = rng.randrange(len(other) + 1)
    return text[:at] + other[begin : begin + rng.randint(1, 200)] + text[at:]


def _long(rng: random.Random, text: str, _: Sequence[str]) -> str:
    """One line without an end."""
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(("x", "1", " ", "1 ", "a:", "/")) * 5000 + text[at:]


def _replaced(rng: random.Random, text: str, pattern: str, by: str) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + by
    chosen = rng.choice(found)
    return text[: chosen.start()] + by + text[chosen.end() :]


_KINDS: tuple[Mutation, ...] = (
    *(_drop, _double, _swap, _cut, _garble, _garble, _garble),
    *(_number, _number, _word, _join, _splice),
)


def mutated(rng: random.Random, seeds: Sequence[str]) -> str:
    """One of `seeds` with one to three mutations; now and then with a line of 5,000 characters."""
    text = rng.choice(seeds)
    for _ in range(rng.randint(1, 3)):
        text = rng.choice(_KINDS)(rng, text, seeds)
    return _long(rng, text, seeds) if rng.random() < 0.01 else text


def mutated_bytes(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds`, cut, lengthened, or with some of its bytes changed."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        kind, at = rng.randrange(4), rng.randrange(len(data) + 1)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            data[at:at] = rng.randbytes(rng.randint(1, 8))
        elif data:
            # The first hundred bytes are headers, where most of what is read stands.
            place = rng.randrange(min(len(data), 100 if rng.random() < 0.8 else len(data)))
            data[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(data)
