"""After all traffic: the same process, no new failure (seed 2.4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.observed.dut import DutState
from fixtures.state import Look

pytestmark = pytest.mark.requirement("S22")


def test_the_same_dpvs_process_runs_as_at_first(dut: DutState, look: Look) -> None:
    """Steps: compare pid and start time with those of the first snapshot. Verify: the same."""
    first, last = dut.then.dpvs_process, look("dpvs process").dpvs_process
    assert (first.pid, first.started) == (last.pid, last.started), (
        f"dpvs was restarted during the run: process {first.pid} at first, {last.pid} now"
    )
