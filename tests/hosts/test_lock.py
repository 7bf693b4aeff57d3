"""One run at a time on a host: by a lease, and by a token that each change carries."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import Host, HostError
from dpvs_acceptance.hosts.errors import LockLostError
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode, WriteRefused

from .server import Server, processes


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


def test_a_lease_that_lasts_is_enough_whatever_became_of_the_run(
    host: Host, server: Server
) -> None:
    with connect("lb01", "lb01", server.ssh_config) as dying:
        lock.acquire(dying, "alice", lease=60)
    with pytest.raises(lock.Locked):
        lock.acquire(host, "bob")
    host.run(f"rm -rf {journal.ROOT}")


def test_a_lease_that_is_over_is_taken_over_though_the_run_lives(host: Host, other: Host) -> None:
    """A suspended run keeps its connection, and must not keep the host for ever."""
    mine = lock.acquire(host, "alice", lease=0)
    theirs = lock.acquire(other, "bob")
    assert theirs.taken_over == "alice"
    assert _number(theirs) > _number(mine)
    with pytest.raises(LockLostError, match="this run has lost its lock"):
        mine.renew()
    with pytest.raises(LockLostError):
        mine.release()
    theirs.renew()
    theirs.release()


def _number(held: lock.Lock) -> int:
    return int(held.token.split()[1])


def test_whoever_lost_the_lock_changes_nothing_more(
    host: Host, other: Host, tmp_path: Path
) -> None:
    """Each change and undo is refused by the host itself, whatever the runner believes."""
    old = lock.acquire(host, "alice", lease=0)
    gate = WriteGate(host, WriteMode.WRITABLE, run="run-a")
    made = Change(id="a", title="a", undo=f"rm -f {tmp_path}/a", apply=f"touch {tmp_path}/a")
    assert gate.apply([made])[0].ok
    new = lock.acquire(other, "bob, run 8")
    for refused in (lambda: gate.apply([replace(made, id="b")]), gate.undo):
        (tmp_path / "b").unlink(missing_ok=True)
        with pytest.raises(LockLostError, match=r"lost its lock, it is now bob, run 8"):
            refused()
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [one.ok for one in WriteGate(other, WriteMode.WRITABLE, run="run-a").undo()] == [True]
    assert [*tmp_path.iterdir()] == []
    assert lock.release_all([old, new])[0].host == "lb01"


def test_no_change_without_the_lock(host: Host, tmp_path: Path) -> None:
    gate = WriteGate(host, WriteMode.WRITABLE, run="run-a")
    change = Change(id="a", title="a", undo=":", apply=f"touch {tmp_path}/a")
    for refused in (lambda: gate.apply([change]), gate.undo):
        with pytest.raises(WriteRefused, match="this run has not locked the host"):
            refused()
    assert [*tmp_path.iterdir()] == []


def test_what_the_run_before_is_at_is_ended_by_whoever_takes_its_lock(
    host: Host, other: Host, tmp_path: Path, nap: str
) -> None:
    """Compared, then stopped for a while, then changed: that must not happen on the host either."""
    lock.acquire(other, "alice", lease=0)
    gate = WriteGate(other, WriteMode.WRITABLE, run="run-a")
    slow = Change(
        id="a",
        title="a",
        undo=f"rm -f {tmp_path}/a",
        apply=f"sleep {nap}; touch {tmp_path}/a",
        timeout=30,
    )
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(gate.apply, [slow])
        deadline = time.monotonic() + 5
        while not processes(nap):
            assert time.monotonic() < deadline
        held = lock.acquire(host, "bob")
        assert not processes(nap)
        with pytest.raises(HostError):
            begun.result()
    assert [one.ok for one in WriteGate(host, WriteMode.WRITABLE, run="run-a").undo()] == [True]
    held.release()
    assert [*tmp_path.iterdir()] == []


def test_lock_of_another_boot_is_free(host: Host, other: Host) -> None:
    lock.acquire(other, "alice", lease=1000)
    host.run(f"sed -i 's/^token [^ ]*/token another-boot/' {journal.ROOT}/lock")
    with lock.acquire(host, "bob") as held:
        assert held.taken_over == "alice"


@pytest.mark.parametrize(
    "damage",
    [
        ": >{lock}",
        "rm {lock}; mkdir -p {lock}/lease",
        "head -c 3000000 /dev/zero >{lock}",
        "head -c 3000000 /dev/urandom >{lock}",
        "yes token x 1 y | head -c 3000000 >{lock}",
        "rm {lock}; ln -s /etc/passwd {lock}",
        "rm {lock}; ln -s /nowhere {lock}",
        "rm {lock}; mkfifo {lock}",
        "sed -i 's/^lease.*/lease 0 999999/' {lock}",
        "sed -i 's/^lease.*/lease 99999999 60/' {lock}",
        "sed -i 's/^lease.*/lease -1 60/' {lock}",
        "sed -i 's/^lease.*/lease 0 0x7fffffff/' {lock}",
        "sed -i 's/^lease.*/lease 08 09/' {lock}",
        "sed -i 's/^lease.*/lease 1 1;reboot/' {lock}",
        "sed -i /^lease/d {lock}",
        "sed -i '1s/.*/token/' {lock}",
    ],
)
def test_a_damaged_lock_is_no_lock(host: Host, other: Host, damage: str) -> None:
    """Free for the next run at once, and of no use to the run that had it: never both, never for
    ever."""
    mine = lock.acquire(other, "alice", lease=1000)
    host.run(damage.replace("{lock}", f"{journal.ROOT}/lock"))
    lock.look(host)
    with lock.acquire(host, "bob") as held:
        assert held.taken_over == "an unknown owner (the lock could not be read)"
        with pytest.raises(lock.Locked):
            lock.acquire(other, "carol")
        with pytest.raises(LockLostError):
            mine.renew()


def test_the_host_s_clock_does_not_matter(host: Host, other: Host) -> None:
    with lock.acquire(host, "alice"):
        for when in ("1 hour ago", "1 hour", "20 years"):
            host.run(f"touch -d '{when}' {journal.ROOT}/lock {journal.ROOT}")
            with pytest.raises(lock.Locked):
                lock.acquire(other, "bob")


def test_a_process_that_dies_in_the_critical_section_leaves_it_open(
    host: Host, other: Host
) -> None:
    """flock is the kernel's: nothing is left that would have to be found stale."""
    started = host.run("setsid flock /run sleep 60 </dev/null >/dev/null 2>&1 & echo $!")
    deadline = time.monotonic() + 5
    while host.run("flock -n /run true").ok:
        assert time.monotonic() < deadline
    with pytest.raises(HostError, match="flock on /run did not succeed within 5 s"):
        lock.acquire(other, "bob")
    assert host.run(f"kill -s KILL -- -{started.stdout.strip()}").ok
    with lock.acquire(other, "bob"):
        pass


def test_many_at_once_and_one_has_it(host: Host, server: Server) -> None:
    names = [f"run{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        hosts = [stack.enter_context(connect("lb01", "lb01", server.ssh_config)) for _ in names]
        for lease in (60, 0):
            asked = [
                pool.submit(lock.acquire, one, name, lease=lease)
                for one, name in zip(hosts, names, strict=True)
            ]
            held = [one.result() for one in asked if one.exception() is None]
            assert all(isinstance(one.exception(), lock.Locked | None) for one in asked)
            mine = [one for one in held if _is_mine(one)]
            assert len(mine) == 1
            assert len({_number(one) for one in held}) == len(held) == (1 if lease else 8)
            mine[0].release()


def _is_mine(held: lock.Lock) -> bool:
    try:
        held.renew()
    except LockLostError:
        return False
    return True


def test_several_hosts_all_or_none(
    host: Host, start_server: Callable[..., Server], tmp_path: Path
) -> None:
    """Named differently by two benches; one machine by two names is locked once."""
    two = start_server(name="lb02")
    with connect("dut", "lb02", two.ssh_config) as dut, connect("x", "lb02", two.ssh_config) as x:
        with lock.acquire(x, "alice, bench 2"):
            with pytest.raises(lock.Locked, match="rs1: in use by alice, bench 2"):
                lock.acquire_all({"dut": host, "rs1": _named(dut, "rs1")}, "bob")
            lock.look(host)
        held = lock.acquire_all({"dut": dut, "rs1": x, "client1": host}, "bob")
        assert [*held] == lock.in_order({"dut": dut, "rs1": x, "client1": host})
        assert held["dut"].token == held["rs1"].token
        with pytest.raises(lock.Locked):
            lock.acquire_all({"dut": dut}, "alice")
        assert {type(one) for one in lock.release_all(held.values())} <= {LockLostError}
        lock.look_at_all({"dut": dut, "client1": host})


def _named(host: Host, name: str) -> Host:
    host.name = name
    return host


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
        assert not caught.value.holder.gone
        assert 50 < caught.value.holder.frees_in <= 60
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
