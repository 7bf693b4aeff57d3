"""A software lab whose hosts these tests may break, and what is planned for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.softlab.labs import Lab

from .benched import Benched, benched


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.end()


@pytest.fixture(scope="session")
def bench(lab: Lab) -> Iterator[Benched]:
    """The lab's hosts, connected, with the plan of the article's topology for them."""
    found = benched(Path(lab.directory))
    yield found
    found.close()
