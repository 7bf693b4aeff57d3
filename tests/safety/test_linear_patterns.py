"""No pattern of the package takes more than its text's length: what a device prints is not trusted.

Every pattern that the package compiles or uses is found in its source. For each of them texts are
made from its own parts: what a part matches, many times over, and an end that fits nothing. The
time for a text of 1 kB, 32 kB and 1 MB may be no more than in proportion; patterns for DPVS's own
tools and log are given no line that is longer than `LONGEST`.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dpvs_acceptance.dpvs.lines import LONGEST
from tests.safety.pumping import Attack, attacks

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dpvs_acceptance", "reports")
_USES = ("match", "fullmatch", "search", "findall", "finditer", "sub", "split")


# Given no more than `LONGEST` characters: by `Lines`, by `sides`.
_BOUNDED = ("dpvs_acceptance.dpvs.", "reports.messages.")


@dataclass(frozen=True)
class Used:
    """A pattern, where it stands, and the ways in which it is used."""

    where: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _of_module(path: Path) -> Iterator[Used]:
    text = path.read_text(encoding="utf-8")
    if "re." not in text:
        return
    tree = ast.parse(text)
    module = importlib.import_module(_module(path))
    names: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, verb = node.func.value, node.func.attr
            if isinstance(owner, ast.Name) and verb in _USES:
                names.setdefault(owner.id, set()).add(verb)
            if isinstance(owner, ast.Name) and owner.id == "re" and verb in (*_USES, "compile"):
                source = ast.unparse(ast.Tuple([node.args[0]], ast.Load()))
                flags = [ast.unparse(k.value) for k in node.keywords if k.arg == "flags"]
                rest = node.args[{"sub": 3, "compile": 1}.get(verb, 2) :]
                flags += [ast.unparse(one) for one in rest if "re." in ast.unparse(one)]
                try:
                    (value,) = eval(source, vars(module))
                    compiled = re.compile(value, eval("|".join(flags) or "0", vars(module)))
                except NameError:
                    continue  # made of what a caller gives
                if verb != "compile":
                    yield Used(f"{_module(path)}:{node.lineno}", compiled, frozenset([verb]))
    for name, value in vars(module).items():
        for number, pattern in enumerate(_patterns(value)):
            uses = names.get(name, set(_USES))
            yield Used(f"{_module(path)}.{name}[{number}]", pattern, frozenset(uses))


def _patterns(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (tuple, list, frozenset)) and depth < 3:
        for one in value:
            yield from _patterns(one, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        for one in value.values():
            yield from _patterns(one, depth + 1)
    elif depth and hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _patterns(getattr(value, name), depth + 1)


@cache
def _all() -> tuple[Used, ...]:
    found: dict[tuple[str, int], Used] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name == "__main__.py":
                continue
            for one in _of_module(path):
                key = one.pattern.pattern, one.pattern.flags
                old = found.get(key)
                uses = one.uses | (old.uses if old else frozenset())
                found[key] = Used(one.where, one.pattern, uses)
    return tuple(found.values())


def _seconds(pattern: re.Pattern[Any], verb: str, text: Any) -> float:
    begin = time.process_time()
    if verb in ("findall", "finditer", "sub", "split"):
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, verb)(text)
    return time.process_time() - begin


SMALL, LINE, MIDDLE, LARGE = 1_000, LONGEST, 32_000, 1_000_000
SIZES = {SMALL: 0.02, LINE: 0.2, MIDDLE: 0.1, LARGE: 2.0}
"""Characters, and seconds that no pattern needs for them unless it takes more than their number:
one that takes the square needs at least 0.5 s for the second, and eight minutes for the third."""


def _worst(used: Used) -> str:
    """The text by which the pattern takes more than the length of it; empty where none does."""
    line = used.where.startswith(_BOUNDED)
    slowest: tuple[float, str, Attack] | None = None
    for verb in sorted({"finditer" if u in ("findall", "sub", "split") else u for u in used.uses}):
        for attack in attacks(used.pattern):
            for size in (SMALL, LINE) if line else (SMALL, MIDDLE):
                took = _seconds(used.pattern, verb, attack(size))
                if took > SIZES[size] and (said := _slow(used, verb, attack, size)):
                    return said
            if slowest is None or took > slowest[0]:
                slowest = took, verb, attack
    if slowest is None or line:
        return ""
    return _slow(used, slowest[1], slowest[2], LARGE)


def _slow(used: Used, verb: str, attack: Attack, size: int) -> str:
    """The best of two, since the machine may be busy."""
    text = attack(size)
    took = min(_seconds(used.pattern, verb, text) for _ in range(2))
    if took <= SIZES[size]:
        return ""
    return f"{verb} of {text[:60]!r}…: {took:.3f} s for {size} characters"


def test_patterns_are_found() -> None:
    assert len(_all()) > 100


@pytest.mark.parametrize("used", _all(), ids=lambda used: used.where)
def test_a_pattern_takes_time_in_proportion_to_its_text(used: Used) -> None:
    assert not _worst(used), used.pattern.pattern
