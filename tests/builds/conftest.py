"""Tests that need a real DPVS build: `make test DPVS_HOME=/path`. Left out in one line without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs = pytest.mark.skip(reason="needs a DPVS build: make test DPVS_HOME=…")
    if not os.environ.get("DPVS_HOME"):
        for item in items:
            if item.path.parent == Path(__file__).parent:
                item.add_marker(needs)


@pytest.fixture(scope="session")
def dpvs_home() -> Path:
    home = Path(os.environ["DPVS_HOME"])
    assert (home / "bin/dpvs").is_file(), f"DPVS_HOME={home}: there is no bin/dpvs in it"
    return home
