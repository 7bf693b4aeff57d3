"""Hugepages, their mount, and the memory that they take (deployment guide, 2.1.3)."""

from __future__ import annotations

from dpvs_acceptance.testbed import LoadBalancer
from fixtures.checks import requirement

# A pool takes its own size from the system; slab and page cache change by less than this meanwhile.
TOLERANCE = 0.10


@requirement("S09", core=True)
def test_each_numa_node_has_the_hugepages_asked_for(lb: LoadBalancer) -> None:
    """Steps: read nr_hugepages of each node. Verify: at least what the topology asks for."""
    size, wanted = lb.topology.hugepages.size_kb, lb.deployment.hugepages_per_node
    pages = {node: lb.state.hugepages(node, size).total for node in lb.bench.dut.numa_nodes}
    short = [
        f"node {node}: {wanted} pages of {size} kB expected, {seen} seen"
        for node, seen in pages.items()
        if seen < wanted
    ]
    assert not short, "too few hugepages on " + "\n".join(short)


@requirement("S10", core=True)
def test_hugetlbfs_is_mounted(lb: LoadBalancer) -> None:
    """Steps: read /proc/mounts. Verify: hugetlbfs at the topology's mount point."""
    place = lb.topology.hugepages.mount
    mounts = lb.host.mount_point.get_mountpoints()
    kinds = [mount.filesystem for mount in mounts if mount.path == place]
    assert "hugetlbfs" in kinds, f"hugetlbfs is not mounted on {place}: seen {kinds or 'no mount'}"


@requirement("S11", core=True)
def test_reserved_memory_is_not_free(lb: LoadBalancer) -> None:
    """Steps: read each node's meminfo.

    Verify: free memory plus the pool is not more than the node's memory.

    The kernel counts reserved pages as used, whether or not a process has them. If the pool is not
    really there (wrong size, wrong node), more memory is free than possible.
    """
    size = lb.topology.hugepages.size_kb
    wrong = []
    for node in lb.bench.dut.numa_nodes:
        if (memory := lb.state.numa_nodes.get(node)) is None:
            wrong.append(f"node {node} does not exist: the machine has {list(lb.state.numa_nodes)}")
            continue
        pool = lb.state.hugepages(node, size).total * size
        most = memory.total_kb - pool
        if memory.free_kb > most + TOLERANCE * pool:
            wrong.append(
                f"node {node}: {memory.total_kb} kB less a pool of {pool} kB leaves {most} kB, "
                f"but {memory.free_kb} kB are free"
            )
    assert not wrong, "the reserved memory is still free: " + "\n".join(wrong)
