"""Small hosts made of namespaces, for tests that need the real kernel around the device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from softlab import simulated

REPOSITORY = Path(__file__).resolve().parents[3]

_KEEPER = "import sys; print('up', flush=True); sys.stdin.read()"


class Host:
    """A network, mount, UTS and PID namespace that lives until close()."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child",
             "--mount-proc", "--propagation", "private", sys.executable, "-c", _KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "up\n"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self.pid = int(children.read_text().split()[0])
        self._started: list[subprocess.Popen[bytes]] = []
        self.run("ip link set lo up; sysctl -qw net.ipv6.conf.all.accept_dad=0"
                 " net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0"
                 " net.ipv6.conf.all.router_solicitations=0")  # fmt: skip

    def command(self, text: str) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", "-p", "sh", "-c", text]

    def run(self, text: str, timeout: float = 20, check: bool = True) -> str:
        """Output of a shell command, both streams together."""
        done = subprocess.run(self.command(text), capture_output=True, timeout=timeout, check=False)
        output = (done.stdout + done.stderr).decode()
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {text!r} ended with {done.returncode}: {output}")
        return output

    def recorded(self, text: str) -> str:
        """A command as the recordings show one: what it was, what it printed, how it ended."""
        done = subprocess.run(
            self.command(text), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=20, check=False,
        )  # fmt: skip
        return f"$ {text}\n{done.stdout.decode()}[exit {done.returncode}]\n"

    def start(self, text: str, output: Path) -> subprocess.Popen[bytes]:
        """A command that keeps running until the host goes."""
        with output.open("wb") as file:
            process = subprocess.Popen(
                self.command(f"exec {text}"), stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End everything in it."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for process in self._started:
            process.wait()


def cable(one: Host, one_name: str, other: Host, other_name: str) -> None:
    """A veth pair between two hosts, without offloads, up on both ends."""
    subprocess.run(
        ["ip", "link", "add", one_name, "netns", str(one.pid), "type", "veth",
         "peer", "name", other_name, "netns", str(other.pid)],
        check=True,
    )  # fmt: skip
    for host, name in ((one, one_name), (other, other_name)):
        host.run(f"ethtool -K {name} tx off rx off tso off gso off gro off >/dev/null 2>&1 || true;"
                 f" ip link set {name} up")  # fmt: skip


def until(what: str, reached: Callable[[], object], seconds: float = 10) -> object:
    """The first true value of ``reached``; fails with what was last seen when time is over."""
    deadline = time.monotonic() + seconds
    seen: object = None
    while time.monotonic() < deadline:
        seen = reached()
        if seen:
            return seen
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s; last seen: {seen!r}")


def make_device(host: Host, root: Path, version: str) -> None:
    """Make a host a DPVS host: the installation mounted over its own directories."""
    simulated.install(root, version)
    (root / "etc/dpvs.conf").touch()
    host.run(
        "mount -t tmpfs tmpfs /run && mkdir -p /run/netns /tmp;"
        f"mount -t overlay overlay -o lowerdir={root}/etc:/etc /etc &&"
        f"mount -t overlay overlay -o lowerdir={root}/usr/sbin:/usr/sbin /usr/sbin &&"
        "mount -t tmpfs tmpfs /opt && mkdir /opt/dpvs /opt/softlab &&"
        f"mount --bind {root}/opt/dpvs /opt/dpvs &&"
        f"mount --bind {REPOSITORY}/softlab /opt/softlab"
    )
