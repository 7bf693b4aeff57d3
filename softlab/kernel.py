"""The system calls that Python's standard library lacks: namespaces, mounts, offloads.

Python 3.12 has `os.unshare` and `os.setns`, 3.11 does not, and neither has mount(2); so all go
through the C library. Every function raises OSError with the path or name that was refused.
"""

import array
import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Any, Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
MS_SLAVE: Final = 0x80000
MNT_DETACH: Final = 0x2

_PR_SET_PDEATHSIG: Final = 1
_SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203}
_SIOCETHTOOL: Final = 0x8946
#: rx checksum, tx checksum, TSO, GSO, GRO, in this order (ETHTOOL_SRXCSUM … ETHTOOL_SGRO).
_ETHTOOL_OFFLOADS: Final = (0x15, 0x17, 0x1F, 0x24, 0x2C)

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: object) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(what))


def unshare(flags: int) -> None:
    """Move this process (for CLONE_NEWPID: its future children) into new namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(path: str, kind: int = CLONE_NEWNET) -> None:
    """Enter the namespace that `path` (such as /proc/PID/ns/net) names."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), path)
    finally:
        os.close(fd)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process `signal_number` when its parent ends."""
    result = _libc.prctl(ctypes.c_int(_PR_SET_PDEATHSIG), ctypes.c_ulong(signal_number), 0, 0, 0)
    _check(result, "prctl")


def sethostname(name: str) -> None:
    """Set the host name of this UTS namespace."""
    socket.sethostname(name)


def mount(
    source: str, target: Path | str, fstype: str | None = None, flags: int = 0, data: str = ""
) -> None:
    """mount(2). `data` holds the file system's own options."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        None if fstype is None else fstype.encode(),
        ctypes.c_ulong(flags),
        os.fsencode(data) if data else None,
    )
    _check(result, target)


def bind(source: Path | str, target: Path | str, *, read_only: bool = False) -> None:
    """Show `source` (a directory or a file, with what is mounted below it) at `target` as well."""
    mount(str(source), target, None, MS_BIND | MS_REC)
    if read_only:
        # A bind takes its flags only when it is mounted a second time.
        mount("none", target, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def propagation(flags: int) -> None:
    """Set how mounts below / of this mount namespace and its neighbours see each other."""
    mount("none", "/", None, MS_REC | flags)


def umount(target: Path | str) -> None:
    """Take a mount away at once; what still has it open keeps it until it closes it."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)), target)


def pivot_root(new_root: Path) -> None:
    """Make `new_root` (a mount point) the root of this mount namespace and drop the old one."""
    machine = os.uname().machine
    if machine not in _SYS_PIVOT_ROOT:
        raise OSError(f"pivot_root: the system call's number on {machine} is not known")
    os.chdir(new_root)
    # With "." twice the old root comes to lie on top of the new one, from where it is detached:
    # no directory for it is needed (pivot_root(2), "pivot_root(".", ".")").
    _check(_libc.syscall(ctypes.c_long(_SYS_PIVOT_ROOT[machine]), b".", b"."), new_root)
    umount(".")
    os.chdir("/")


def offloads_off(interface: str) -> None:
    """Switch off checksum, TSO, GSO and GRO offloads of an interface of this network namespace.

    On a veth a frame with offloaded checksum carries an unfinished one, and a bad checksum is
    taken as good: neither would happen on a cable. What an interface lacks is passed over.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in _ETHTOOL_OFFLOADS:
            value: array.array[int] = array.array("I", [command, 0])
            address = value.buffer_info()[0]
            request = bytearray(struct.pack("16sP16x", interface.encode(), address))
            try:
                fcntl.ioctl(control, _SIOCETHTOOL, request)
            except OSError as error:
                if error.errno == 19:  # ENODEV: the name is wrong, which is our mistake
                    raise


def start_time(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot (proc(5), stat, field 22); None if gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command in field 2 may hold spaces and brackets; everything after its last one is plain.
    return int(text.rsplit(")", 1)[1].split()[19])


def write_sysctls(values: dict[str, Any]) -> None:
    """Write sysctls of this network namespace (`net.ipv4.conf.all.rp_filter`); absent ones pass."""
    for name, value in values.items():
        path = Path("/proc/sys", *name.split("."))
        if path.exists():
            path.write_text(str(value))
