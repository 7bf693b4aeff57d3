"""Long-lived processes over the same connection."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.hosts.connection import Host, HostError
from dpvs_acceptance.hosts.errors import DeadlineError

from .server import processes, wait_gone


def test_talks_both_ways_until_its_stdin_ends(host: Host) -> None:
    with host.open("echo hello; exec cat") as channel:
        assert channel.stdout.readline() == b"hello\n"
        for number in range(3):
            channel.stdin.write(b"line %d\n" % number)
            channel.stdin.flush()
            assert channel.stdout.readline() == b"line %d\n" % number
        assert channel.poll() is None
        assert channel.close() == 0


def test_carries_any_bytes(host: Host) -> None:
    data = bytes(range(256)) * 1000
    with host.open("cat") as channel:
        for _ in range(5):
            # Less than the pipes hold, so that writing never has to wait for our own reading.
            channel.stdin.write(data[:32768])
            channel.stdin.flush()
            assert channel.stdout.read(32768) == data[:32768]


def test_status_and_stderr_are_kept(host: Host) -> None:
    channel = host.open("echo trouble >&2; exit 3")
    assert channel.wait(5) == 3
    assert channel.stdout.read() == b""
    assert channel.close() == 3
    assert channel.stderr_text() == "trouble\n"


def test_wait_has_a_deadline(host: Host) -> None:
    with host.open("cat") as channel, pytest.raises(DeadlineError, match="still runs"):
        channel.wait(0.1)


def test_process_that_ignores_its_stdin_is_ended_with_its_children(host: Host, nap: str) -> None:
    channel = host.open(f"sleep {nap} & sleep {nap}")
    deadline = time.monotonic() + 5
    while len(processes(nap)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    begin = time.monotonic()
    assert channel.close(timeout=0.2) is None
    assert time.monotonic() - begin < 3
    wait_gone(nap, 0.5)


def test_closing_twice_is_closing(host: Host) -> None:
    channel = host.open("cat")
    assert channel.close() == 0
    assert channel.close() == 0


def test_command_that_cannot_be_started_says_so_by_its_status(host: Host) -> None:
    channel = host.open("exec /does/not/exist")
    assert channel.wait(5) == 127
    channel.close()
    assert "/does/not/exist" in channel.stderr_text()


def test_too_many_sessions_are_one_clear_sentence(host: Host) -> None:
    channels = [host.open("cat") for _ in range(10)]
    try:
        with pytest.raises(HostError, match="MaxSessions"):
            host.open("cat")
        with pytest.raises(HostError, match="MaxSessions"):
            host.run("true")
    finally:
        for channel in channels:
            channel.close()
    assert host.run("echo well").stdout == "well\n"
