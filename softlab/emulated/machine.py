"""The hardware as it acts: every change of state, and what it does to interfaces and /dev."""

import errno
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from softlab import kernel
from softlab.emulated import files, memory, modules, netns, pci
from softlab.emulated.controls import store
from softlab.emulated.spec import Spec
from softlab.emulated.state import Hardware, PciDevice, RefusedError, logged, power_on
from softlab.emulated.tree import Tree

#: /dev/null's numbers: the files are only to be seen. With the real numbers, opening one could make
#: the machine load the real module.
_NULL_DEVICE: Final = os.makedev(1, 3)


class MissingInterfaceError(Exception):
    """A NIC of the spec is not in the host's namespace when the hardware is switched on."""


class Machine:
    """The one owner of a host's emulated hardware.

    `outside` are the interfaces of the host's namespace, `inside` those of this process's own,
    hidden one, where NICs are while no network driver has them. `root` is the host's root.
    """

    def __init__(
        self, spec: Spec, root: Path, outside: netns.Interfaces, inside: netns.Interfaces, pid: int
    ) -> None:
        self.hardware: Hardware
        self._root = root
        self._outside = outside
        self._inside = inside
        self._host_netns = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._hidden_netns = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        #: PCI address to the NIC's index in the namespace that it is in, and its name on the host.
        self._index: dict[str, int] = {}
        self._name: dict[str, str] = {}
        self._logged_at: list[float] = []
        self._mapped: dict[int, tuple[str, ...]] = {}
        self._tree: Tree | None = None
        self._take(power_on(spec, os.uname().release))
        self._adopt(pid)

    def _adopt(self, pid: int) -> None:
        there = self._outside.all()
        for device in self.hardware.devices.values():
            if device.nic is None:
                continue
            if device.nic.name not in there:
                raise MissingInterfaceError(
                    f"{device.nic.name} ({device.address}) is not in the network namespace of "
                    f"process {pid}; there are {', '.join(sorted(there))}"
                )
            self._index[device.address] = there[device.nic.name].index
            self._name[device.address] = device.nic.name

    def tree(self) -> Tree:
        """The files of this moment."""
        self._look_at_files()
        if self._outside.changed() or self._tree is None:
            by_index = {
                index: address
                for address, index in self._index.items()
                if pci.has_netdev(self.hardware.devices[address])
            }
            netdevs = {}
            for interface in self._outside.all().values():
                if interface.index in by_index:
                    address = by_index[interface.index]
                    netdevs[interface.name] = address
                    self._name[address] = interface.name
            self._tree = files.render(self.hardware, netdevs)
        return self._tree

    def write(self, what: tuple[str, ...], text: str) -> None:
        """A write to an emulated file. Raises OSError, as write(2) does."""
        try:
            self.change(lambda hardware: store(hardware, what, text))
        except RefusedError as refused:
            raise OSError(refused.errno, refused.text) from refused

    def change(self, transition: Callable[[Hardware], Hardware]) -> None:
        """Go to another state and do what follows from it.

        Raises RefusedError, and OSError (EIO) when an interface could not follow; either way the
        hardware stays as it was.
        """
        self._look_at_files()
        before = self.hardware
        try:
            after = transition(before)
        except RefusedError as refused:
            if refused.logged:
                self._take(logged(before, refused.text))
            raise
        for address in self._index:
            self._follow(before.devices[address], after.devices[address])
        self._take(after)
        self._device_files(modules.device_nodes(before), modules.device_nodes(after))

    def reserve(self, who: int, bytes_per_node: Mapping[int, int], files: Sequence[str]) -> None:
        """A process takes hugepages, through `files` of a hugetlbfs. Raises as `change`."""
        self.change(lambda hardware: memory.reserve(hardware, who, bytes_per_node))
        self._mapped[who] = (*self._mapped.get(who, ()), *files)

    def gone(self, who: int) -> None:
        """A process that held pages or ports has ended."""
        left = [path for path in self._mapped.pop(who, ()) if self._exists(path)]
        self.change(lambda hardware: memory.release(hardware, who, left))

    def _exists(self, path: str) -> bool:
        return os.path.lexists(self._root / path.lstrip("/"))

    def _look_at_files(self) -> None:
        """Take note of files of hugetlbfs that are gone."""
        gone = [path for path in self.hardware.files if not self._exists(path)]
        if gone:
            self._take(memory.let_go(self.hardware, gone))

    def port(self, device: PciDevice) -> netns.Interface:
        """The interface, in the hidden namespace, of a NIC that is bound for DPDK."""
        index = self._index[device.address]
        for interface in self._inside.all().values():
            if interface.index == index:
                return interface
        raise OSError(errno.ENODEV, f"{device.address} has lost its interface")

    def set_promiscuous(self, device: PciDevice, on: bool) -> None:
        """Switch promiscuous mode of a NIC that is bound for DPDK."""
        self._inside.set_promiscuous(self._index[device.address], on)

    def messages(self) -> list[str]:
        """The kernel's log, as dmesg prints it."""
        return [
            f"[{at:12.6f}] {line}"
            for at, line in zip(self._logged_at, self.hardware.log, strict=True)
        ]

    def _take(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self._tree = None
        missing = len(hardware.log) - len(self._logged_at)
        self._logged_at += [time.monotonic()] * missing

    def _follow(self, before: PciDevice, after: PciDevice) -> None:
        """Have a NIC's interface go where its new driver puts it."""
        address = after.address
        was_visible, visible = pci.has_netdev(before), pci.has_netdev(after)
        hidden_name = "p" + address.replace(":", "-")
        try:
            if was_visible and not visible:
                self._outside.move(self._index[address], self._hidden_netns, hidden_name)
                self._index[address] = self._inside.all()[hidden_name].index
                kernel.offloads_off(hidden_name)
            if not visible and (pci.is_ours(before), was_visible) != (pci.is_ours(after), visible):
                self._inside.set_up(self._index[address], pci.is_ours(after))
            if visible and not was_visible:
                name = self._free_name(self._name[address])
                self._inside.move(self._index[address], self._host_netns, name)
                self._index[address] = self._outside.all()[name].index
        except OSError as error:
            raise OSError(errno.EIO, f"{address}: its interface did not follow: {error}") from error

    def _free_name(self, wanted: str) -> str:
        """The name an interface had, or, where it is taken meanwhile, the next free ethN."""
        there = self._outside.all()
        names = [wanted, *(f"eth{number}" for number in range(256))]
        return next(name for name in names if name not in there)

    def _device_files(self, before: frozenset[str], after: frozenset[str]) -> None:
        for name in before - after:
            (self._root / "dev" / name).unlink(missing_ok=True)
        for name in after - before:
            path = self._root / "dev" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.mknod(path, stat.S_IFCHR | 0o600, _NULL_DEVICE)
