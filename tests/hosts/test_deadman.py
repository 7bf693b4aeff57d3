"""The host undoes a dead run's changes by itself; a run that lives, or has ended, loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import deadman, journal, lock
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import Host, HostError
from dpvs_acceptance.hosts.errors import LockLostError
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode

from .proxy import Proxy
from .server import Server

NAME = "dpvs-acceptance-dead-man"


@pytest.fixture(autouse=True)
def _nothing_left(host: Host) -> Iterator[None]:
    assert not _armed(host)
    yield
    left = host.run(f"find {journal.ROOT}; rm -rf {journal.ROOT}").stdout
    assert left == ""
    assert not _armed(host)


def _armed(host: Host) -> bool:
    return host.run(f"pgrep -f {NAME[:-1]}[{NAME[-1]}]").ok


def _change(host: Host, file: Path) -> None:
    gate = WriteGate(host, WriteMode.WRITABLE, run="dying")
    change = Change(id="a", title="a", undo=f"rm -f {file}", apply=f"touch {file}")
    (applied,) = gate.apply([change])
    assert applied.ok


def _wait(what: Callable[[], bool], seconds: float) -> float:
    begin = time.monotonic()
    while not what() and time.monotonic() < begin + seconds:
        time.sleep(0.05)
    return time.monotonic() - begin


def test_it_undoes_what_a_silent_run_did(
    host: Host, proxied: tuple[Path, Proxy], tmp_path: Path
) -> None:
    """The network goes away: the run's connection stays open on the host, as its process does."""
    config, proxy = proxied
    file = tmp_path / "changed"
    dying = connect("lb01", "lb01", config)
    held = lock.acquire(dying, "alice", lease=2)
    deadman.DeadMan(held, "dying")
    beats = deadman.Heartbeat(held)
    _change(dying, file)
    assert _wait(lambda: not file.exists(), 4) >= 4, "undone while the run was alive"
    proxy.swallow()
    waited = _wait(lambda: not file.exists(), 10)
    assert 1 <= waited < 5
    _wait(lambda: not _armed(host), 5)
    assert journal.leftovers(host) == []
    (told,) = deadman.fired(host)
    assert (told.run, told.undone, told.failed) == ("dying", 1, 0)
    assert "no sign of the run for 2 s" in told.why
    deadman.forget(host)
    lock.acquire(host, "bob").release()
    beats.stop()
    dying.close()


def test_a_silent_host_is_not_asked_for_its_lock_again_and_again(
    host: Host, proxied: tuple[Path, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check that fails asks: with a host that is gone that must not add up."""
    config, proxy = proxied
    monkeypatch.setattr(lock, "_RENEWAL", 1.0)
    with connect("lb01", "lb01", config) as silent:
        beats = deadman.Heartbeat(lock.acquire(silent, "alice", lease=60))
        beats.check(ask=True)
        proxy.swallow()
        with pytest.raises(HostError, match="stopped answering"):
            beats.check(ask=True)
        begin = time.monotonic()
        beats.check(ask=True)
        assert time.monotonic() - begin < 0.5
        beats.stop()
    host.run(f"rm -rf {journal.ROOT}")


def test_disarmed_it_leaves_nothing(host: Host, tmp_path: Path) -> None:
    with lock.acquire(host, "alice", lease=1) as held:
        switch = deadman.DeadMan(held, "dying")
        _change(host, tmp_path / "changed")
        assert _armed(host)
        WriteGate(host, WriteMode.WRITABLE, run="dying").undo()
        switch.disarm()
        _wait(lambda: not _armed(host), 1)
        assert not _armed(host)
        (tmp_path / "changed").touch()
        assert _wait(lambda: not (tmp_path / "changed").exists(), 2.5) >= 2.5


def test_a_host_that_is_not_restored_keeps_its_switch(host: Host, tmp_path: Path) -> None:
    held = lock.acquire(host, "alice", lease=2)
    switch = deadman.DeadMan(held, "dying")
    _change(host, tmp_path / "changed")
    with pytest.raises(HostError, match="cannot be disarmed: the host is not restored yet"):
        switch.disarm()
    assert (tmp_path / "changed").exists()
    _wait(lambda: not (tmp_path / "changed").exists(), 10)
    _wait(lambda: not _armed(host), 5)
    assert not (tmp_path / "changed").exists()
    deadman.forget(host)


def test_a_run_that_ends_without_disarming_it_ends_it_too(host: Host) -> None:
    with lock.acquire(host, "alice", lease=2) as held:
        deadman.DeadMan(held, "dying")
    assert _wait(lambda: not _armed(host), 3) < 3


def test_the_run_is_told_that_it_fired(host: Host, tmp_path: Path) -> None:
    held = lock.acquire(host, "alice", lease=1)
    switch = deadman.DeadMan(held, "dying")
    _change(host, tmp_path / "changed")
    _wait(lambda: not (tmp_path / "changed").exists(), 10)
    _wait(lambda: not _armed(host), 5)
    with pytest.raises(HostError, match=r"lock is not ours any more: it has undone"):
        switch.disarm()
    beats = deadman.Heartbeat(held)
    _wait(lambda: beats.silent != "", 5)
    assert "the lock was taken away" in beats.silent
    with pytest.raises(LockLostError):
        beats.check()
    beats.stop()
    deadman.forget(host)


def test_it_cannot_be_armed_without_the_lock(host: Host, server: Server) -> None:
    held = lock.acquire(host, "alice")
    held.release()
    with pytest.raises(HostError, match="cannot be armed: the lock is not ours"):
        deadman.DeadMan(held, "dying")
