"""Hugepages, their mount, and the memory they really took (seed 2.1.3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState

# A page pool costs the system its own size; slab and page cache move by less than this meanwhile.
TOLERANCE = 0.10


@pytest.mark.requirement("S09")
def test_each_numa_node_has_the_hugepages_asked_for(dut: DutState, deployment: Deployment) -> None:
    """Steps: read nr_hugepages of each node. Verify: at least what the topology asks for."""
    size = deployment.topology.hugepages.size_kb
    wanted = deployment.hugepages_per_node
    short = [
        f"node {node}: {wanted} pages of {size} kB expected, {dut.hugepages(node, size).total} seen"
        for node in deployment.bench.dut.numa_nodes
        if dut.hugepages(node, size).total < wanted
    ]
    assert not short, "hugepages are short on " + "\n".join(short)


@pytest.mark.requirement("S10")
def test_hugetlbfs_is_mounted(dut: DutState, deployment: Deployment) -> None:
    """Steps: read /proc/mounts. Verify: hugetlbfs at the topology's mount point."""
    place = deployment.topology.hugepages.mount
    kinds = [mount.type for mount in dut.mounts if mount.point == place]
    assert "hugetlbfs" in kinds, f"hugetlbfs is not mounted on {place}: seen {kinds or 'no mount'}"


@pytest.mark.requirement("S10")
def test_hugetlbfs_is_mounted_again_after_a_reboot(dut: DutState, deployment: Deployment) -> None:
    """Steps: read /etc/fstab. Verify: it has a hugetlbfs entry for the mount point."""
    place = deployment.topology.hugepages.mount
    entries = [entry for entry in dut.fstab if entry.point == place and entry.type == "hugetlbfs"]
    assert entries, f"after a reboot hugetlbfs is missing: /etc/fstab has no hugetlbfs on {place}"


@pytest.mark.requirement("S11")
def test_the_reserved_memory_is_gone_from_what_is_free(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: read each node's meminfo. Verify: free memory plus the pool fits into the node.

    The kernel counts reserved pages as used whether or not a process has them: a pool that is
    only a number (a wrong size, a pool on another node) leaves more free than the node can have.
    """
    size = deployment.topology.hugepages.size_kb
    wrong = []
    for node in deployment.bench.dut.numa_nodes:
        if (memory := dut.numa_nodes.get(node)) is None:
            wrong.append(f"node {node} does not exist: the machine has {list(dut.numa_nodes)}")
            continue
        pool = dut.hugepages(node, size).total * size
        most = memory.total_kb - pool
        if memory.free_kb > most + TOLERANCE * pool:
            wrong.append(
                f"node {node}: {memory.total_kb} kB less a pool of {pool} kB leaves {most} kB, "
                f"but {memory.free_kb} kB are free"
            )
    assert not wrong, "the reserved memory is not gone: " + "\n".join(wrong)
