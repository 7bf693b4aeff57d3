"""The DPDK source tree of a deployment, and DPVS's patches for it (seed 2.1.1).

Nothing is compiled on the simulated DUT, so the tree has only the files that the patches touch,
with stand-ins for their content; each patch has upstream's name, touches upstream's files, and
applies and reverses with patch(1).
"""

from collections.abc import Iterable, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Final

from softlab.emulated.spec import Spec

#: DPVS's folder of patches to the files that each touches; of 1.8 those that the article lists.
_PATCHES: Final[Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]]] = {
    "1.8": (
        "dpdk-stable-18.11.2",
        {
            "0001-kni-use-netlink-event-for-multicast-driver-part": ("kernel/linux/kni/kni_net.c",),
            "0002-net-support-variable-IP-header-len-for-checksum-API": (
                "lib/librte_net/rte_ip.h",
            ),
            "0003-driver-kni-enable-flow_item-type-comparsion-in-flow_": (
                "drivers/net/mlx5/mlx5_flow.c",
            ),
            "0004-rm-rte_experimental-attribute-of-rte_memseg_walk": (
                "lib/librte_eal/common/eal_common_memory.c",
                "lib/librte_eal/common/include/rte_memory.h",
            ),
            "0005-enable-pdump-and-change-dpdk-pdump-tool-for-dpvs": (
                "app/pdump/main.c",
                "config/common_base",
                "lib/librte_pdump/rte_pdump.c",
                "lib/librte_pdump/rte_pdump.h",
            ),
            "0006-enable-dpdk-eal-memory-debug": (
                "config/common_base",
                "lib/librte_eal/common/include/rte_malloc.h",
                "lib/librte_eal/common/rte_malloc.c",
            ),
        },
    ),
    "1.9": (
        "dpdk-stable-20.11.10",
        {
            "0001-kni-use-netlink-event-for-multicast-driver-part": ("kernel/linux/kni/kni_net.c",),
            "0002-pdump-change-dpdk-pdump-tool-for-dpvs": (
                "app/pdump/main.c",
                "lib/librte_pdump/rte_pdump.c",
                "lib/librte_pdump/rte_pdump.h",
            ),
            "0003-debug-enable-dpdk-eal-memory-debug": (
                "lib/librte_eal/common/rte_malloc.c",
                "lib/librte_eal/include/rte_malloc.h",
            ),
            "0004-ixgbe_flow-patch-ixgbe-fdir-rte_flow-for-dpvs": (
                "drivers/net/ixgbe/ixgbe_flow.c",
            ),
            "0005-bonding-allow-slaves-from-different-numa-nodes": (
                "drivers/net/bonding/rte_eth_bond_pmd.c",
            ),
            "0006-bonding-fix-problem-in-mode-4-dropping-multicast-pac": (
                "drivers/net/bonding/rte_eth_bond_pmd.c",
            ),
            "0007-bonding-device-sends-packets-with-user-specified-sal": (
                "drivers/net/bonding/rte_eth_bond_pmd.c",
                "lib/librte_mbuf/rte_mbuf.h",
            ),
        },
    ),
    "1.10": (
        "dpdk-24.11",
        {
            "0001-pdump-add-cmdline-packet-filters-for-dpdk-pdump-tool": (
                "app/pdump/main.c",
                "lib/pdump/rte_pdump.c",
                "lib/pdump/rte_pdump.h",
            ),
            "0002-debug-enable-dpdk-eal-memory-debug": (
                "lib/eal/common/rte_malloc.c",
                "lib/eal/include/rte_malloc.h",
            ),
            "0003-ixgbe_flow-patch-ixgbe-fdir-rte_flow-for-dpvs": (
                "drivers/net/ixgbe/ixgbe_flow.c",
            ),
            "0004-bonding-allow-slaves-from-different-numa-nodes": (
                "drivers/net/bonding/rte_eth_bond_pmd.c",
            ),
            "0005-bonding-fix-problem-in-mode-4-dropping-multicast-pac": (
                "drivers/net/bonding/rte_eth_bond_pmd.c",
            ),
            "0006-bonding-device-supports-sending-packets-from-user-sp": (
                "drivers/net/bonding/rte_eth_bond_pmd.c",
                "lib/mbuf/rte_mbuf.h",
            ),
        },
    ),
}


def source_files(spec: Spec) -> dict[Path, str]:
    """All files by path below /opt/dpvs: `src/patch/...` and the tree below `dpdk`."""
    family = ".".join(spec.dpvs_version.split(".")[:2])
    folder, patches = _PATCHES.get(family, _PATCHES["1.10"])
    release = folder.rpartition("-")[2]
    files = {Path("dpdk/VERSION"): f"{release}\n"}
    applied: list[str] = []
    for name, touched in patches.items():
        text = "".join(
            _difference(path, patches, applied, [*applied, name]) for path in sorted(touched)
        )
        files[Path("src/patch", folder, f"{name}.patch")] = f"Subject: {name}\n\n---\n{text}"
        applied.append(name)
    there = [name for name in patches if name not in spec.unapplied_patches]
    for path in sorted({path for touched in patches.values() for path in touched}):
        files[Path("dpdk", path)] = _content(path, patches, there)
    return files


def _difference(
    path: str, patches: Mapping[str, tuple[str, ...]], before: Iterable[str], after: Iterable[str]
) -> str:
    lines = unified_diff(
        _content(path, patches, before).splitlines(keepends=True),
        _content(path, patches, after).splitlines(keepends=True),
        f"a/{path}",
        f"b/{path}",
    )
    return "".join(lines)


def _content(path: str, patches: Mapping[str, tuple[str, ...]], applied: Iterable[str]) -> str:
    """A stand-in for a source file: a part of its own for each patch, so that none needs another.

    Within a part three lines on either side of the patched one are found nowhere else, which is
    what patch(1) goes by.
    """
    names = set(applied)
    parts = [f"/* {path}: stands for DPDK's file of this name. */\n"]
    for name, touched in patches.items():
        if path in touched:
            around = [f"/* {path} {name[:4]} {number} */\n" for number in range(1, 7)]
            patched = [f"/* {path} {name} is applied */\n"] if name in names else []
            parts += [*around[:3], *patched, *around[3:]]
    return "".join(parts)
