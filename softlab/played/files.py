"""The played hardware as files: sysfs, and the few of /proc that tell of hardware.

Paths are those below `sys/` and `proc/`; what a write to a file means is its `store`, read by
`controls`. Layouts are Linux's (Documentation/ABI); what is not played shines through. In `ready/`
are answers of commands that are asked so often that starting an interpreter each time would tell.
"""

from collections.abc import Mapping

from softlab.played import memory, modules, pci
from softlab.played.catalogue import BUILT_IN
from softlab.played.commands import lspci
from softlab.played.state import PAGE_SIZES, Hardware, PciDevice, cpus
from softlab.played.tree import Directory, Entry, File, Link, Tree

#: Where the daemon has the sysfs of the host's own network namespace.
REAL_SYSFS = "/sys"
_CPU_MODEL = "Intel(R) Xeon(R) CPU E5-2630 v4 @ 2.20GHz"
_CPU_FLAGS = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse "
    "sse2 ss syscall nx pdpe1gb rdtscp lm constant_tsc pni pclmulqdq ssse3 fma cx16 pcid sse4_1 "
    "sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand lahf_lm abm fsgsbase bmi1 avx2 bmi2 erms"
)


def render(hardware: Hardware, netdevs: Mapping[str, str]) -> Tree:
    """All files for this state; `netdevs` maps an interface of the host to its PCI address."""
    shown = {
        name: hardware.devices[address]
        for name, address in netdevs.items()
        if pci.has_netdev(hardware.devices[address])
    }
    return Tree.of(
        {
            "": Directory(),
            "sys": Directory(REAL_SYSFS),
            "sys/bus": Directory(f"{REAL_SYSFS}/bus"),
            "sys/class": Directory(f"{REAL_SYSFS}/class", hide=("uio",)),
            "sys/class/net": Directory(f"{REAL_SYSFS}/class/net"),
            "sys/class/iommu": Directory(),
            "sys/devices": Directory(f"{REAL_SYSFS}/devices", hide=("pci*",)),
            "sys/devices/system": Directory(f"{REAL_SYSFS}/devices/system"),
            "sys/devices/virtual": Directory(f"{REAL_SYSFS}/devices/virtual"),
            "sys/devices/virtual/net": Directory(
                f"{REAL_SYSFS}/devices/virtual/net", hide=tuple(shown)
            ),
            "sys/kernel": Directory(f"{REAL_SYSFS}/kernel"),
            "sys/kernel/mm": Directory(f"{REAL_SYSFS}/kernel/mm"),
            **_nodes(hardware),
            **_cpus(hardware),
            **_global_hugepages(hardware),
            **_pci_bus(hardware),
            **_netdevs(shown),
            **_modules(hardware),
            **_proc(hardware),
            f"ready/lspci{lspci.ASKED_OFTEN}": File(_lspci(hardware).encode()),
        }
    )


def _text(text: object, *store: str) -> File:
    return File(f"{text}\n".encode(), store)


def _nodes(hardware: Hardware) -> dict[str, Entry]:
    base = "sys/devices/system/node"
    every = ranges(hardware.nodes)
    found: dict[str, Entry] = {base: Directory()}
    for name in ("has_cpu", "has_memory", "has_normal_memory", "online", "possible"):
        found[f"{base}/{name}"] = _text(every)
    for number in hardware.nodes:
        here = f"{base}/node{number}"
        mine = [cpu for cpu, (socket, _) in cpus(hardware).items() if socket == number]
        distances = " ".join("10" if other == number else "21" for other in hardware.nodes)
        found[f"{here}/cpulist"] = _text(ranges(mine))
        found[f"{here}/cpumap"] = _text(mask(mine))
        found[f"{here}/distance"] = _text(distances)
        found[f"{here}/meminfo"] = File(node_meminfo(hardware, number).encode())
        for cpu in mine:
            found[f"{here}/cpu{cpu}"] = Link(f"../../cpu/cpu{cpu}")
        for size in PAGE_SIZES:
            pool = f"{here}/hugepages/hugepages-{size}kB"
            total = memory.total(hardware, number, size)
            found[f"{pool}/nr_hugepages"] = _text(total, "node_hugepages", str(number), str(size))
            found[f"{pool}/free_hugepages"] = _text(memory.free(hardware, number, size))
            found[f"{pool}/surplus_hugepages"] = _text(memory.surplus(hardware, number, size))
    return found


def _global_hugepages(hardware: Hardware) -> dict[str, Entry]:
    found: dict[str, Entry] = {"sys/kernel/mm/hugepages": Directory()}
    for size in PAGE_SIZES:
        pool = f"sys/kernel/mm/hugepages/hugepages-{size}kB"
        total, free, surplus = _pages(hardware, size)
        for name in ("nr_hugepages", "nr_hugepages_mempolicy"):
            found[f"{pool}/{name}"] = _text(total, "hugepages", str(size))
        found[f"{pool}/free_hugepages"] = _text(free)
        found[f"{pool}/resv_hugepages"] = _text(0)
        found[f"{pool}/surplus_hugepages"] = _text(surplus)
        found[f"{pool}/nr_overcommit_hugepages"] = _text(0)
    return found


def _pages(hardware: Hardware, size: int) -> tuple[int, int, int]:
    total = sum(memory.total(hardware, node, size) for node in hardware.nodes)
    free = sum(memory.free(hardware, node, size) for node in hardware.nodes)
    return total, free, sum(memory.surplus(hardware, node, size) for node in hardware.nodes)


def node_meminfo(hardware: Hardware, number: int) -> str:
    """/sys/devices/system/node/nodeN/meminfo: kB, and pages of the default size (2 MB)."""
    node = hardware.nodes[number]
    size, free = PAGE_SIZES[0], memory.free_kb(hardware, number)
    rows = (
        ("MemTotal:", f"{node.total_mb * 1024:>8} kB"),
        ("MemFree:", f"{free:>8} kB"),
        ("MemUsed:", f"{node.total_mb * 1024 - free:>8} kB"),
        ("HugePages_Total:", f" {memory.total(hardware, number, size):>5}"),
        ("HugePages_Free:", f" {memory.free(hardware, number, size):>5}"),
        ("HugePages_Surp:", f" {memory.surplus(hardware, number, size):>5}"),
    )
    return "".join(f"Node {number} {name:<16}{value}\n" for name, value in rows)


def _cpus(hardware: Hardware) -> dict[str, Entry]:
    base = "sys/devices/system/cpu"
    online = cpus(hardware)
    active = hardware.smt == "on"
    found: dict[str, Entry] = {
        base: Directory(),
        f"{base}/online": _text(ranges(online)),
        f"{base}/present": _text(ranges(online)),
        f"{base}/possible": _text(ranges(online)),
        f"{base}/offline": _text(""),
        f"{base}/isolated": _text(""),
        f"{base}/kernel_max": _text(5119),
        f"{base}/smt/active": _text(int(active)),
        f"{base}/smt/control": _text(hardware.smt, "smt"),
    }
    for cpu, place in online.items():
        topology = f"{base}/cpu{cpu}/topology"
        threads = [other for other, where in online.items() if where == place]
        siblings = [other for other, (socket, _) in online.items() if socket == place[0]]
        found[f"{base}/cpu{cpu}/node{place[0]}"] = Link(f"../../node/node{place[0]}")
        found[f"{topology}/physical_package_id"] = _text(place[0])
        found[f"{topology}/core_id"] = _text(place[1])
        for name, which in (("thread_siblings", threads), ("core_siblings", siblings)):
            found[f"{topology}/{name}"] = _text(mask(which))
            found[f"{topology}/{name}_list"] = _text(ranges(which))
    return found


def _pci_bus(hardware: Hardware) -> dict[str, Entry]:
    bus = "sys/bus/pci"
    found: dict[str, Entry] = {
        bus: Directory(),
        f"{bus}/devices": Directory(),
        f"{bus}/slots": Directory(),
        f"{bus}/drivers_autoprobe": _text(1),
        f"{bus}/drivers_probe": File(b"", ("drivers_probe",), write_only=True),
    }
    for driver in pci.drivers(hardware):
        here = f"{bus}/drivers/{driver}"
        for name in ("bind", "unbind", "new_id"):
            found[f"{here}/{name}"] = File(b"", (name, driver), write_only=True)
        module = _module_of(hardware, driver)
        if module is not None:
            found[f"{here}/module"] = Link(f"../../../../module/{module}")
            found[f"sys/module/{module}/drivers/pci:{driver}"] = Link(
                f"../../../bus/pci/drivers/{driver}"
            )
    numbers = modules.uio_numbers(hardware)
    for address, device in hardware.devices.items():
        found[f"{bus}/devices/{address}"] = Link(f"../../../devices/{device.directory}")
        if device.driver is not None:
            found[f"{bus}/drivers/{device.driver}/{address}"] = Link(
                f"../../../../devices/{device.directory}"
            )
        found |= _device(hardware, device)
        if address in numbers:
            uio = f"uio{numbers[address]}"
            place = f"sys/devices/{device.directory}/uio/{uio}"
            found[f"{place}/name"] = _text(device.driver)
            found[f"sys/class/uio/{uio}"] = Link(f"../../devices/{device.directory}/uio/{uio}")
    return found


def _module_of(hardware: Hardware, driver: str) -> str | None:
    for name, entry in hardware.modules.items():
        if entry.module.driver == driver:
            return name
    return None


def _device(hardware: Hardware, device: PciDevice) -> dict[str, Entry]:
    here = f"sys/devices/{device.directory}"
    up = "../" * (device.directory.count("/") + 1)
    local = [cpu for cpu, (socket, _) in cpus(hardware).items() if socket == device.numa_node]
    vendor, model = device.model
    uevent = [f"DRIVER={device.driver}"] if device.driver else []
    uevent += [
        f"PCI_CLASS={device.class_code:X}",
        f"PCI_ID={vendor:04X}:{model:04X}",
        f"PCI_SUBSYS_ID={device.subsystem[0]:04X}:{device.subsystem[1]:04X}",
        f"PCI_SLOT_NAME={device.address}",
        f"MODALIAS={_modalias(device)}",
    ]
    found: dict[str, Entry] = {
        here: Directory(),
        f"{here}/vendor": _text(f"0x{vendor:04x}"),
        f"{here}/device": _text(f"0x{model:04x}"),
        f"{here}/subsystem_vendor": _text(f"0x{device.subsystem[0]:04x}"),
        f"{here}/subsystem_device": _text(f"0x{device.subsystem[1]:04x}"),
        f"{here}/class": _text(f"0x{device.class_code:06x}"),
        f"{here}/revision": _text(f"0x{device.revision:02x}"),
        f"{here}/numa_node": _text(device.numa_node),
        f"{here}/local_cpus": _text(mask(local)),
        f"{here}/local_cpulist": _text(ranges(local)),
        f"{here}/enable": _text(int(device.driver is not None)),
        f"{here}/modalias": _text(_modalias(device)),
        f"{here}/uevent": _text("\n".join(uevent)),
        f"{here}/config": File(_config_space(device)),
        f"{here}/driver_override": _text(
            device.override or "(null)", "driver_override", device.address
        ),
        f"{here}/subsystem": Link(f"{up}../bus/pci"),
    }
    if device.driver is not None:
        found[f"{here}/driver"] = Link(f"{up}../bus/pci/drivers/{device.driver}")
    return found


def _modalias(device: PciDevice) -> str:
    vendor, model = device.model
    code = f"{device.class_code:06X}"
    return (
        f"pci:v{vendor:08X}d{model:08X}sv{device.subsystem[0]:08X}sd{device.subsystem[1]:08X}"
        f"bc{code[:2]}sc{code[2:4]}i{code[4:]}"
    )


def _config_space(device: PciDevice) -> bytes:
    """The 64 bytes of the header that everybody may read, padded to the 256 of the file."""
    space = bytearray(256)
    space[0:2] = device.model[0].to_bytes(2, "little")
    space[2:4] = device.model[1].to_bytes(2, "little")
    space[4:6] = (0x0546 if device.driver else 0x0440).to_bytes(2, "little")
    space[8] = device.revision
    space[9:12] = device.class_code.to_bytes(3, "little")
    space[14] = 0x01 if device.class_code == 0x060400 else 0x00
    space[44:46] = device.subsystem[0].to_bytes(2, "little")
    space[46:48] = device.subsystem[1].to_bytes(2, "little")
    return bytes(space)


def _netdevs(shown: Mapping[str, PciDevice]) -> dict[str, Entry]:
    """A NIC's netdev in the place of one with a PCI parent: all its own, plus `device`."""
    found: dict[str, Entry] = {}
    for name, device in shown.items():
        here = f"sys/devices/{device.directory}/net/{name}"
        up = "../" * (device.directory.count("/") + 3)
        found[f"sys/class/net/{name}"] = Link(f"../../devices/{device.directory}/net/{name}")
        found[here] = Directory(f"{REAL_SYSFS}/devices/virtual/net/{name}")
        found[f"{here}/device"] = Link(f"../../../{device.address}")
        found[f"{here}/subsystem"] = Link(f"{up}../class/net")
        if device.nic is not None and device.nic.speed != 10000:  # what any veth says by itself
            found[f"{here}/speed"] = _text(device.nic.speed)
    return found


def _modules(hardware: Hardware) -> dict[str, Entry]:
    found: dict[str, Entry] = {"sys/module": Directory()}
    found |= {f"sys/module/{name}": Directory() for name in BUILT_IN}
    for row in modules.rows(hardware):
        here = f"sys/module/{row.name}"
        entry = hardware.modules[row.name]
        found[f"{here}/coresize"] = _text(row.size)
        found[f"{here}/initsize"] = _text(0)
        found[f"{here}/initstate"] = _text("live")
        found[f"{here}/refcnt"] = _text(row.uses)
        found[f"{here}/taint"] = _text("OE" if entry.module.path is None else "")
        found[f"{here}/holders"] = Directory()
        if entry.module.version:
            found[f"{here}/version"] = _text(entry.module.version)
        for other in row.holders:
            found[f"{here}/holders/{other}"] = Link(f"../../{other}")
        for parameter, value in entry.parameters.items():
            found[f"{here}/parameters/{parameter}"] = _text(
                value, "module_parameter", row.name, parameter
            )
    return found


def _proc(hardware: Hardware) -> dict[str, Entry]:
    total, _, _ = _pages(hardware, PAGE_SIZES[0])
    return {
        "proc/meminfo": File(meminfo(hardware).encode()),
        "proc/cpuinfo": File(_cpuinfo(hardware).encode()),
        "proc/modules": File(_proc_modules(hardware).encode()),
        "proc/nr_hugepages": _text(total, "hugepages", str(PAGE_SIZES[0])),
    }


def _lspci(hardware: Hardware) -> str:
    return lspci.asked_often(
        [
            lspci.Device(
                device.address, _config_space(device), device.driver or "", str(device.numa_node)
            )
            for device in hardware.devices.values()
        ]
    )


def meminfo(hardware: Hardware) -> str:
    """/proc/meminfo. Of what the system uses some is cache, as on the article's `free -g`."""
    total = sum(node.total_mb for node in hardware.nodes.values()) * 1024
    free = sum(memory.free_kb(hardware, number) for number in hardware.nodes)
    used = sum(node.system_mb for node in hardware.nodes.values()) * 1024
    cached, buffers = used * 2 // 5, used // 50
    pages, free_pages, surplus = _pages(hardware, PAGE_SIZES[0])
    hugetlb = sum(_pages(hardware, size)[0] * size for size in PAGE_SIZES)
    rows = [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free + cached * 3 // 5),
        ("Buffers", buffers),
        ("Cached", cached),
        ("SwapCached", 0),
        ("Shmem", 9876),
        ("SReclaimable", used // 50),
        ("SwapTotal", 0),
        ("SwapFree", 0),
    ]
    counts = [
        ("HugePages_Total", pages),
        ("HugePages_Free", free_pages),
        ("HugePages_Rsvd", 0),
        ("HugePages_Surp", surplus),
    ]
    text = "".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in rows)
    text += "".join(f"{name + ':':<16}{value:>8}\n" for name, value in counts)
    return text + f"Hugepagesize:   {PAGE_SIZES[0]:>8} kB\nHugetlb:        {hugetlb:>8} kB\n"


def _cpuinfo(hardware: Hardware) -> str:
    online = cpus(hardware)
    sockets = [socket for socket, _ in online.values()]
    blocks = []
    for cpu, (socket, core) in online.items():
        siblings = sockets.count(socket)
        cores = siblings // (2 if hardware.smt == "on" else 1)
        rows = (
            ("processor\t", cpu),
            ("vendor_id\t", "GenuineIntel"),
            ("cpu family\t", 6),
            ("model\t\t", 79),
            ("model name\t", _CPU_MODEL),
            ("stepping\t", 1),
            ("cpu MHz\t\t", "2200.000"),
            ("cache size\t", "25600 KB"),
            ("physical id\t", socket),
            ("siblings\t", siblings),
            ("core id\t\t", core),
            ("cpu cores\t", cores),
            ("flags\t\t", _CPU_FLAGS),
        )
        blocks.append("".join(f"{name}: {value}\n" for name, value in rows))
    return "\n".join(blocks) + "\n"


def _proc_modules(hardware: Hardware) -> str:
    return "".join(
        f"{row.name} {row.size} {row.uses} {','.join((*row.holders, '')) or '-'} "
        "Live 0x0000000000000000\n"
        for row in modules.rows(hardware)
    )


def ranges(numbers: "Mapping[int, object] | list[int]") -> str:
    """A list of CPUs or nodes as the kernel writes it: 0-3,8."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def mask(numbers: list[int]) -> str:
    """A set of CPUs as the kernel writes it: groups of 32 bits in hexadecimal."""
    bits = f"{sum(1 << number for number in numbers):x}"
    groups: list[str] = []
    while bits:
        groups.insert(0, bits[-8:])
        bits = bits[:-8]
    return ",".join(groups)
