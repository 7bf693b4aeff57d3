"""The source trees of a DPVS host: DPVS with its patches for DPDK, and DPDK with them applied.

The files and patches are our own and small. They have the real ones' names and paths, so that
``patch -p1 -R --dry-run`` in the DPDK tree proves or disproves that every patch is applied.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from softlab.simulated.versions import Version

_EARLY = (
    ("0001-kni-use-netlink-event-for-multicast-driver-part.patch", "kernel/linux/kni/kni_net.c"),
    ("0002-net-support-variable-IP-header-len-for-checksum-API.patch", "lib/librte_net/rte_ip.h"),
    (
        "0003-driver-kni-enable-flow_item-type-comparsion-in-flow_.patch",
        "drivers/net/mlx5/mlx5_flow.c",
    ),
    (
        "0004-rm-rte_experimental-attribute-of-rte_memseg_walk.patch",
        "lib/librte_eal/common/include/rte_memory.h",
    ),
    ("0005-enable-pdump-and-change-dpdk-pdump-tool-for-dpvs.patch", "app/pdump/main.c"),
    ("0006-enable-dpdk-eal-memory-debug.patch", "lib/librte_eal/common/rte_malloc.c"),
)
_BOND_PMD = "drivers/net/bonding/rte_eth_bond_pmd.c"
_MODE_4 = "drivers/net/bonding/rte_eth_bond_8023ad.c"
_MIDDLE = (
    ("0001-kni-use-netlink-event-for-multicast-driver-part.patch", "kernel/linux/kni/kni_net.c"),
    ("0002-pdump-change-dpdk-pdump-tool-for-dpvs.patch", "app/pdump/main.c"),
    ("0003-debug-enable-dpdk-eal-memory-debug.patch", "lib/librte_eal/common/rte_malloc.c"),
    ("0004-ixgbe_flow-patch-ixgbe-fdir-rte_flow-for-dpvs.patch", "drivers/net/ixgbe/ixgbe_flow.c"),
    ("0005-bonding-allow-slaves-from-different-numa-nodes.patch", _BOND_PMD),
    ("0006-bonding-fix-problem-in-mode-4-dropping-multicast-pac.patch", _MODE_4),
    ("0007-bonding-device-sends-packets-with-user-specified-sal.patch", "config/rte_config.h"),
)
_LATE = (
    ("0001-pdump-add-cmdline-packet-filters-for-dpdk-pdump-tool.patch", "app/pdump/main.c"),
    ("0002-debug-enable-dpdk-eal-memory-debug.patch", "lib/eal/common/rte_malloc.c"),
    ("0003-ixgbe_flow-patch-ixgbe-fdir-rte_flow-for-dpvs.patch", "drivers/net/ixgbe/ixgbe_flow.c"),
    ("0004-bonding-allow-slaves-from-different-numa-nodes.patch", _BOND_PMD),
    ("0005-bonding-fix-problem-in-mode-4-dropping-multicast-pac.patch", _MODE_4),
    ("0006-bonding-device-supports-sending-packets-from-user-sp.patch", "config/rte_config.h"),
)
_PATCHES = {"18.11.2": _EARLY, "20.11.10": _MIDDLE, "24.11": _LATE}
_PRODUCTS = {
    "18.11.2": ("build/kmod/igb_uio.ko", "build/kmod/rte_kni.ko", "build/lib/libdpdk.a"),
    "20.11.10": ("dpdkbuild/kernel/linux/kni/rte_kni.ko", "dpdklib/lib/pkgconfig/libdpdk.pc"),
    "24.11": ("dpdklib/lib/pkgconfig/libdpdk.pc",),
}


def _before(path: str) -> list[str]:
    name = Path(path).name
    return [
        f"/* {name}: stands for the file of that name in a DPDK source tree. */\n",
        "\n",
        "/* what was here before DPVS's patch */\n",
        "int before_the_patch(void);\n",
        "\n",
        "/* what stays as it is */\n",
        "int common(void);\n",
    ]


def _after(path: str, patch: str) -> list[str]:
    lines = _before(path)
    title = patch[5:].removesuffix(".patch").replace("-", " ")
    lines[3:4] = [
        "int before_the_patch(void);\n",
        f"/* {title} */\n",
        "int added_for_dpvs(void);\n",
    ]
    return lines


def _patch(path: str, name: str) -> str:
    diff = difflib.unified_diff(_before(path), _after(path, name), f"a/{path}", f"b/{path}")
    return f"A stand-in for {name}.\n\n---\n" + "".join(diff)


def lay(home: Path, version: Version) -> None:
    """Write the trees below a host's DPVS home."""
    patches = home / "src" / "patch" / f"dpdk-stable-{version.dpdk}"
    dpdk = home / "dpdk"
    patches.mkdir(parents=True, exist_ok=True)
    if version.dpdk == "24.11":
        # DPVS 1.10 left "stable" out of the folder's name.
        plain = patches.with_name(f"dpdk-{version.dpdk}")
        plain.unlink(missing_ok=True)
        plain.symlink_to(patches.name)
    dpdk.mkdir(parents=True, exist_ok=True)
    (dpdk / "VERSION").write_text(f"{version.dpdk}\n", encoding="utf-8")
    for name, path in _PATCHES[version.dpdk]:
        (patches / name).write_text(_patch(path, name), encoding="utf-8")
        patched = dpdk / path
        patched.parent.mkdir(parents=True, exist_ok=True)
        patched.write_text("".join(_after(path, name)), encoding="utf-8")
    for product in _PRODUCTS[version.dpdk]:
        built = dpdk / product
        built.parent.mkdir(parents=True, exist_ok=True)
        built.write_text(f"stands for the build's {built.name}\n", encoding="utf-8")
    source = home / "src"
    (source / "src").mkdir(exist_ok=True)
    (source / "src" / "VERSION").write_text(f"{version.release}\n", encoding="utf-8")
    (source / "conf").mkdir(exist_ok=True)
