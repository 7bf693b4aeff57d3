"""The fuzzing of `make fuzz` sees what goes wrong, and sees the same again by its seed."""

from __future__ import annotations

import random
import re

from benchmarks.fuzzing.mutations import mutated, mutated_bytes
from benchmarks.fuzzing.running import fed
from benchmarks.fuzzing.targets import Target, packets, recorded


def _target(feed: object) -> Target:
    return Target("made up", lambda rng: mutated(rng, ["a 1\nb 2\n"]), feed)  # type: ignore[arg-type]


def test_what_a_parser_trips_over_is_a_finding() -> None:
    def reads(text: str) -> int:
        return int(re.findall(r"\d+", text)[0])

    assert fed(_target(reads), "a 1\n") is None
    found = fed(_target(reads), "a\n")
    assert found is not None
    assert "IndexError" in found[1]


def test_what_takes_too_long_is_a_finding() -> None:
    def backtracks(text: str) -> object:
        return re.fullmatch(r"(\d+)+x", text)

    found = fed(_target(backtracks), "1" * 40)
    assert found is not None
    assert "more than 1 s" in found[1]


def test_a_seed_makes_the_same_input_again() -> None:
    for make in (lambda r: mutated(r, ["a 1\nb 2\n"]), lambda r: mutated_bytes(r, [b"abc"])):
        made = [make(random.Random("7 12")) for _ in range(2)]
        assert made[0] == made[1]


def test_some_inputs_to_each_recorded_target() -> None:
    """A taste of it in every test run."""
    for target in (*recorded(), *packets()):
        for number in range(10):
            data = target.make(random.Random(f"1 {number}"))
            assert fed(target, data) is None, target.name
