"""One host of the lab: its namespaces, and the process that is its init.

`start` is called in the lab's init. The host's init sets the host up in steps, as its links
can only be made once its network namespace is there:

    spawned: namespaces    ->  "namespaces PID"
    links are made         <-  "links"
    own root entered       ->  "entered"
    services are up        ->  "ready" (or "error TEXT")

After that it only reaps: whatever a session leaves in the background becomes its child.
"""

import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from softlab import cgroups, fabric, kernel, root, ssh
from softlab.spec import MANAGEMENT_PREFIX, LabHost, LabSpec

_NAMESPACES: Final = (
    kernel.CLONE_NEWNET
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWPID
)
#: How long one step of a host's start may take; all of them together take less than one.
_STEP_SECONDS: Final = 20.0


class HostError(Exception):
    """A host could not be set up; the text names it and says what was refused."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a host is made from. `group`: its cgroup, None where it has none of its own.

    `furnish` lays more files into the root before the host enters it, `services` starts programs
    after that; both run in the host's own namespaces.
    """

    host: LabHost
    spec: LabSpec
    directory: Path
    group: Path | None
    furnish: Callable[[Path], None]
    services: Callable[[], None]


class HostProcess:
    """A host's init as its starter sees it. `pid`: its number in the starter's PID namespace."""

    def __init__(self, setup: Setup) -> None:
        self.name = setup.host.name
        self._socket, other = socket.socketpair()
        self._socket.settimeout(_STEP_SECONDS)
        middle = os.fork()
        if middle == 0:
            self._socket.close()
            _leave(setup, other)
        other.close()
        os.waitpid(middle, 0)
        self._buffer = b""
        self.pid = int(self.expect("namespaces"))

    def links_are_made(self) -> None:
        self._socket.sendall(b"links\n")

    def expect(self, word: str) -> str:
        """Wait for a line that starts with `word`; returns its rest. Raises HostError."""
        while b"\n" not in self._buffer:
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                raise HostError(f"{self.name}: not {word} within {_STEP_SECONDS:g} s") from None
            if not data:
                raise HostError(f"{self.name}: its init died before it was {word}")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        found, _, rest = line.decode().partition(" ")
        if found != word:
            raise HostError(f"{self.name}: {rest}")
        return rest


def _leave(setup: Setup, talk: socket.socket) -> NoReturn:
    """Make the namespaces and, as init of the new PID namespace, the host itself."""
    try:
        if setup.group is not None:
            cgroups.join(setup.group)
        # The host sees its own cgroup as the root of the hierarchy, as any machine does.
        kernel.unshare(_NAMESPACES | (kernel.CLONE_NEWCGROUP if setup.group is not None else 0))
        pid = os.fork()
        if pid != 0:
            talk.sendall(f"namespaces {pid}\n".encode())
            os._exit(0)
        _init(setup, talk)
    except BaseException as error:
        _fail(talk, error)


def _init(setup: Setup, talk: socket.socket) -> NoReturn:
    host = setup.host
    os.setsid()
    os.umask(0o022)
    kernel.sethostname(host.name)
    kernel.propagation(kernel.MS_PRIVATE)
    kernel.write_sysctls(fabric.HOST_SYSCTLS)
    base = setup.directory / "fs" / host.name
    keep = (setup.spec.dpvs_home,) if setup.spec.dpvs_home is not None else ()
    new_root = root.build(base, host, keep=keep)
    if setup.group is not None:
        kernel.mount("cgroup2", new_root / "sys/fs/cgroup", "cgroup2")
    ssh.install(new_root, setup.directory, host)
    if talk.recv(16) != b"links\n":
        raise HostError("the lab ended while it was set up")
    _interfaces(setup)
    setup.furnish(new_root)
    kernel.pivot_root(new_root)
    os.environ.clear()
    os.environ.update({"PATH": ssh.PATH, "HOME": "/root", "LOGNAME": "root", "USER": "root"})
    talk.sendall(b"entered \n")
    setup.services()
    command = ["/usr/sbin/sshd", "-f", str(ssh.HOST_DIRECTORY / "sshd_config")]
    run(command)  # without -D: returns when it listens, or says why it cannot
    talk.sendall(b"ready \n")
    talk.close()
    reap()
    raise AssertionError("nothing of a host is essential: its init does not end")


def _interfaces(setup: Setup) -> None:
    host = setup.host
    # Not on a link under test: the management link needs no IPv6 and should send nothing by itself.
    kernel.write_sysctls({"net.ipv6.conf.eth0.disable_ipv6": 1})
    names = ["eth1"] if host.link is not None else [nic.name for nic in setup.spec.nics]
    legs = [leg.name for leg in setup.spec.legs] if host.link is None else []
    fabric.ip_batch(
        [
            "link set lo up",
            f"addr add {host.management}/{MANAGEMENT_PREFIX} dev eth0",
            *(f"link set {name} up" for name in ("eth0", *names)),
        ]
    )
    # Down until it is asked for; then the kernel answers there for its own addresses only.
    kernel.write_sysctls({f"net.ipv4.conf.{leg}.arp_ignore": 1 for leg in legs})
    for name in (*names, *legs):
        kernel.offloads_off(name)


def run(command: list[str]) -> None:
    """Run a program that goes into the background by itself. Raises HostError with its words."""
    # Its output goes through a file: a pipe would stay open in the process it leaves behind.
    log = Path("/run/softlab/start.log")
    with log.open("ab") as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, close_fds=True
        )
    if done.returncode != 0:
        words = " ".join(log.read_text(errors="replace").split())
        raise HostError(f"{command[0]} ended with status {done.returncode}: {words[-500:]}")


def reap(essential: Mapping[int, str] | None = None) -> str:
    """Be an init: take the exit status of whatever process has no other parent left.

    `essential`: processes by number that have to live; returns the name of the first that dies.
    """
    # Blocked, a SIGCHLD is kept until sigwait takes it, also one that comes before it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        try:
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                if essential is not None and pid in essential:
                    return essential[pid]
        except ChildProcessError:
            pass
        signal.sigwait({signal.SIGCHLD})


def _fail(talk: socket.socket, error: BaseException) -> NoReturn:
    if not isinstance(error, HostError | fabric.LinkError | OSError):
        traceback.print_exception(error, file=sys.stderr)
    words = " ".join(str(error).split()) or type(error).__name__
    try:
        talk.sendall(f"error {words}\n".encode())
    finally:
        os._exit(1)
