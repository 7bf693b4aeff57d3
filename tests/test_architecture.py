"""The arrows that must never be drawn (see the README's architecture page)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.house import HELD, MEASURES

ROOT = Path(__file__).resolve().parent.parent
# Words by which a check would ask what kind of device it talks to, instead of what it can do.
KINDS = ("softlab", "simulat", "is_real", "bench.kind", "DeviceKind")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Full names of what a module imports, relative imports resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join([*base, *([node.module] if node.module else [])])


def reaching(folder: str, *targets: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in imported(path)
        if any(name == target or name.startswith(f"{target}.") for target in targets)
    ]


@pytest.mark.parametrize(
    ("folder", "targets"),
    [
        ("softlab", ("dpvs_acceptance", "fixtures", "suites", "reports", "pytest")),
        ("dpvs_acceptance", ("softlab", "fixtures", "suites", "pytest", "_pytest")),
        ("fixtures", ("softlab", "suites")),
        ("suites", ("softlab", "reports", "faults")),
        ("reports", ("softlab", "fixtures", "suites")),
    ],
)
def test_no_room_reaches_where_it_must_not(folder: str, targets: tuple[str, ...]) -> None:
    assert not reaching(folder, *targets)


def test_only_a_command_s_name_reaches_up_to_the_pages() -> None:
    reaching_up = [words.split()[0] for words in reaching("dpvs_acceptance", "reports")]
    assert reaching_up == ["dpvs_acceptance/__main__.py"]


def test_no_suite_imports_another() -> None:
    assert not reaching("suites", "suites")


def test_pure_rooms_do_no_input_or_output() -> None:
    # What a topology means, what the tools say and what a verdict is, is computed, not looked up.
    outside = ("subprocess", "requests", "dpvs_acceptance.hosts")
    assert not reaching("dpvs_acceptance/dpvs", *outside)
    assert not reaching("dpvs_acceptance/model", *outside)


def test_no_check_asks_what_kind_of_device_it_talks_to() -> None:
    asking = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in modules("suites")
        for word in KINDS
        if word in path.read_text(encoding="utf-8")
    ]
    assert not asking, "a check asks for a probed capability: " + ", ".join(asking)


def test_no_room_is_a_grab_bag() -> None:
    names = [
        str(path.relative_to(ROOT))
        for folder in ("dpvs_acceptance", "fixtures", "suites", "softlab", "reports")
        for path in modules(folder)
        if path.stem in ("utils", "util", "helpers", "common", "misc")
    ]
    assert not names


@pytest.mark.parametrize("name", HELD)
def test_a_count_that_has_reached_its_goal_stays_there(name: str) -> None:
    measure = next(one for one in MEASURES if one.name == name)
    assert measure.reached, "\n".join([f"{name}: goal {measure.goal}", *measure.find()])
