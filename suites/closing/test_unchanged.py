"""After all traffic: the same dpvs process (deployment guide, 2.4)."""

from __future__ import annotations

from dpvs_acceptance.testbed import LoadBalancer
from fixtures.checks import requirement


@requirement("S22", core=True)
def test_dpvs_was_not_restarted(lb: LoadBalancer) -> None:
    """Steps: compare pid and start time with those of the first snapshot. Verify: the same."""
    first, last = lb.state.then.dpvs_process, lb.read("dpvs process").dpvs_process
    assert (first.pid, first.started) == (last.pid, last.started), (
        f"dpvs was restarted during the run: process {first.pid} at first, {last.pid} now"
    )
