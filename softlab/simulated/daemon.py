"""The running device: threads that move frames, and the control plane's socket."""

from __future__ import annotations

import os
import queue
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from softlab.simulated import lcores, portstart, processing, spreading, wire
from softlab.simulated.control import Control
from softlab.simulated.core import DataPath, Frames
from softlab.simulated.hardware import carrier
from softlab.simulated.kni import Tap
from softlab.simulated.startup import Startup
from softlab.simulated.versions import Version

_BURST = 64
_TICK = 0.1
_MONITOR = 0.01  # with bonds, whose members are looked at


def _name_thread(name: str) -> None:
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name, encoding="ascii")


class Device:
    """Frames between the NICs, the kernel's knis and the data path.

    With one worker, its thread reads the NICs itself. With several, a thread is the NIC: it
    spreads what arrives over the workers' queues, as receive side scaling and flow rules do.
    """

    def __init__(self, path: DataPath, startup: Startup) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._log = startup.log
        self._host = startup.host
        self._links = [nic.link for nic in startup.nics]
        self._taps = {tap.port: tap for tap in startup.taps}
        self._member_of = {m.index: bond for bond in path.bonds.values() for m in bond.members}
        self._monitored = [*self._member_of]
        self._inbox: dict[int, queue.SimpleQueue[tuple[bytes, int]]] = {
            lcore: queue.SimpleQueue() for lcore in path.workers
        }

    def start(self, version: Version, cpus: dict[int, set[int]]) -> None:
        """Start the threads of the workers, named and pinned as the real ones are."""
        workers = self.path.workers
        alone = len(workers) == 1
        for lcore in workers:
            name = version.worker_thread.format(lcore)
            where = lcores.cpus_here(cpus.get(lcore, {lcore}))
            body = self._poll if alone else self._work
            self._thread(name, where, body, lcore)
        where = lcores.control_cpus(cpus, self.path.settings.master)
        for index, name in enumerate(version.control_threads):
            body = self._poll if index == 0 and not alone else _idle
            self._thread(name, where, body, None)
        for lcore in sorted(set(cpus) - set(workers) - {self.path.settings.master}):
            where = lcores.cpus_here(cpus[lcore])
            self._thread(version.worker_thread.format(lcore), where, _idle, None)

    def _thread(self, name: str, cpus: set[int] | None, body: object, lcore: int | None) -> None:
        ready = threading.Event()

        def run() -> None:
            _name_thread(name)
            if cpus:
                os.sched_setaffinity(threading.get_native_id(), cpus)
            ready.set()
            body(lcore)  # type: ignore[operator]

        threading.Thread(target=run, daemon=True).start()
        ready.wait()

    def _poll(self, lcore: int | None) -> None:
        """Read NICs and knis; with an lcore, process there, else hand over to the workers."""
        poller = select.epoll()
        sources: dict[int, int] = {}
        for index, link in enumerate(self._links):
            sources[link.fileno()] = index
            poller.register(link, select.EPOLLIN)
        for tap in self._taps.values():
            sources[tap.fd] = ~tap.port
            poller.register(tap.fd, select.EPOLLIN)
        while True:
            for fd, _ in poller.poll(_MONITOR if self._monitored else _TICK):
                index = sources[fd]
                if index < 0:
                    self._from_kni(self._taps[~index])
                else:
                    self._from_nic(lcore, index)
            with self.lock:
                now = time.monotonic()
                if self._monitored:
                    self._tend_bonds(now)
                self.emit(processing.tick(self.path, now))

    def _tend_bonds(self, now: float) -> None:
        carriers = {index: carrier(self._links[index]) for index in self._monitored}
        for bond in self.path.bonds.values():
            bond.look(carriers, now)
            self.emit(bond.tick(now))

    def _from_kni(self, tap: Tap) -> None:
        for _ in range(_BURST):
            frame = tap.read()
            if not frame:
                return
            with self.lock:
                self.emit(processing.from_kni(self.path, frame, tap.port))

    def _from_nic(self, lcore: int | None, index: int) -> None:
        link = self._links[index]
        for _ in range(_BURST):
            try:
                frame = link.recv(65535)
            except BlockingIOError:
                return
            except OSError as error:
                if index not in self._member_of:  # a member's link may go
                    self._log.say("ERR", "NETIF", f"receive on port {index}: {error}")
                return
            arrived = index
            bond = self._member_of.get(index)
            if bond is not None:
                with self.lock:
                    if not bond.received(index, frame, time.monotonic()):
                        continue
                arrived = bond.port.index
            if lcore is None:
                self._inbox[spreading.lcore_of(self.path, frame, arrived)].put((frame, arrived))
                continue
            with self.lock:
                self.emit(processing.process(self.path, lcore, frame, arrived, time.monotonic()))

    def _work(self, lcore: int | None) -> None:
        """One worker of several."""
        inbox = self._inbox[lcore if lcore is not None else -1]
        while True:
            frame, index = inbox.get()
            with self.lock:
                self.emit(processing.process(self.path, lcore or 0, frame, index, time.monotonic()))

    def look_at_links(self) -> None:
        """Ask the NICs for the state that the tools show."""
        links = self._host.links()
        for port in self.path.ports:
            link = links.get(port.pci)
            if link is not None and port.index not in self._member_of:
                port.up, port.speed = link.up, link.speed

    def emit(self, frames: Frames) -> None:
        """Send frames and write what the data path said to the log; call with the lock held."""
        for port, frame in frames:
            if port < 0:
                tap = self._taps.get(~port)
                if tap is not None:
                    tap.write(frame)
                continue
            bond = self.path.bonds.get(port)
            member = bond.leave(frame, time.monotonic()) if bond is not None else None
            if bond is not None and member is None:
                continue
            try:
                self._links[port if member is None else member.index].send(frame)
            except OSError:
                self.path.ports[port].oerrors += 1
        if self.path.log:
            for level, module, text in self.path.take_log():
                self._log.say(level, module, text)


def _idle(lcore: int | None) -> None:  # noqa: ARG001 - a thread's body
    threading.Event().wait()


class Server:
    """The control plane's socket. It exists before the device answers, as the real one's does."""

    def __init__(self, path: str) -> None:
        file = Path(path)
        if file.is_socket():
            file.unlink()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(path)
        self._socket.listen(128)

    def serve(self, device: Device) -> None:
        """Answer until the process ends."""
        control = Control(device.path)
        while True:
            client, _ = self._socket.accept()
            with client:
                client.settimeout(2)
                try:
                    self._answer(device, control, client)
                except (OSError, wire.ClosedError, ValueError, EOFError, TypeError):
                    continue

    def _answer(self, device: Device, control: Control, client: socket.socket) -> None:
        message = wire.receive(client)
        if message.get("op") == "link.get":
            device.look_at_links()
        with device.lock:
            reply = control.handle(message, time.monotonic())
            frames, control.frames = control.frames, []
            device.emit(frames)
        wire.send(client, reply)


def running(pid_file: str) -> bool:
    """True when the pid file names a live process; a stale file is removed."""
    file = Path(pid_file)
    try:
        pid = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    if Path(f"/proc/{pid}").exists():
        return True
    file.unlink()
    return False


def run(startup: Startup) -> None:
    """Start the device and serve; does not return."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.setswitchinterval(0.001)
    startup.start_eal()
    startup.read_configuration()
    settings = startup.check()
    startup.reserve_memory(settings)
    server = Server(startup.options.ipc_file)
    path = DataPath(
        portstart.make(startup.config, settings, startup.nics),
        settings,
        startup.version,
        startup.quirks,
        secret=int.from_bytes(os.urandom(4), "big"),
    )
    portstart.make_bonds(path, startup.config, settings)
    now = time.monotonic()
    for stats in path.lcores.values():
        stats.started = now
    frames = portstart.BringUp(path, startup).run(now)
    device = Device(path, startup)
    device.emit(frames)
    device.start(startup.version, startup.cpus)
    for lcore in settings.workers:
        text = f"lcore {lcore:02d} enter lcre_role_fwd_worker loop"
        startup.log.say("INFO", "DSCHED", text)
    text = f"lcore {settings.master:02d} enter lcre_role_master loop"
    startup.log.say("INFO", "DSCHED", text)
    master = lcores.cpus_here(startup.cpus.get(settings.master, {settings.master}))
    os.sched_setaffinity(threading.get_native_id(), master)
    Path(startup.options.pid_file).write_text(f"{os.getpid()}\n", encoding="ascii")
    server.serve(device)
