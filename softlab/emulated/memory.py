"""Hugepages and what they leave of each node's memory.

As in Linux (mm/hugetlb.c): a request for more pages than a node has memory for is granted in part
and without an error, and pages that a process holds are not given back, they become surplus until
that process lets go of them.
"""

import errno
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from softlab.emulated.state import PAGE_SIZES, Hardware, RefusedError, logged

#: What the allocator keeps of a node's free memory whatever is asked for (watermarks,
#: fragmentation), in MB.
KEPT_MB = 256


def held(hardware: Hardware, node: int, size: int) -> int:
    """Pages of `size` kB on `node` that processes or files hold."""
    holding = (*hardware.reserved.values(), *hardware.files.values())
    return sum(pages.get((node, size), 0) for pages in holding)


def total(hardware: Hardware, node: int, size: int) -> int:
    """Pages of `size` kB on `node`: what nr_hugepages reads."""
    return max(hardware.hugepages.get((node, size), 0), held(hardware, node, size))


def surplus(hardware: Hardware, node: int, size: int) -> int:
    """Pages beyond what was asked for, still in use by a process."""
    return total(hardware, node, size) - hardware.hugepages.get((node, size), 0)


def free(hardware: Hardware, node: int, size: int) -> int:
    """Pages of `size` kB on `node` that are free."""
    return total(hardware, node, size) - held(hardware, node, size)


def free_kb(hardware: Hardware, node: int) -> int:
    """MemFree of a node in kB: hugepages are gone from it, whether held or not."""
    this = hardware.nodes[node]
    pages = sum(total(hardware, node, size) * size for size in PAGE_SIZES)
    return (this.total_mb - this.system_mb) * 1024 - pages


def request(hardware: Hardware, node: int, size: int, count: int) -> Hardware:
    """Ask `node` for `count` pages of `size` kB in all; fewer are granted when memory is short.

    Raises RefusedError (EINVAL) for a negative count.
    """
    if count < 0:
        raise RefusedError(errno.EINVAL, f"hugepages: {count} is not a number of pages")
    now = hardware.hugepages.get((node, size), 0)
    room = max(free_kb(hardware, node) - KEPT_MB * 1024, 0) // size
    granted = min(count, now + room) if count > now else count
    after = replace(hardware, hugepages={**hardware.hugepages, (node, size): granted})
    if granted < count:
        return logged(
            after,
            f"HugeTLB: allocating {count} of page size {size} kB failed. "
            f"Only allocated {granted} hugepages.",
        )
    return after


def request_anywhere(hardware: Hardware, size: int, count: int) -> Hardware:
    """Ask for `count` pages over all nodes, as evenly as they go: vm.nr_hugepages.

    Raises RefusedError (EINVAL) for a negative count.
    """
    if count < 0:
        raise RefusedError(errno.EINVAL, f"hugepages: {count} is not a number of pages")
    after = replace(
        hardware,
        hugepages={key: pages for key, pages in hardware.hugepages.items() if key[1] != size},
    )
    left, nodes = count, list(hardware.nodes)
    while left and nodes:
        share = {node: left // len(nodes) + (i < left % len(nodes)) for i, node in enumerate(nodes)}
        for node, more in share.items():
            before = after.hugepages.get((node, size), 0)
            after = request(after, node, size, before + more)
            granted = after.hugepages[(node, size)] - before
            left -= granted
            if granted < more:
                nodes.remove(node)
    return after


def reserve(hardware: Hardware, who: int, bytes_per_node: Mapping[int, int]) -> Hardware:
    """Let `who` hold 2 MB pages of each node named for at least so many bytes.

    Raises RefusedError (ENOMEM), in the words of DPDK's EAL, when a node has too few free ones.
    """
    size = PAGE_SIZES[0]
    pages = dict(hardware.reserved.get(who, {}))
    for node, wanted in bytes_per_node.items():
        if node not in hardware.nodes:
            raise RefusedError(errno.EINVAL, f"there is no NUMA node {node}")
        needed = -(-wanted // (size * 1024))
        available = free(hardware, node, size)
        if needed > available:
            raise RefusedError(
                errno.ENOMEM,
                f"Not enough memory available on socket {node}! "
                f"Requested: {needed * size // 1024}MB, available: {available * size // 1024}MB",
            )
        pages[node, size] = pages.get((node, size), 0) + needed
    return replace(hardware, reserved={**hardware.reserved, who: pages})


def release(hardware: Hardware, who: int, left: Sequence[str] = ()) -> Hardware:
    """`who` is gone and its device files are closed; its pages are free again.

    `left`: its files in hugetlbfs that are still there, one for each NUMA node at most. The pages
    of a file stay taken until `let_go`.
    """
    pages = hardware.reserved.get(who, {})
    by_node = sorted({node for node, _ in pages})
    kept = {
        path: {key: count for key, count in pages.items() if key[0] == node}
        for path, node in zip(left, by_node, strict=False)
    }
    return replace(
        hardware,
        reserved={key: pages for key, pages in hardware.reserved.items() if key != who},
        files={**hardware.files, **kept},
        opened={key: modules for key, modules in hardware.opened.items() if key != who},
    )


def let_go(hardware: Hardware, gone: Collection[str]) -> Hardware:
    """Files of hugetlbfs were removed, or unmounted with it: their pages are free again."""
    return replace(
        hardware, files={path: pages for path, pages in hardware.files.items() if path not in gone}
    )
