"""The file-descriptor limit (deployment guide, 2.1.4)."""

from __future__ import annotations

from dpvs_acceptance.testbed import LoadBalancer
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.checks import requirement


@requirement("S12", core=True)
def test_the_running_dpvs_has_the_descriptor_limit(lb: LoadBalancer) -> None:
    """Steps: read /proc/PID/limits of dpvs. Verify: at least the limit asked for."""
    wanted, limit = lb.topology.open_files, lb.state.dpvs_process.open_files
    refused = lb.state.descriptor_limit_refused
    # A machine whose hard limit is lower cannot give more; a limit below the hard one is a failure.
    if limit is not None and limit < wanted and refused.startswith(f"hard limit {limit};"):
        raise NotSupported(f"`ulimit -n {wanted}` on the DUT: {refused}")
    assert limit is None or limit >= wanted, f"dpvs may open {limit} files, not {wanted}"
