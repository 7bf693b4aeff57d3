"""The UDP server for real servers: one file, and uoa.ko asked as its header says."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from softlab.realserver import uoa_echo

FILE = Path(uoa_echo.__file__)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    """The file alone in a folder, started without anything of this project; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("", 0))
        port = one.getsockname()[1]
    shutil.copy(FILE, tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "uoa_echo.py", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"listening on port {port}\n"
    yield port
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_it_starts_alone_and_answers_with_the_peer(
    server: int, family: socket.AddressFamily, address: str
) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.bind((address, 0))
        client.sendto(b"hello", (address, server))
        said, source = client.recvfrom(2000)
        # There is no uoa.ko here: it says so.
        assert json.loads(said) == {"peer": [address, client.getsockname()[1]], "uoa": None}
        assert source[:2] == (address, server)


def test_the_module_is_asked_by_the_structure_of_its_header() -> None:
    asked: list[bytes] = []

    def module(_fd: int, level: int, option: int, buffer: Any, length: Any) -> int:
        """What uoa.ko does: it looks up af, saddr, sport, dport, and fills in the real ones."""
        asked.append(bytes(buffer.raw[:38]))
        assert (level, option, length._obj.value) == (socket.IPPROTO_IP, 2048, 58)
        real = socket.inet_aton("172.16.0.1").ljust(16, b"\0") + (40000).to_bytes(2, "big")
        buffer[38:58] = socket.AF_INET.to_bytes(2, sys.byteorder) + real
        return 0

    found = uoa_echo.client_of(3, "192.168.229.204", 1025, 8053, socket.AF_INET, module)
    assert found == ["172.16.0.1", 40000]
    (sent,) = asked
    assert sent[:2] == socket.AF_INET.to_bytes(2, sys.byteorder)
    assert sent[2:18] == socket.inet_aton("192.168.229.204").ljust(16, b"\0")
    assert sent[18:34] == bytes(16)
    assert sent[34:38] == (1025).to_bytes(2, "big") + (8053).to_bytes(2, "big")


def test_a_module_that_knows_nothing_is_no_client() -> None:
    assert uoa_echo.client_of(3, "::1", 1, 2, socket.AF_INET6, lambda *_: -1) is None
