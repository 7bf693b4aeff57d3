from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import connection, lock, transcript
from dpvs_acceptance.hosts.connecting import connect

from .proxy import Proxy
from .server import Server, reconfigured


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd for everything that does not change it."""
    server = Server(tmp_path_factory.mktemp("sshd"), sh=os.environ.get("TEST_SH", ""))
    yield server
    server.stop()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers of a test's own."""
    servers: list[Server] = []

    def start(**options: str) -> Server:
        folder = tmp_path / f"sshd{len(servers)}"
        folder.mkdir()
        servers.append(Server(folder, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def shared_transcript(tmp_path_factory: pytest.TempPathFactory) -> Iterator[transcript.Transcript]:
    with transcript.Transcript(tmp_path_factory.mktemp("run")) as kept:
        yield kept


@pytest.fixture(scope="session")
def host(server: Server, shared_transcript: transcript.Transcript) -> Iterator[connection.Host]:
    """One connection for everything that does not break it."""
    with connect("lb01", "lb01", server.ssh_config, shared_transcript) as host:
        yield host


@pytest.fixture
def locked(host: connection.Host) -> Iterator[lock.Lock]:
    """The common host, locked by the test as by a run that changes it."""
    with lock.acquire(host, "the test", lease=600) as held:
        yield held


@pytest.fixture
def proxied(server: Server, tmp_path: Path) -> Iterator[tuple[Path, Proxy]]:
    """The common server behind a proxy that a test may break: ssh_config and the proxy."""
    proxy = Proxy(server.port)
    config = reconfigured(server, tmp_path, port=proxy.port)
    yield config, proxy
    proxy.stop()


_naps = itertools.count(1)


@pytest.fixture
def nap() -> str:
    """Seconds to sleep, hours, that nobody else on this machine sleeps: to find the process by."""
    return f"7654.{os.getpid()}{next(_naps):04}"
