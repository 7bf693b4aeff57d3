"""The virtual machine as QEMU's command line: processors, memory, disks, NICs by PCI address.

Each data NIC is behind a PCI host bridge of its NUMA node, as in a machine with two sockets. The
tap of a link goes to a hub of QEMU's, with the NIC on it. Where DPVS is simulated, a second NIC is
on the same hub, with the same MAC: a driver of DPDK's takes the first from the kernel, and the
simulated DPVS, which has no such driver, moves its frames by the second (`driver`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from softlab.spec import GUEST_CPUS, Nic

PROGRAM: Final = "qemu-system-x86_64"
NODES: Final = 2
CPUS_PER_NODE: Final = GUEST_CPUS // NODES
#: Of each node; its hugepages (spec.GUEST_HUGEPAGES) come out of it.
MEMORY_MB: Final = 2304
#: What QEMU calls the NICs, by the kernel driver that they get.
_MODELS: Final = {
    "e1000e": "e1000e",
    "vmxnet3": "vmxnet3",
    "virtio-pci": "virtio-net-pci",
    "igb": "igb",
}
#: The number of the PCI bus of each node's host bridge; its slots are the buses that follow.
BUS: Final = (0x20, 0x40)
#: From this slot of a node's host bridge on: the second NICs.
_SECOND: Final = 8


@dataclass(frozen=True, slots=True)
class Disks:
    """`root`: written to, over `image`'s disk. `seed`: a tar, read once."""

    kernel: Path
    initrd: Path
    root: Path
    seed: Path


def second_pci(nic: Nic) -> str:
    """The PCI address of the NIC that carries the frames of `nic` while DPDK has it."""
    bus, slot = _place(nic)
    return f"0000:{bus + 1 + slot + _SECOND:02x}:00.0"


def _place(nic: Nic) -> tuple[int, int]:
    """Bus of the host bridge, and which of its slots (from 0 on) a NIC is in."""
    assert nic.pci is not None
    base = BUS[nic.numa_node]
    return base, int(nic.pci.split(":")[1], 16) - base - 1


def command(
    nics: Sequence[Nic],
    management: tuple[str, str],
    taps: dict[str, str],
    disks: Disks,
    directory: Path,
    *,
    accelerator: str,
    second: bool,
) -> list[str]:
    """The whole command. `management`: tap and MAC; `taps`: NIC's name to the tap of its link.

    `second`: whether each NIC has another one for its frames. The console's log goes into
    `directory`.
    """
    words = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-name", "lb01"]
    words += ["-machine", "q35", "-accel", accelerator, "-cpu", _CPU[accelerator]]
    words += ["-smp", f"{NODES * CPUS_PER_NODE},sockets={NODES},cores={CPUS_PER_NODE},threads=1"]
    words += ["-m", f"{NODES * MEMORY_MB}M"]
    for node in range(NODES):
        words += ["-object", f"memory-backend-ram,id=memory{node},size={MEMORY_MB}M"]
        cpus = f"{node * CPUS_PER_NODE}-{(node + 1) * CPUS_PER_NODE - 1}"
        words += ["-numa", f"node,nodeid={node},cpus={cpus},memdev=memory{node}"]
    words += ["-kernel", str(disks.kernel), "-initrd", str(disks.initrd), "-append", _KERNEL_LINE]
    words += ["-device", "intel-iommu,intremap=off"]
    words += ["-drive", f"file={disks.root},if=none,id=root,format=qcow2,cache=unsafe"]
    words += ["-device", "virtio-blk-pci,drive=root,addr=0x4"]
    words += ["-drive", f"file={disks.seed},if=none,id=seed,format=raw,readonly=on"]
    words += ["-device", "virtio-blk-pci,drive=seed,addr=0x5"]
    words += ["-object", "rng-random,id=random,filename=/dev/urandom"]
    words += ["-device", "virtio-rng-pci,rng=random,addr=0x6"]
    words += ["-serial", f"file:{directory / 'lb01.console'}", "-monitor", "none"]
    tap, mac = management
    words += _tap("management", tap)
    words += ["-device", f"virtio-net-pci,netdev=management,mac={mac},addr=0x3"]
    for node, bus in enumerate(BUS[:NODES]):
        words += ["-device", f"pxb-pcie,id=node{node},bus_nr={bus},numa_node={node},bus=pcie.0"]
    ports = [(nic, _place(nic)[1], _MODELS[nic.kernel_driver]) for nic in nics]
    if second:
        ports += [(nic, _place(nic)[1] + _SECOND, "virtio-net-pci") for nic in nics]
    # The firmware numbers buses by slot, and an empty port takes a number as well.
    for node in range(NODES):
        highest = max((slot for nic, slot, _ in ports if nic.numa_node == node), default=-1)
        for slot in range(highest + 1):
            words += ["-device", f"pcie-root-port,id=n{node}s{slot},bus=node{node},addr={slot:#x}"]
            words[-1] += f",chassis={BUS[node] + slot},hotplug=off"
    for number, nic in enumerate(nics):
        words += _tap(f"tap-{nic.name}", taps[nic.name])
        words += ["-netdev", f"hubport,id=hub-{nic.name},hubid={number},netdev=tap-{nic.name}"]
    for nic, slot, model in ports:
        name = f"{nic.name}-{slot}"
        words += ["-netdev", f"hubport,id={name},hubid={nics.index(nic)}"]
        words += ["-device", f"{model},netdev={name},mac={nic.mac},bus=n{nic.numa_node}s{slot}"]
    return words


#: Wider vectors are slower where QEMU translates them, and programs use what there is.
_CPU: Final = {"tcg": "Westmere,+rdrand,+pdpe1gb", "kvm": "max"}
_KERNEL_LINE: Final = (
    "root=/dev/vda rw console=ttyS0 quiet panic=5 mitigations=off net.ifnames=1 "
    # Else each hugepage is cleared when it is reserved, one memory access after the other.
    "init_on_alloc=0 intel_iommu=on iommu=pt"
)


def _tap(name: str, interface: str) -> list[str]:
    options = "script=no,downscript=no,vnet_hdr=off"
    return ["-netdev", f"tap,id={name},ifname={interface},{options}"]
