"""Commands that read each kind of host, as data: name of a section and its command.

All commands are read-only. The name of a section is its command or file as typed, or a word for a
script that collects several things. `facts` and the parsers of DPVS's tools parse the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import boot_files, collect
from .batch import Read
from .shell import assignments, sh

Sections = Mapping[str, str | Read]

DPVS = "dpvs"  # group of commands that query the dpvs process
_ASKING = 5.0  # timeout in seconds of DPVS's tools, which have no timeout themselves
# Additional time per service, since ipvsadm queries them one by one: up to 23 ms if lcores share a
# CPU.
_ASKING_EACH = 0.06

CONNECTIONS = "ipvsadm -lnc"
"""All connections, hundreds of thousands of lines on a busy balancer: read where asked for."""

# What DPVS's tools are asked; the first is the question whether DPVS answers at all. With -s and -v
# they print all that they print without, and more. `ipvsadm --version` needs a running DPVS.
_DPVS_READS = (
    "dpip link show",
    "dpip -s -v link show",
    "dpip -s link show cpu",
    "dpip -s addr show",
    "dpip -s -v addr show",
    "dpip route show",
    "dpip -6 route show",
    "dpip neigh show",
    "ipvsadm --version",
    "ipvsadm -ln",
    "ipvsadm -ln --stats",
    "ipvsadm -G",
    CONNECTIONS,
)

TOOLS = ("dpvs", "dpip", "ipvsadm", "keepalived", "dpdk-devbind.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class DutPaths:
    """Locations on a DUT, absolute paths.

    home: directory of DPVS; its tools are in `home`/bin.
    log_file: None: syslog. log_begun: has the length of the log and the time before dpvs's start.
    devbind: dpdk-devbind.py, by path or by name.
    modules: kernel modules whose vermagic is read: names, or paths of .ko files.
    dpvs_source, dpdk_source: the trees whose patches are verified, where both are given.
    files: further files of which the digest is taken.
    services: how many there will be, far more than a few: listing them takes the longer.
    verbose_links: whether DPVS can bear `dpip -s -v link show`; `dpip -s link show` is asked else.
    """

    home: str = "/opt/dpvs"
    conf: str = "/etc/dpvs.conf"
    pid_file: str = "/var/run/dpvs.pid"
    ipc_socket: str = "/var/run/dpvs.ipc"
    log_file: str | None = "/var/log/dpvs.log"
    log_begun: str = "/var/log/dpvs.begun"
    start_log: str = "/var/log/dpvs.start.log"
    devbind: str = "dpdk-devbind.py"
    modules: tuple[str, ...] = ("uio", "igb_uio", "rte_kni", "uio_pci_generic", "vfio_pci")
    dpvs_source: str | None = None
    dpdk_source: str | None = None
    files: tuple[str, ...] = ()
    services: int = 0
    verbose_links: bool = True

    @property
    def module_names(self) -> tuple[str, ...]:
        """The names of `modules`."""
        names = (PurePosixPath(one).name.removesuffix(".ko") for one in self.modules)
        return tuple(dict.fromkeys(("uio", "vfio", *names)))

    def tool(self, name: str) -> str:
        """The path of one of DPVS's own tools."""
        return f"{self.home}/bin/{name}"


def _plain(sections: Mapping[str, str]) -> dict[str, str | Read]:
    """Reads of files, which cannot hang and have no deadline of their own."""
    return {name: Read(command, timeout=None) for name, command in sections.items()}


_COMMON: Mapping[str, str] = {
    "date": "date -u +%Y-%m-%dT%H:%M:%SZ",
    "boot_id": "cat /proc/sys/kernel/random/boot_id",
    "machine_id": "cat /etc/machine-id",
    "hostname": "uname -n",
    "uname -r": "uname -r",
    "/etc/os-release": "cat /etc/os-release",
    "lsmod": "lsmod",
    "net devices": collect.NET_DEVICES,
    "ssh session": collect.SSH_SESSION,
    "ip addr": collect.either("ip -j addr", "ip -o addr"),
    "ip -d link": "ip -d -o link",
    "tunnels": collect.TUNNELS,
    "ovs": collect.OVS,
    "ip link": collect.either("ip -j link", "ip -o link"),
    "ip -4 route": collect.either("ip -j -4 route", "ip -4 route"),
    "ip -6 route": collect.either("ip -j -6 route", "ip -6 route"),
    "ip rule": collect.POLICY_ROUTING,
    "ip neigh": collect.either("ip -j neigh", "ip neigh"),
    "processes": collect.PROCESSES,
}


def at_once(sections: Sections) -> dict[str, str | Read]:
    """What a snapshot of everything reads: without the table of connections."""
    return {name: read for name, read in sections.items() if name != CONNECTIONS}


def client() -> dict[str, str | Read]:
    """Sections of a client."""
    return _plain(_COMMON)


def real_server(readers: tuple[str, ...] = ("toa", "uoa")) -> dict[str, str | Read]:
    """What is read of an RS: a client's sections, its listeners, its readers (`readers`: names)."""
    return _plain(
        {
            **_COMMON,
            # Not by netlink, for which the kernel would load tcp_diag and others.
            "ss -ltnup": "PROC_ROOT=/proc/ ss -ltnup",
            "toa_stats": "cat /proc/net/toa_stats",
            "uoa_stats": "cat /proc/net/uoa_stats",
            "boot files": boot_files.boot_files(readers),
            "file modes": collect.file_modes(collect.FILES),
            "file digests": collect.file_digests(collect.FILES),
            "sysctl": collect.SYSCTLS,
        }
    )


def dut(paths: DutPaths) -> dict[str, str | Read]:
    """Sections of a DUT. Commands that query the dpvs process come last."""
    files = (*collect.FILES, paths.conf, *paths.files)
    read = {
        **_COMMON,
        "cpu": collect.CPU,
        "numa": collect.NUMA,
        "hugepages": collect.HUGEPAGES,
        "/proc/meminfo": "cat /proc/meminfo",
        "/proc/mounts": "cat /proc/mounts",
        "boot files": boot_files.boot_files(paths.module_names),
        "file modes": collect.file_modes(files),
        "file digests": collect.file_digests(files),
        "dpvs process": collect.process_details("dpvs"),
        "vhost-net": "ls -l /dev/vhost-net /dev/net/tun; ls -d /sys/module/vhost_net",
        "modinfo": collect.modinfo(paths.modules),
        "pci net": collect.PCI_NET,
        "tools": collect.tools_in_path(TOOLS),
        "binaries": collect.file_digests(paths.tool(name) for name in TOOLS[:4]),
        "platform": collect.PLATFORM,
        "dpvs.conf": sh("cat {}", paths.conf),
        "dpvs log": log_since(paths.log_file, paths.log_begun, paths.start_log),
        "dpvs start log": sh("tail -c 100000 {}", paths.start_log),
        "dmesg": "dmesg | tail -n 300",
        "sysctl": collect.SYSCTLS,
        "pid file": sh("cat {}", paths.pid_file),
    }
    sections = _plain(read) | {
        "dpdk-devbind.py --status": Read(sh("{} --status", paths.devbind), timeout=10.0),
    }
    if paths.dpvs_source is not None and paths.dpdk_source is not None:
        patches = collect.patches(paths.dpvs_source, paths.dpdk_source)
        sections["patches"] = Read(patches, timeout=20.0)
    return sections | dpvs_state(paths)


def log_since(log_file: str | None, begun: str, start_log: str) -> str:
    """Prints what DPVS has logged since its start, as far as `begun` tells where that is.

    Without log_file it writes to syslog and to its own output: that one, if syslog has nothing.
    """
    mark = f"{{ read -r o; read -r t; }} 2>/dev/null <{sh('{}', begun)}; "
    if log_file is None:
        return (
            mark
            + "{ journalctl -q --no-pager -o cat -n 20000 ${t:+--since=@$t} -t dpvs || "
            + "grep -sh ' dpvs\\(\\[[0-9]*\\]\\)\\{0,1\\}: ' /var/log/messages /var/log/syslog; "
            + "} 2>/dev/null | tail -c 200000 | grep . || "
            + f"tail -c 100000 {sh('{}', start_log)}"
        )
    log = sh("{}", log_file)
    return (
        f"{mark}n=$(wc -c <{log}) || exit; [ ${{o:-0}} -le $n ] || o=0; "
        f"tail -c +$((${{o:-0}}+1)) {log} | tail -c 200000"
    )


def dpvs_state(paths: DutPaths) -> dict[str, str | Read]:
    """Only the sections of DPVS's tools, for frequent reading."""
    environment = assignments({"DPVS_IPC_FILE": paths.ipc_socket})
    sections: dict[str, str | Read] = {}
    for name, option in (("dpvs", "-v"), ("dpip", "-V"), ("keepalived", "-v")):
        sections[f"{name} {option}"] = sh("{} " + option, paths.tool(name))
    for command in _DPVS_READS:
        asked = command if paths.verbose_links else command.replace("-s -v link", "-s link")
        tool, _, arguments = asked.partition(" ")
        sections[command] = Read(
            f"{environment}{sh('{}', paths.tool(tool))} {arguments}",
            timeout=_ASKING + (paths.services * _ASKING_EACH if tool == "ipvsadm" else 0),
            group=DPVS,
        )
    return sections
