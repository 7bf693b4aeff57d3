"""The counts of `make house` see what they count, on a small tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import house

SUITE = '''
def test_many(a, b, c, d, e, *, f): pass
def test_five(a, b, c, d, e): pass
def test_ipv4(lb):
    """Steps: one."""
    _same(lb, 4)
def test_ipv6(lb):
    """Steps: the same."""
    _same(lb, 6)
def test_lone(lb):
    _other(lb)
def _same(lb, family): pass
def _other(lb): pass
'''
FILES = {
    "suites/test_a.py": SUITE,
    "fixtures/one.py": "from fixtures import two\nclass Thing: pass\n",
    "fixtures/two.py": "from .one import Thing\n" + "\n" * house.LONGEST_FILE,
    "fixtures/three.py": "from fixtures.one import Thing\n",
    "reports/page.py": "class Thing: pass\n",
}


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(house, "ROOT", tmp_path)
    house.modules.cache_clear()
    yield
    house.modules.cache_clear()


def test_each_count_sees_what_it_counts() -> None:
    many = house.checks_with_many_arguments()
    assert many == ["suites/test_a.py:2 test_many: 6 arguments"]
    wrappers = house.wrapper_checks()
    assert [line.split()[1] for line in wrappers] == ["test_ipv4", "test_ipv6"]
    assert len(house.files_of_fixtures()) == 3
    twice = house.class_names_that_stand_twice()
    assert twice == ["Thing: fixtures/one.py:2, reports/page.py:1"]
    assert house.modules_in_circles("fixtures") == ["fixtures.one", "fixtures.two"]
    assert house.long_files() == ["fixtures/two.py: 351 lines"]


def test_goals_are_bounds() -> None:
    lines = ["a", "b"]
    assert house.Measure("", 9, 2, lambda: lines).reached
    assert not house.Measure("", 9, 1, lambda: lines).reached
    assert house.Measure("", 9, 2, lambda: lines, least=True).reached
    assert not house.Measure("", 9, 3, lambda: lines, least=True).reached
