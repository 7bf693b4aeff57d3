"""CPU and NUMA as the BIOS has to set them (deployment guide, 1.1.2)."""

from __future__ import annotations

from dpvs_acceptance.testbed import LoadBalancer
from fixtures.checks import requirement


@requirement("S01", core=True)
def test_hyper_threading_is_off(lb: LoadBalancer) -> None:
    """Steps: read smt/active. Verify: no CPU shares its core with another."""
    assert not lb.state.cpus.hyper_threading, (
        "Hyper-Threading is on: expected /sys/devices/system/cpu/smt/active 0, seen 1"
    )


@requirement("S02", core=True)
def test_every_numa_node_exists_and_has_memory(lb: LoadBalancer) -> None:
    """Steps: read the nodes of sysfs. Verify: each node of the bench is there, with memory."""
    wanted, nodes = lb.bench.dut.numa_nodes, lb.state.numa_nodes
    missing = [node for node in wanted if node not in nodes]
    assert not missing, f"NUMA nodes {missing} are missing: the machine has {list(nodes)}"
    empty = [node for node in wanted if nodes[node].total_kb == 0]
    assert not empty, f"NUMA nodes {empty} have no memory"
