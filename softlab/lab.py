"""The inside of a lab: the init of its PID namespace, which holds the fabric and its hosts.

Runs in a process forked by the supervisor. It is the first process of a PID namespace, so when it
ends the kernel ends every process of the lab; and it ends with the supervisor, however that ends.
"""

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from softlab import device, fabric, kernel, trunk
from softlab.guest import running
from softlab.guest.image import Image
from softlab.host import HostError, HostProcess, Setup, reap
from softlab.lag.command import SOCKET
from softlab.realserver import furnish as realserver
from softlab.root import PACKAGE, interpreter
from softlab.spec import LabHost, LabSpec

#: Seconds that the DUT's emulated hardware and its switch may take to start; they take some 0.2.
_DEADLINE: Final = 10.0


def run(
    spec: LabSpec,
    directory: Path,
    groups: Path | None,
    report: socket.socket,
    image: Image | None = None,
) -> NoReturn:
    """Build the lab, tell the supervisor, and be its init until the end.

    Reports one JSON object per line: {"ready": {"inode": N}} with the fabric namespace's inode;
    {"error": "one sentence"} where it could not be built, or, after ready, does not live on.
    `image`: the disk of lb01, where that is a virtual machine.
    """
    try:
        kernel.die_with_parent(signal.SIGKILL)
        if _supervisor_is_gone(report):
            os._exit(1)
        _quiet(directory)
        kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWNS)
        kernel.propagation(kernel.MS_SLAVE)
        kernel.mount("proc", "/proc", "proc")
        essential = _build(spec, directory, groups, image)
        inode = Path("/proc/self/ns/net").stat().st_ino
        report.sendall(json.dumps({"ready": {"inode": inode}}).encode() + b"\n")
        raise HostError(f"{reap(essential)} died")
    except (HostError, fabric.LinkError, trunk.TrunkError, OSError) as error:
        report.sendall(json.dumps({"error": " ".join(str(error).split())}).encode() + b"\n")
    finally:
        os._exit(1)


def _supervisor_is_gone(report: socket.socket) -> bool:
    """Whether the supervisor ended before this process was tied to it."""
    try:
        return report.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def _quiet(directory: Path) -> None:
    """Leave the terminal: its Ctrl-C is for the supervisor. Output goes to the lab's log."""
    os.setsid()
    # As any program expects to find them; an init is not ended by them all the same.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTIN):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    null = os.open(os.devnull, os.O_RDONLY)
    log = os.open(directory / "lab.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)


def _build(
    spec: LabSpec, directory: Path, groups: Path | None, image: Image | None
) -> dict[int, str]:
    """Make hosts and links. Returns the processes that have to live, with their names."""
    virtual = [host for host in spec.hosts if host.role == "dut" and image is not None]
    hosts = [
        HostProcess(_setup(host, spec, directory, None if groups is None else groups / host.name))
        for host in spec.hosts
        if host not in virtual
    ]
    fabric.build(spec, {host.name: host.pid for host in hosts})
    machines = {}
    if image is not None:
        machines = {host: running.start(spec, host, directory, image) for host in virtual}
    for process in hosts:
        process.links_are_made()
    daemon = None
    for process in sorted(hosts, key=lambda one: one.name != "lb01"):
        process.expect("entered")
        if process.name == "lb01" and device.is_emulated(spec):
            daemon = _start_emulated_hardware(process.pid, spec)
    for process in hosts:
        process.expect("ready")
    if daemon is not None:
        _wait_until_ready(daemon, "its emulated hardware")
    for host, qemu in machines.items():
        running.wait(host, qemu, directory)
        running.settle(host, directory)
        if spec.dpvs_home is not None:
            running.check_build(spec.dpvs_home, host, directory)
    lag = None
    if spec.bonds:
        dut = next(process for process in hosts if process.name == "lb01")
        lag = _start_switch(dut.pid, spec)
        _wait_until_ready(lag, "the switch of its bonds")
    # The Popen objects are not needed any more: the init takes the status of any child.
    return {
        **{host.pid: f"{host.name}'s init" for host in hosts},
        **{qemu.pid: f"{host.name}'s virtual machine" for host, qemu in machines.items()},
        **({} if daemon is None else {daemon.pid: "lb01's emulated hardware"}),
        **({} if lag is None else {lag.pid: "the switch of lb01's bonds"}),
    }


def _setup(host: LabHost, spec: LabSpec, directory: Path, group: Path | None) -> Setup:
    furnish: Callable[[Path], None]
    services: Callable[[], None]
    if host.role == "real server":
        furnish, services = realserver.furnish, realserver.start
    elif host.role == "dut":
        furnish, services = device.furnisher(spec), device.starter(spec)
        group = None
    else:
        furnish, services, group = _nothing, _nothing, None
    return Setup(host, spec, directory, group, furnish, services)


def _nothing(_root: Path | None = None) -> None:
    """A client needs nothing that the machine does not have."""


def _start_emulated_hardware(pid: int, spec: LabSpec) -> subprocess.Popen[str]:
    """Start the DUT's hardware: outside the DUT, as what is emulated is not a process of it."""
    root = ("--root", f"/proc/{pid}/root", "--netns-pid", str(pid))
    return _start("softlab.emulated", *root, "--spec", json.dumps(spec.as_json()))


def _start_switch(pid: int, spec: LabSpec) -> subprocess.Popen[str]:
    """Start the other end of the DUT's bonds, in the fabric; the DUT commands it by a socket."""
    control = ("--control", f"/proc/{pid}/root/{SOCKET}")
    return _start("softlab.lag", "--groups", json.dumps(fabric.groups(spec)), *control)


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of the lab's own, which says on its stdout when it is ready."""
    return subprocess.Popen(
        [str(interpreter()), "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        cwd=PACKAGE.parent,
    )


def _wait_until_ready(process: subprocess.Popen[str], what: str) -> None:
    assert process.stdout is not None
    line = ""
    if select.select([process.stdout], [], [], _DEADLINE)[0]:
        line = process.stdout.readline().strip()
    if line != "ready":
        raise HostError(f"lb01: {what} did not start within {_DEADLINE:g} s")
