"""A software lab whose hosts these tests may break, and what is planned for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode, first_failure
from tests.softlab.labs import Lab

from .benched import Benched, benched

BY_HAND = "/var/lib/by-hand"


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


@pytest.fixture
def running(bench: Benched) -> Iterator[Benched]:
    """DPVS, brought up by hand and not by the run that is tested."""
    gates = {
        role: WriteGate(host, WriteMode.WRITABLE, run="by-hand", root=BY_HAND)
        for role, host in bench.hosts.items()
    }
    locks = [lock.acquire(host, "by hand", root=BY_HAND) for host in bench.hosts.values()]
    for stage in bench.plan.stages:
        assert first_failure(gates[stage.role].apply(stage.changes)) is None
    yield bench
    for gate in gates.values():
        gate.undo()
    assert lock.release_all(locks) == []
