"""The file-descriptor limit (seed 2.1.4)."""

from __future__ import annotations

import re

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotSupported


@pytest.mark.requirement("S12", core=True)
def test_the_running_dpvs_has_the_descriptor_limit(dut: DutState, deployment: Deployment) -> None:
    """Steps: read /proc/PID/limits of dpvs. Verify: at least the limit asked for."""
    wanted = deployment.topology.open_files
    limit = dut.dpvs_process.open_files
    refused = dut.descriptor_limit_refused
    # What the machine cannot give nobody can ask for; less than it gives is somebody's fault.
    if limit is not None and limit < wanted and refused.startswith(f"hard limit {limit};"):
        raise NotSupported(f"`ulimit -n {wanted}` on the DUT: {refused}")
    assert limit is None or limit >= wanted, f"dpvs may open {limit} files, not {wanted}"


@pytest.mark.requirement("S12")
def test_the_descriptor_limit_is_set_again_after_a_reboot(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: read rc.local, limits.conf, systemd units. Verify: one of them sets the limit."""
    wanted = deployment.topology.open_files
    pattern = re.compile(
        r"^\s*(?:ulimit\s+(?:-\w+\s+)*-n\s+|\S+\s+(?:-|soft|hard)\s+nofile\s+|LimitNOFILE=)(\d+)",
        re.MULTILINE,
    )
    found = {name: [int(n) for n in pattern.findall(text)] for name, text in dut.boot_files.items()}
    assert any(limit >= wanted for limits in found.values() for limit in limits), (
        f"after a reboot the descriptor limit of {wanted} is lost: none of "
        f"{', '.join(found) or 'rc.local, limits.conf, units'} sets it"
    )
