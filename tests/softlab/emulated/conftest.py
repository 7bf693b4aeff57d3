"""Hosts with emulated hardware: one per test, or one per module for tests that only read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.softlab.emulated.hosts import PlayedHost

Maker = Callable[..., PlayedHost]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    """Hosts with a given spec, or with some of the NICs."""
    made: list[PlayedHost] = []

    def one(**asked: object) -> PlayedHost:
        base = tmp_path / f"host{len(made)}"
        base.mkdir()
        made.append(PlayedHost(base, **asked))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for host in made:
        host.end()


@pytest.fixture
def host(make: Maker) -> PlayedHost:
    """The article's machine with DPVS 1.10.2."""
    host = make()
    assert host.said == "ready\n", host.hardware.communicate()[1]
    return host


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedHost]:
    """The article's machine, for tests that change nothing."""
    host = PlayedHost(tmp_path_factory.mktemp("shared"))
    assert host.said == "ready\n", host.hardware.communicate()[1]
    yield host
    host.end()
