"""Two real hosts on a wire: namespaces of their own, gone after the tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from dpvs_acceptance.traffic.station import Station


class LocalChannel:
    """A process in a namespace, with what a channel of a host offers."""

    def __init__(self, command: list[str]) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin: IO[bytes] = self.process.stdin
        self.stdout: IO[bytes] = self.process.stdout

    def stderr_text(self) -> str:
        self._words.seek(0)
        return self._words.read().decode("utf-8", "replace")

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.stdout.close()
            self._words.close()


@dataclass(frozen=True)
class RunResult:
    exit_status: int
    stdout: str
    stderr: str


class LocalHost:
    """A namespace with one interface, ``eth1``, reached as the library reaches a host."""

    def __init__(self, name: str, namespace: str) -> None:
        self.name = name
        self.namespace = namespace
        self.channels: list[LocalChannel] = []

    def inside(self, command: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, "sh", "-c", command]

    def open(self, command: str) -> LocalChannel:
        self.channels.append(LocalChannel(self.inside(command)))
        return self.channels[-1]

    def run(self, command: str, *, timeout: float = 10.0, stdin: bytes = b"") -> RunResult:
        done = subprocess.run(
            self.inside(command), input=stdin, capture_output=True, timeout=timeout, check=False
        )
        return RunResult(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, command: str) -> str:
        done = self.run(command)
        assert done.exit_status == 0, f"{self.name}: {command}: {done.stderr}"
        return done.stdout


@dataclass(frozen=True)
class Wire:
    """left 10.77.0.1, fd77::1; right 10.77.0.2, fd77::2; no offloads, as on the software lab."""

    left: LocalHost
    right: LocalHost


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    mark = f"{os.getpid():x}"
    hosts = [LocalHost(side, f"traffic-{mark}-{side}") for side in ("left", "right")]
    try:
        for host in hosts:
            subprocess.run(["ip", "netns", "add", host.namespace], check=True)
        left, right = hosts
        left.ok(f"ip link add eth1 type veth peer name eth1 netns {right.namespace}")
        for number, host in enumerate(hosts, 1):
            host.ok(
                "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.eth1.accept_dad=0"
                f" && ip link set eth1 address 02:00:00:77:00:0{number}"
                " && ethtool -K eth1 tx off rx off tso off gso off gro off >/dev/null"
                " && ip link set lo up && ip link set eth1 up"
                f" && ip address add 10.77.0.{number}/24 dev eth1"
                f" && ip address add fd77::{number}/64 dev eth1 nodad"
            )
        yield Wire(left, right)
    finally:
        for host in hosts:
            for channel in host.channels:
                if channel.process.poll() is None:
                    channel.process.kill()
                    channel.process.wait()
            subprocess.run(["ip", "netns", "del", host.namespace], check=False)


@pytest.fixture(scope="session")
def left(wire: Wire) -> Iterator[Station]:
    with Station.start(wire.left, "eth1") as station:
        yield station


@pytest.fixture(scope="session")
def right(wire: Wire) -> Iterator[Station]:
    with Station.start(wire.right, "eth1") as station:
        yield station


@pytest.fixture(scope="session")
def server(wire: Wire) -> Iterator[Wire]:
    """HTTP on 80 and a UDP echo on 8053, both families, on the right host."""
    process = wire.right.open(f"exec {sys.executable} {Path(__file__).parent / 'rs.py'}")
    assert process.stdout.readline() == b"ready\n", process.stderr_text()
    yield wire
    process.close()
