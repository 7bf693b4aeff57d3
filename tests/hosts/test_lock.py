"""One run at a time on a host; a stale lock goes only when lease and process are both gone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.connection import Host, HostError, connect

from .server import Server


@pytest.fixture
def other(server: Server) -> Iterator[Host]:
    """Another run: a connection of its own to the same host."""
    with connect("lb01", "lb01", server.ssh_config) as other:
        yield other


@pytest.fixture(autouse=True)
def _nothing_left(host: Host) -> Iterator[None]:
    yield
    left = host.run(f"find {journal.ROOT}; rm -rf {journal.ROOT}").stdout
    assert left == ""


def test_second_run_is_told_who_since_when_from_where(host: Host, other: Host) -> None:
    with lock.acquire(host, "alice, run 7\nof today"):
        with pytest.raises(lock.Locked) as caught:
            lock.acquire(other, "bob")
        holder = caught.value.holder
        assert (holder.owner, holder.source) == ("alice, run 7 of today", "127.0.0.1")
        assert holder.since.startswith(time.strftime("%Y-%m-%dT", time.gmtime()))
        assert "in use by alice, run 7 of today since" in str(caught.value)
    with lock.acquire(other, "bob") as held:
        assert held.taken_over is None


def test_the_same_connection_cannot_take_it_twice(host: Host) -> None:
    with lock.acquire(host, "alice"), pytest.raises(lock.Locked):
        lock.acquire(host, "alice")


def test_lease_that_is_over_is_not_enough(host: Host, other: Host) -> None:
    with lock.acquire(host, "alice", lease=0), pytest.raises(lock.Locked):
        lock.acquire(other, "bob")


def test_process_that_is_gone_is_not_enough(host: Host, server: Server) -> None:
    with connect("lb01", "lb01", server.ssh_config) as dying:
        lock.acquire(dying, "alice", lease=60)
    with pytest.raises(lock.Locked):
        lock.acquire(host, "bob")
    host.run(f"rm -rf {journal.ROOT}")


def test_stale_lock_is_taken_over_and_said(host: Host, server: Server) -> None:
    with connect("lb01", "lb01", server.ssh_config) as dying:
        old = lock.acquire(dying, "alice", lease=0)
    deadline = time.monotonic() + 5
    while True:
        try:
            held = lock.acquire(host, "bob")
            break
        except lock.Locked:
            # The host takes a moment to notice that the connection is gone.
            assert time.monotonic() < deadline
    assert held.taken_over == "alice"
    old.parameters["token"] += "x"
    held.renew()
    held.release()


def test_lock_of_another_boot_is_stale(host: Host, other: Host) -> None:
    lock.acquire(other, "alice", lease=1000)
    host.run(f"sed -i 's/^[^ ]*/another-boot/' {journal.ROOT}/lock/lease")
    with lock.acquire(host, "bob") as held:
        assert held.taken_over == "alice"


def test_lock_that_was_only_begun_is_stale_after_a_minute(host: Host) -> None:
    host.run(f"mkdir -p {journal.ROOT}/lock")
    with pytest.raises(lock.Locked, match="somebody who has just come"):
        lock.acquire(host, "bob")
    host.run(f"touch -d '2 minutes ago' {journal.ROOT}/lock")
    lock.acquire(host, "bob").release()


def test_losing_it_is_noticed_and_releasing_then_touches_nothing(host: Host, other: Host) -> None:
    mine = lock.acquire(host, "alice")
    mine.renew()
    host.run(f"rm -rf {journal.ROOT}/lock")
    theirs = lock.acquire(other, "bob")
    with pytest.raises(HostError, match="the lock is gone"):
        mine.renew()
    mine.release()
    theirs.renew()
    theirs.release()


def test_host_that_cannot_be_written_cannot_be_locked(host: Host) -> None:
    with pytest.raises(HostError, match="cannot be locked"):
        lock.acquire(host, "alice", root="/proc/nowhere")


def test_owner_stays_text(host: Host, other: Host) -> None:
    owner = "$(id) `id` 'x' \"y\" \\ ; id"
    with lock.acquire(host, owner), pytest.raises(lock.Locked) as caught:
        lock.acquire(other, "bob")
    assert caught.value.holder.owner == owner


def test_looking_changes_nothing_and_says_when_a_dead_run_s_lock_is_free(
    host: Host, other: Host, server: Server
) -> None:
    lock.look(host)
    with lock.acquire(other, "alice"):
        with pytest.raises(lock.Locked) as caught:
            lock.look(host)
        assert caught.value.holder.frees_in is None
    for owner, lease, said in (("carol", 60, r"is gone, its lease ends in \d+ s"), ("dave", 0, "")):
        with connect("lb01", "lb01", server.ssh_config) as dying:
            lock.acquire(dying, owner, lease=lease)
        deadline = time.monotonic() + 5
        while not re.search(f"{said}$", last := _look(host)) and time.monotonic() < deadline:
            pass  # The host takes a moment to notice that the connection is gone.
        assert (f"in use by {owner} since" in last) == bool(said)
        host.run(f"rm -rf {journal.ROOT}")


def _look(host: Host) -> str:
    try:
        lock.look(host)
    except lock.Locked as locked:
        return str(locked)
    return ""
