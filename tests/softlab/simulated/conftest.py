"""The bench of the recordings in namespaces: a client, two servers, the device between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.softlab.simulated.bench import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The device of version 1.10.2, started and without any address."""
    made = Bench(tmp_path_factory.mktemp("bench"), "1.10.2")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
