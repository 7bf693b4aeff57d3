"""What a CentOS 7.9 on the article's machine has in store: modules, PCI devices, packages.

Sizes of modules are those of the 3.10 kernel where they were known, else of that order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NIANTIC: Final = ((0x8086, 0x10FB), (0x8086, 0x154D), (0x8086, 0x1528), (0x8086, 0x1563))
POWERVILLE: Final = ((0x8086, 0x1521), (0x8086, 0x1533))


@dataclass(frozen=True, slots=True)
class Module:
    """A kernel module: where its file is, what it needs, what it drives.

    `path` is below /lib/modules/$(uname -r)/kernel; None for those built with DPDK. `parameters`
    maps a name to (description, type, value when not given). `driver` is the PCI driver that the
    module registers, `ids` that driver's own (vendor, device) table; `nodes` are the device files
    that exist while it is loaded.
    """

    name: str
    path: str | None
    description: str
    size: int
    depends: tuple[str, ...] = ()
    license: str = "GPL"
    author: str = ""
    version: str = ""
    parameters: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    driver: str | None = None
    ids: tuple[tuple[int, int], ...] = ()
    nodes: tuple[str, ...] = ()


_MODULES: Final = (
    Module("uio", "drivers/uio/uio.ko", "Userspace I/O core module", 19338, license="GPL v2"),
    Module(
        "uio_pci_generic",
        "drivers/uio/uio_pci_generic.ko",
        "Generic UIO driver for PCI 2.3 devices",
        12588,
        depends=("uio",),
        license="GPL v2",
        author="Michael S. Tsirkin <mst@redhat.com>",
        version="0.01.0",
        driver="uio_pci_generic",
    ),
    Module(
        "igb_uio",
        None,
        "UIO driver for Intel IGB PCI cards",
        13506,
        depends=("uio",),
        author="Intel Corporation",
        parameters={
            "intr_mode": ("igb_uio interrupt mode (default=msix)", "charp", "(null)"),
            "wc_activate": ("Activate support for write combining (WC)", "int", "0"),
        },
        driver="igb_uio",
    ),
    Module(
        "rte_kni",
        None,
        "Kernel Module for managing kni devices",
        26556,
        license="Dual BSD/GPL",
        author="Intel Corporation",
        parameters={
            "lo_mode": ("KNI loopback mode (default=lo_mode_none)", "charp", "(null)"),
            "kthread_mode": ("Kernel thread mode (default=single)", "charp", "(null)"),
            "carrier": (
                "Default carrier state for KNI interface (default=off): off, on",
                "charp",
                "(null)",
            ),
        },
        nodes=("kni",),
    ),
    Module("irqbypass", "virt/lib/irqbypass.ko", "IRQ bypass manager utility module", 13503),
    Module(
        "vfio",
        "drivers/vfio/vfio.ko",
        "VFIO - User Level meta-driver",
        32657,
        license="GPL v2",
        version="0.3",
        parameters={
            "enable_unsafe_noiommu_mode": ("Enable UNSAFE, no-IOMMU mode.", "bool", "N"),
        },
        nodes=("vfio/vfio",),
    ),
    Module(
        "vfio_pci",
        "drivers/vfio/pci/vfio-pci.ko",
        "VFIO PCI - User Level meta-driver",
        41412,
        depends=("vfio", "irqbypass"),
        license="GPL v2",
        version="0.2",
        driver="vfio-pci",
    ),
    Module("tun", "drivers/net/tun.ko", "Universal TUN/TAP device driver", 36164, version="1.6"),
    Module("tap", "drivers/net/tap.ko", "Tap driver", 22777),
    Module("vhost", "drivers/vhost/vhost.ko", "Host kernel accelerator for virtio", 48851),
    Module(
        "vhost_net",
        "drivers/vhost/vhost_net.ko",
        "Host kernel accelerator for virtio net",
        22693,
        depends=("vhost", "tap", "tun"),
        license="GPL v2",
        author="Michael S. Tsirkin",
        version="0.0.1",
        nodes=("vhost-net",),
    ),
    Module("dca", "drivers/dca/dca.ko", "Direct cache access", 15130, version="1.12.1"),
    Module("pps_core", "drivers/pps/pps_core.ko", "LinuxPPS support (RFC 2783)", 19057),
    Module("ptp", "drivers/ptp/ptp.ko", "PTP clocks support", 23551, depends=("pps_core",)),
    Module("mdio", "drivers/net/mdio.ko", "Generic MDIO support", 13807),
    Module("i2c_algo_bit", "drivers/i2c/algos/i2c-algo-bit.ko", "I2C-Bus bit-banging", 13413),
    Module(
        "ixgbe",
        "drivers/net/ethernet/intel/ixgbe/ixgbe.ko",
        "Intel(R) 10 Gigabit PCI Express Network Driver",
        344064,
        depends=("mdio", "ptp", "dca"),
        author="Intel Corporation, <linux.nics@intel.com>",
        version="5.1.0-k-rh7.7",
        parameters={
            "max_vfs": ("Maximum number of virtual functions to allocate", "uint", "0"),
            "allow_unsupported_sfp": ("Allow unsupported and untested SFP+ modules", "uint", "0"),
        },
        driver="ixgbe",
        ids=NIANTIC,
    ),
    Module(
        "igb",
        "drivers/net/ethernet/intel/igb/igb.ko",
        "Intel(R) Gigabit Ethernet Network Driver",
        212992,
        depends=("i2c_algo_bit", "ptp", "dca"),
        author="Intel Corporation, <e1000-devel@lists.sourceforge.net>",
        version="5.4.0-k",
        driver="igb",
        ids=POWERVILLE,
    ),
    Module("libcrc32c", "lib/libcrc32c.ko", "CRC32c (Castagnoli) calculations", 12644),
    Module(
        "xfs", "fs/xfs/xfs.ko", "SGI XFS with ACLs, security attributes", 997127, ("libcrc32c",)
    ),
    Module(
        "megaraid_sas",
        "drivers/scsi/megaraid/megaraid_sas.ko",
        "Avago MegaRAID SAS Driver",
        171345,
        driver="megaraid_sas",
        ids=((0x1000, 0x005D),),
    ),
)
#: Device files that systemd makes at each boot (kmod static-nodes), and the module that the kernel
#: loads when one is opened.
STATIC_NODES: Final = {"vhost-net": "vhost_net"}
MODULES: Final[Mapping[str, Module]] = {module.name: module for module in _MODULES}
#: Loaded when the machine is switched on, first first.
LOADED_AT_BOOT: Final = (
    "libcrc32c",
    "xfs",
    "megaraid_sas",
    "dca",
    "pps_core",
    "ptp",
    "mdio",
    "i2c_algo_bit",
    "igb",
    "ixgbe",
)
#: Drivers whose devices the kernel shows as network interfaces.
NETWORK_DRIVERS: Final = frozenset({"ixgbe", "igb"})
#: Drivers that hand a device to user space, as dpdk-devbind.py knows them.
DPDK_DRIVERS: Final = frozenset({"igb_uio", "uio_pci_generic", "vfio-pci"})
#: Built into the kernel: in /sys/module, without the files of a loaded module.
BUILT_IN: Final = ("8250", "kernel", "pcie_aspm", "printk", "rcutree", "tcp_cubic", "workqueue")


@dataclass(frozen=True, slots=True)
class FixedDevice:
    """A PCI device that is no NIC, so that the NICs have to be distinguished from others."""

    address: str
    class_code: int
    model: tuple[int, int]
    subsystem: tuple[int, int]
    revision: int
    numa_node: int
    driver: str | None


FIXED_DEVICES: Final = (
    FixedDevice("0000:00:00.0", 0x060000, (0x8086, 0x6F00), (0x1028, 0x0627), 0x01, 0, None),
    FixedDevice(
        "0000:02:00.0", 0x010400, (0x1000, 0x005D), (0x1028, 0x1F49), 0x02, 0, "megaraid_sas"
    ),
    FixedDevice("0000:0b:00.0", 0x030000, (0x102B, 0x0534), (0x1028, 0x0627), 0x01, 0, None),
)
ROOT_PORT_MODEL: Final = (0x8086, 0x6F04)
SUBSYSTEMS: Final[Mapping[tuple[int, int], tuple[int, int]]] = {
    (0x8086, 0x10FB): (0x8086, 0x000C),
    (0x8086, 0x154D): (0x8086, 0x7B11),
    (0x8086, 0x1521): (0x1028, 0x1F60),
}


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package, as rpm names it."""

    name: str
    version: str
    release: str
    architecture: str = "x86_64"


def packages(kernel: str) -> tuple[Package, ...]:
    """The article's packages (seed 1.2.1) for the running kernel `kernel` (`uname -r`)."""
    version, _, release = kernel.removesuffix(".x86_64").partition("-")
    release = release or "1"
    of_kernel = (
        "kernel",
        "kernel-debug-devel",
        "kernel-devel",
        "kernel-headers",
        "kernel-tools",
        "kernel-tools-libs",
    )
    return tuple(
        sorted(
            [Package(name, version, release) for name in of_kernel] + list(_PACKAGES),
            key=lambda package: package.name,
        )
    )


_PACKAGES: Final = (
    Package("autoconf", "2.69", "11.el7", "noarch"),
    Package("automake", "1.13.4", "3.el7", "noarch"),
    Package("bash", "4.2.46", "34.el7"),
    Package("binutils", "2.27", "44.base.el7"),
    Package("bison", "3.0.4", "2.el7"),
    Package("centos-release", "7", "9.2009.1.el7.centos"),
    Package("coreutils", "8.22", "24.el7_9.2"),
    Package("elfutils-libelf-devel", "0.176", "5.el7"),
    Package("ethtool", "4.8", "10.el7"),
    Package("flex", "2.5.37", "6.el7"),
    Package("gcc", "4.8.5", "44.el7"),
    Package("gcc-c++", "4.8.5", "44.el7"),
    Package("gdb", "7.6.1", "120.el7"),
    Package("git", "1.8.3.1", "23.el7_8"),
    Package("glibc", "2.17", "324.el7_9"),
    Package("glibc-devel", "2.17", "324.el7_9"),
    Package("glibc-headers", "2.17", "324.el7_9"),
    Package("iproute", "4.11.0", "30.el7"),
    Package("kmod", "20", "28.el7"),
    Package("kmod-libs", "20", "28.el7"),
    Package("libnl", "1.1.4", "3.el7"),
    Package("libnl-devel", "1.1.4", "3.el7"),
    Package("libnl3", "3.2.28", "4.el7"),
    Package("libnl3-devel", "3.2.28", "4.el7"),
    Package("libpcap", "1.5.3", "12.el7"),
    Package("libpcap-devel", "1.5.3", "12.el7"),
    Package("libtool", "2.4.2", "22.el7_3"),
    Package("make", "3.82", "24.el7"),
    Package("numactl", "2.0.12", "5.el7"),
    Package("numactl-devel", "2.0.12", "5.el7"),
    Package("numactl-libs", "2.0.12", "5.el7"),
    Package("openssh-server", "7.4p1", "21.el7"),
    Package("openssl", "1.0.2k", "21.el7_9"),
    Package("openssl-devel", "1.0.2k", "21.el7_9"),
    Package("openssl-libs", "1.0.2k", "21.el7_9"),
    Package("patch", "2.7.1", "12.el7_7"),
    Package("pciutils", "3.5.1", "3.el7"),
    Package("pkgconfig", "0.27.1", "4.el7"),
    Package("popt", "1.13", "16.el7"),
    Package("popt-devel", "1.13", "16.el7"),
    Package("popt-static", "1.13", "16.el7"),
    Package("python3", "3.6.8", "18.el7"),
    Package("rpm", "4.11.3", "45.el7"),
    Package("rpm-build", "4.11.3", "45.el7"),
    Package("tcpdump", "4.9.2", "4.el7_7.1"),
    Package("util-linux", "2.23.2", "65.el7_9.1"),
    Package("yum", "3.4.3", "168.el7.centos", "noarch"),
)
