"""CPU and NUMA as the BIOS has to leave them (seed 1.1.2)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState


@pytest.mark.requirement("S01")
def test_hyper_threading_is_off(dut: DutState) -> None:
    """Steps: read smt/active. Verify: no CPU shares its core with another."""
    assert not dut.cpus.hyper_threading, (
        "Hyper-Threading is on: expected /sys/devices/system/cpu/smt/active 0, seen 1"
    )


@pytest.mark.requirement("S02")
def test_every_numa_node_exists_and_has_memory(dut: DutState, deployment: Deployment) -> None:
    """Steps: read the nodes of sysfs. Verify: each node of the bench is there, with memory."""
    wanted = deployment.bench.dut.numa_nodes
    missing = [node for node in wanted if node not in dut.numa_nodes]
    assert not missing, f"NUMA nodes {missing} are missing: the machine has {list(dut.numa_nodes)}"
    empty = [node for node in wanted if dut.numa_nodes[node].total_kb == 0]
    assert not empty, f"NUMA nodes {empty} have no memory"
