"""The life of a lab, from the machine's side: what it needs, its directory, its start and its end.

The supervisor is the parent of the lab's init. It unshares its own mount namespace, so that the
mounts of a lab belong to the lab only, and waits; when it ends for whatever reason, the kernel
ends the init, and with it the lab. What can be left in the machine after a SIGKILL is the
directory and empty cgroups; the next start removes them.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, TextIO

from softlab import bench, cgroups, fabric, hugepages, kernel, lab, softports, ssh
from softlab.guest.image import ImageError, ensure
from softlab.guest.running import FILES as GUEST_FILES
from softlab.spec import HOSTS, LabSpec

#: What the lab needs on the machine: program and the Debian package that has it.
PROGRAMS: Final = {
    "ip": "iproute2",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "nginx": "nginx-light",
    "bpftool": "bpftool",
}
#: What a virtual machine needs in addition.
GUEST_PROGRAMS: Final = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils"}
_FILES: Final = (
    *GUEST_FILES,
    *(bench.BENCH, ssh.SSH_CONFIG, ssh.KNOWN_HOSTS, fabric.FABRIC, "lab.log", "lock"),
    *(name + end for end in ("", ".pub") for name in (ssh.CLIENT_KEY, *map(ssh.host_key, HOSTS))),
)
#: How long the end of a lab may take; it takes some 0.05.
_END_SECONDS: Final = 10.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class LabError(Exception):
    """The lab cannot be had; one sentence for the person who asked."""


def check_machine(spec: LabSpec) -> None:
    """Raise LabError where this machine cannot carry a lab at all."""
    if os.geteuid() != 0:
        raise LabError("a lab of network namespaces needs root; run it with sudo")
    if not sys.platform.startswith("linux"):
        raise LabError("a lab of network namespaces needs Linux")
    needed = PROGRAMS | ({"nft": "nftables"} if spec.software else {"dpdk-devbind.py": "dpdk"})
    if spec.machine == "guest":
        needed = PROGRAMS | GUEST_PROGRAMS
    if spec.dpvs_home is not None and spec.software:
        try:
            softports.check(spec.dpvs_home, spec.software_ports)
        except softports.NoPort as error:
            raise LabError(str(error)) from None
    missing = {name: package for name, package in needed.items() if not shutil.which(name)}
    if missing:
        raise LabError(
            f"this machine has no {', '.join(missing)}; on Debian: "
            f"apt-get install {' '.join(sorted(set(missing.values())))}"
        )


def up(directory: Path, spec: LabSpec) -> None:
    """Start a lab, print `ready BENCH`, and hold it until stdin ends or a signal comes.

    Raises LabError with one sentence; nothing is left then.
    """
    # A minimal PATH (cron, sudo) may lack the directories of ip and sshd.
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{ssh.PATH}"
    check_machine(spec)
    wakeup = _catch_signals()
    made = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    lock = _claim(directory)
    group: Path | None = None
    init = 0
    try:
        keys = ssh.KeyMaker(directory)
        hugepages.sweep()
        if spec.software:
            hugepages.reserve()
        image = ensure() if spec.machine == "guest" else None
        hierarchy = _mounts(directory)
        if hierarchy is not None:
            cgroups.sweep(hierarchy)
            group = cgroups.create(
                hierarchy, [host.name for host in HOSTS if host.role == "real server"]
            )
        keys.wait()
        report, other = socket.socketpair()
        kernel.unshare(kernel.CLONE_NEWPID)  # for the children
        init = os.fork()
        if init == 0:
            report.close()
            lab.run(spec, directory, group, other, image)
        other.close()
        inode = _wait_until_ready(directory, report, wakeup)
        if inode is None:
            return
        (directory / ssh.SSH_CONFIG).write_text(ssh.client_config(directory, init, inode))
        (directory / fabric.FABRIC).write_text(json.dumps(fabric.described(spec, init, inode)))
        print(f"ready {bench.write(directory, spec)}", flush=True)
        _wait_for_the_end(directory, report, wakeup)
    except PermissionError as error:
        raise LabError(
            f"the lab could not be started: the kernel refuses {error.filename}; it needs all of "
            "root's rights, in a container those of --privileged"
        ) from None
    except ImageError as error:
        raise LabError(str(error)) from None
    except (OSError, ssh.KeygenError) as error:
        raise LabError(f"the lab could not be started: {error}") from None
    finally:
        ended = init == 0 or _end(init)
        if group is not None:
            cgroups.remove(group)
        if spec.software:
            hugepages.release()
        _clear(directory, made=made)
        lock.close()
        if not ended:
            raise LabError(f"processes of the lab do not end; look at the children of {init}")


def _catch_signals() -> int:
    """Have SIGTERM, SIGINT and SIGHUP make a file descriptor readable; returns it."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def only_wake_up(_number: int, _frame: FrameType | None) -> None:
        """The wakeup descriptor is written to by the interpreter itself."""

    signal.set_wakeup_fd(writing)
    for number in _SIGNALS:
        signal.signal(number, only_wake_up)
    # In the background of a terminal, reading it would stop the supervisor instead of failing.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    return reading


def _claim(directory: Path) -> TextIO:
    """Make sure that no other lab runs in the directory, and clear what a dead one left.

    The lock is on an open file, so it ends with the lab, whatever ends that.
    """
    lock = (directory / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise LabError(
            f"{directory} holds a running lab, of process {lock.read().strip()}"
        ) from None
    _clear(directory, made=False, keep=("lock",))
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _mounts(directory: Path) -> Path | None:
    """Give the lab mounts of its own: a place for hosts' roots, and cgroup v2.

    Returns where the cgroup hierarchy is, None where the kernel has none.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.propagation(kernel.MS_SLAVE)
    place = directory / "fs"
    place.mkdir(exist_ok=True)
    kernel.mount("softlab", place, "tmpfs", 0, "mode=755")
    for host in HOSTS:
        (place / host.name).mkdir()
    hierarchy = place / "cgroup"
    return hierarchy if cgroups.mount(hierarchy) else None


def _wait_until_ready(directory: Path, report: socket.socket, wakeup: int) -> int | None:
    """The fabric's namespace when the lab is up; None when a signal came first."""
    text = b""
    while not text.endswith(b"\n"):
        readable, _, _ = select.select([report.fileno(), wakeup], [], [])
        if wakeup in readable:
            return None
        data = report.recv(65536)
        if not data:
            raise LabError(f"the lab could not be started: its init died{_log_end(directory)}")
        text += data
    answer = json.loads(text)
    if "error" in answer:
        raise LabError(f"the lab could not be started: {answer['error']}{_log_end(directory)}")
    return int(answer["ready"]["inode"])


def _log_end(directory: Path) -> str:
    """The last words of the lab's log, which goes away with the lab."""
    log = directory / "lab.log"
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return "".join(f"\n  lab.log: {line}" for line in lines[-8:])


def _wait_for_the_end(directory: Path, report: socket.socket, wakeup: int) -> None:
    """Return on a signal or the end of stdin. Raises LabError when the lab ends by itself."""
    watched = [report.fileno(), wakeup, 0]
    while True:
        readable, _, _ = select.select(watched, [], [])
        if wakeup in readable:
            return
        if report.fileno() in readable:
            text = report.recv(65536)
            why = json.loads(text)["error"] if text else "its init died"
            raise LabError(f"the lab ended: {why}{_log_end(directory)}")
        try:
            if not os.read(0, 65536):
                print("softlab: stdin has ended, and with it the lab", file=sys.stderr)
                return
        except OSError:  # EIO: in the background of a terminal there is no stdin to end
            watched.remove(0)


def _end(init: int) -> bool:
    """Kill the lab's init, and with it every process of the lab. False if they do not end.

    The init is gone only when all the others are. One that hangs in the kernel cannot be killed,
    and is no reason to hang as well.
    """
    gone = os.pidfd_open(init)
    os.kill(init, signal.SIGKILL)
    ended = bool(select.select([gone], [], [], _END_SECONDS)[0])
    os.close(gone)
    if ended:
        os.waitpid(init, 0)
    return ended


def _clear(directory: Path, *, made: bool, keep: tuple[str, ...] = ()) -> None:
    """Remove what the lab wrote, and the directory if the lab made it and it is empty."""
    place = directory / "fs"
    while os.path.ismount(place):
        kernel.umount(place)
    for name in set(_FILES) - set(keep):
        (directory / name).unlink(missing_ok=True)
    if place.is_dir():
        place.rmdir()
    if made:
        try:
            directory.rmdir()
        except OSError:
            return


def main_up(directory: Path, spec: LabSpec) -> NoReturn:
    """`up` as a program: exit status 0 when it was ended, 1 with a sentence when it failed."""
    try:
        up(directory, spec)
    except LabError as error:
        sys.exit(f"softlab: {error}")
    sys.exit(0)
