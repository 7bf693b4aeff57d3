"""Memory and CPUs as files: the NUMA nodes, their hugepages, /proc/meminfo and /proc/cpuinfo."""

from softlab.emulated import memory
from softlab.emulated.state import PAGE_SIZES, Hardware, cpus
from softlab.emulated.text import mask, ranges, text
from softlab.emulated.tree import Directory, Entry, File, Link

_CPU_MODEL = "Intel(R) Xeon(R) CPU E5-2630 v4 @ 2.20GHz"
_CPU_FLAGS = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse "
    "sse2 ss syscall nx pdpe1gb rdtscp lm constant_tsc pni pclmulqdq ssse3 fma cx16 pcid sse4_1 "
    "sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand lahf_lm abm fsgsbase bmi1 avx2 bmi2 erms"
)


def memory_and_cpus(hardware: Hardware) -> dict[str, Entry]:
    """Everything of this module, by path."""
    total, _, _ = _pages(hardware, PAGE_SIZES[0])
    return {
        **_nodes(hardware),
        **_cpus(hardware),
        **_global_hugepages(hardware),
        "proc/meminfo": File(meminfo(hardware).encode()),
        "proc/cpuinfo": File(_cpuinfo(hardware).encode()),
        "proc/nr_hugepages": text(total, "hugepages", str(PAGE_SIZES[0])),
    }


def _nodes(hardware: Hardware) -> dict[str, Entry]:
    base = "sys/devices/system/node"
    every = ranges(hardware.nodes)
    found: dict[str, Entry] = {base: Directory()}
    for name in ("has_cpu", "has_memory", "has_normal_memory", "online", "possible"):
        found[f"{base}/{name}"] = text(every)
    for number in hardware.nodes:
        here = f"{base}/node{number}"
        mine = [cpu for cpu, (socket, _) in cpus(hardware).items() if socket == number]
        distances = " ".join("10" if other == number else "21" for other in hardware.nodes)
        found[f"{here}/cpulist"] = text(ranges(mine))
        found[f"{here}/cpumap"] = text(mask(mine))
        found[f"{here}/distance"] = text(distances)
        found[f"{here}/meminfo"] = File(node_meminfo(hardware, number).encode())
        for cpu in mine:
            found[f"{here}/cpu{cpu}"] = Link(f"../../cpu/cpu{cpu}")
        for size in PAGE_SIZES:
            pool = f"{here}/hugepages/hugepages-{size}kB"
            total = memory.total(hardware, number, size)
            found[f"{pool}/nr_hugepages"] = text(total, "node_hugepages", str(number), str(size))
            found[f"{pool}/free_hugepages"] = text(memory.free(hardware, number, size))
            found[f"{pool}/surplus_hugepages"] = text(memory.surplus(hardware, number, size))
    return found


def _global_hugepages(hardware: Hardware) -> dict[str, Entry]:
    found: dict[str, Entry] = {"sys/kernel/mm/hugepages": Directory()}
    for size in PAGE_SIZES:
        pool = f"sys/kernel/mm/hugepages/hugepages-{size}kB"
        total, free, surplus = _pages(hardware, size)
        for name in ("nr_hugepages", "nr_hugepages_mempolicy"):
            found[f"{pool}/{name}"] = text(total, "hugepages", str(size))
        found[f"{pool}/free_hugepages"] = text(free)
        found[f"{pool}/resv_hugepages"] = text(0)
        found[f"{pool}/surplus_hugepages"] = text(surplus)
        found[f"{pool}/nr_overcommit_hugepages"] = text(0)
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
        f"{base}/online": text(ranges(online)),
        f"{base}/present": text(ranges(online)),
        f"{base}/possible": text(ranges(online)),
        f"{base}/offline": text(""),
        f"{base}/isolated": text(""),
        f"{base}/kernel_max": text(5119),
        f"{base}/smt/active": text(int(active)),
        f"{base}/smt/control": text(hardware.smt, "smt"),
    }
    for cpu, place in online.items():
        topology = f"{base}/cpu{cpu}/topology"
        threads = [other for other, where in online.items() if where == place]
        siblings = [other for other, (socket, _) in online.items() if socket == place[0]]
        found[f"{base}/cpu{cpu}/node{place[0]}"] = Link(f"../../node/node{place[0]}")
        found[f"{topology}/physical_package_id"] = text(place[0])
        found[f"{topology}/core_id"] = text(place[1])
        for name, which in (("thread_siblings", threads), ("core_siblings", siblings)):
            found[f"{topology}/{name}"] = text(mask(which))
            found[f"{topology}/{name}_list"] = text(ranges(which))
    return found


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
    lines = [f"{name + ':':<16}{value:>8} kB\n" for name, value in rows]
    lines += [f"{name + ':':<16}{value:>8}\n" for name, value in counts]
    return (
        "".join(lines) + f"Hugepagesize:   {PAGE_SIZES[0]:>8} kB\nHugetlb:        {hugetlb:>8} kB\n"
    )


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
