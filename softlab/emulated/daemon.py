"""The process that emulates one host's hardware. How it is to be started: see the package.

It lives in namespaces of its own: a network namespace that no other process can enter, where the
NICs of DPDK drivers are, and a mount namespace whose /sys is the host's real sysfs. The host sees
its files through FUSE (`fuse` says why) and its socket at /run/emulated.sock. It ends when the
host's process does.
"""

import json
import os
import selectors
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from softlab import kernel
from softlab.emulated import netns
from softlab.emulated.fuse import Session
from softlab.emulated.machine import Machine
from softlab.emulated.service import Requests
from softlab.emulated.spec import read_spec
from softlab.emulated.sysfs import PlayedFiles

SOCKET: Final = "run/emulated.sock"
#: Where the file system is for the moment of mounting, before its parts are put in place.
_STAGE: Final = Path("/run/emulated.stage")
#: Where its folder `ready` is put.
_READY: Final = Path("/run/emulated")
#: Files of /proc about hardware; /proc itself cannot be overlaid, so each is covered.
_PROC: Final = (
    ("proc/meminfo", "proc/meminfo"),
    ("proc/cpuinfo", "proc/cpuinfo"),
    ("proc/modules", "proc/modules"),
    ("proc/nr_hugepages", "proc/sys/vm/nr_hugepages"),
)
_LONGEST_REQUEST: Final = 1 << 20


class EmulatedHardwareError(Exception):
    """The hardware cannot be emulated here; the text is for the person who started the lab."""


def run(root: Path, pid: int, raw_spec: Mapping[str, Any]) -> None:
    """Play the hardware of the host whose process `pid` is, until that process ends.

    Prints `ready` when everything is in place. Raises EmulatedHardwareError, SpecError,
    MissingInterfaceError.
    """
    spec = read_spec(raw_spec)
    host = os.pidfd_open(pid)
    outside = netns.of_process(pid)
    _own_view_of_sysfs(pid)
    netns.hide()
    machine = Machine(spec, root, outside, netns.Interfaces(), pid)
    session = Session(_open_fuse(), PlayedFiles(machine.tree, machine.write))
    _serve(machine, session, host, _listen(root), _start_mounting(session.device, pid))


def _own_view_of_sysfs(pid: int) -> None:
    """Have this process see, at /sys, the interfaces of the host; no other process sees that mount.

    A sysfs shows the network namespace in which it was mounted.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.propagation(kernel.MS_SLAVE)
    kernel.setns(f"/proc/{pid}/ns/net", kernel.CLONE_NEWNET)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("sysfs", "/sys", "sysfs", flags)


def _open_fuse() -> int:
    try:
        return os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise EmulatedHardwareError(
            f"/dev/fuse: {error.strerror}; emulated hardware needs FUSE (modprobe fuse, and in "
            "a container the device itself)"
        ) from None


def _start_mounting(device: int, pid: int) -> int:
    """Mount the files in the host's mount namespace; returns the descriptor of a process doing it.

    It has to be another process: mounting asks this one for the files it mounts. It ends with 0
    when all is in place, else its words are on standard error.
    """
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    mounted, tell = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            kernel.setns(f"/proc/{pid}/ns/mnt", kernel.CLONE_NEWNS)
            os.fchdir(root)
            os.chroot(".")
            _mount(device, tell)
            status = 0
        except OSError as error:
            os.write(2, f"emulated hardware: mounting in the host: {error}\n".encode())
        finally:
            os._exit(status)
    os.close(root)
    os.close(tell)
    os.read(mounted, 1)  # until it is mounted the device cannot be read (EPERM)
    os.close(mounted)
    return os.pidfd_open(child)


def _mount(device: int, tell: int) -> None:
    for directory in (_STAGE, _READY):
        directory.mkdir(parents=True, exist_ok=True)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    options = f"fd={device},rootmode=40755,user_id=0,group_id=0,default_permissions,allow_other"
    kernel.mount("emulated", _STAGE, "fuse.sysfs", flags, options)
    # Only the daemon may hold the device: when it dies, the kernel then ends this mount, and with
    # it whatever waits for an answer, this process included.
    os.close(device)
    os.write(tell, b"m")
    for source, target in _PROC:
        if Path("/", target).exists():
            kernel.bind(_STAGE / source, Path("/", target))
    kernel.bind(_STAGE / "sys", "/sys")
    kernel.bind(_STAGE / "ready", _READY)
    kernel.umount(_STAGE)
    _STAGE.rmdir()


def _listen(root: Path) -> socket.socket:
    """The socket for commands and DPVS; by way of a descriptor, as its path may be too long."""
    path = root / SOCKET
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"/proc/self/fd/{directory}/{path.name}")
    os.close(directory)
    path.chmod(0o600)
    listener.listen(64)
    return listener


def _serve(
    machine: Machine, session: Session, host: int, listener: socket.socket, mounting: int
) -> None:
    requests = Requests(machine)
    buffers: dict[socket.socket, bytearray] = {}
    selector = selectors.DefaultSelector()
    selector.register(host, selectors.EVENT_READ, "host")
    selector.register(mounting, selectors.EVENT_READ, "mounting")
    selector.register(listener, selectors.EVENT_READ, "listener")
    selector.register(session.device, selectors.EVENT_READ, "files")
    while True:
        for key, _ in selector.select():
            if key.data == "files":
                if not session.serve():
                    return
            elif key.data == "listener":
                connection, _ = listener.accept()
                buffers[connection] = bytearray()
                selector.register(connection, selectors.EVENT_READ, "connection")
            elif key.data == "connection":
                connection = key.fileobj  # type: ignore[assignment]
                if not _converse(requests, connection, buffers[connection]):
                    selector.unregister(connection)
                    del buffers[connection]
                    machine.gone(connection.fileno())
                    connection.close()
            elif key.data == "mounting":
                selector.unregister(mounting)
                if os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) != 0:
                    raise EmulatedHardwareError("the files could not be mounted in the host")
                print("ready", flush=True)
            else:
                return


def _converse(requests: Requests, connection: socket.socket, buffer: bytearray) -> bool:
    """Read what is there and answer whole lines; False when the connection has ended."""
    try:
        data = connection.recv(65536)
        buffer += data
        while b"\n" in buffer:
            line, _, rest = bytes(buffer).partition(b"\n")
            buffer[:] = rest
            _reply(requests, connection, line)
    except OSError:
        return False
    return bool(data) and len(buffer) < _LONGEST_REQUEST


def _reply(requests: Requests, connection: socket.socket, line: bytes) -> None:
    try:
        request = json.loads(line)
    except ValueError:
        request = {}
    answer, sockets = requests.answer(
        request if isinstance(request, dict) else {}, connection.fileno()
    )
    data = json.dumps(answer).encode() + b"\n"
    try:
        sent = socket.send_fds(connection, [data], [one.fileno() for one in sockets])
        connection.sendall(data[sent:])
    finally:
        for one in sockets:
            one.close()


def main(arguments: list[str]) -> int:
    """`python -m softlab.emulated --root ROOT --netns-pid PID --spec JSON`."""
    import argparse
    import sys

    parser = argparse.ArgumentParser(prog="softlab.emulated", description=main.__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the host's root, as seen here")
    parser.add_argument("--netns-pid", type=int, required=True, help="a process of the host")
    parser.add_argument("--spec", type=json.loads, default={}, help="JSON; see spec.py")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the lab ends its parts in its own order
    try:
        with suppress(BrokenPipeError):
            run(asked.root, asked.netns_pid, asked.spec)
    except (ValueError, EmulatedHardwareError) as error:
        print(f"emulated hardware: {error}", file=sys.stderr)
        return 1
    return 0
