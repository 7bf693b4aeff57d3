"""One virtual lab for all tests here; where this machine cannot have one, they are NOT TESTED."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from softlab.guest.image import ImageError, ensure
from softlab.guest.recipe import PROGRAMS
from softlab.supervisor import GUEST_PROGRAMS
from tests.softlab.labs import Lab

from .listed import listing

SPEC = {"device": "simulated", "machine": "guest"}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    missing = [name for name in (*GUEST_PROGRAMS, *PROGRAMS) if shutil.which(name) is None]
    if missing:
        pytest.skip(f"NOT TESTED: this machine has no {', '.join(missing)}")
    try:
        ensure()
    except ImageError as error:
        pytest.skip(f"NOT TESTED: {error}")
    folder = tmp_path_factory.mktemp("vmlab")
    spec = folder / "spec.json"
    spec.write_text(json.dumps(SPEC))
    lab = Lab(folder / "lab", "--spec", str(spec))
    print(f"\nboot to ssh in {lab.seconds:.0f} s")
    yield lab
    lab.hang_up()
    lab.end()


@pytest.fixture(scope="session", autouse=True)
def booted(lab: Lab) -> list[str]:
    """The listing of lb01 right after its boot, before any run."""
    return listing(lab)
