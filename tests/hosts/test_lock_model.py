"""The lock's protocol under runners that crash, are suspended, and clocks that jump.

Never two writers at once, never locked for ever. `lock_model` has the steps; what it says of the
file is held against the sh text itself.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from dpvs_acceptance.hosts import batch_format, journal, lock, lockfile

from .lock_model import LEASE, LockFile, Machine, Work

RUNS = 3
QUICK = settings(max_examples=300, stateful_step_count=60, deadline=None)


@dataclass
class Runner:
    """One run: what it believes of the lock, and whether it has ended the work of others yet."""

    token: tuple[int, int, int] | None = None
    ready: bool = False
    suspended: bool = False


class Protocol(RuleBasedStateMachine):
    """Any order of steps of several runs on one host; who is suspended takes none of its own, but
    what it has sent goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.host = Machine()
        self.runners = [Runner() for _ in range(RUNS)]
        self.words = 0

    def _runner(self, index: int) -> Runner | None:
        runner = self.runners[index]
        return None if runner.suspended else runner

    @rule(index=st.integers(0, RUNS - 1))
    def take(self, index: int) -> None:
        runner = self._runner(index)
        if runner is None or runner.token is not None:
            return
        replaced = self.host.lock.token if self.host.lock is not None else None
        self.words += 1
        runner.token, runner.ready = self.host.take(self.words), False
        if runner.token is not None and replaced is not None and replaced[0] == self.host.boot:
            assert runner.token[1] > replaced[1], "the token has to grow"

    @rule(index=st.integers(0, RUNS - 1))
    def end_the_others(self, index: int) -> None:
        runner = self._runner(index)
        if runner is not None and runner.token is not None and not runner.ready:
            self.host.end_others()
            runner.ready = True

    @rule(index=st.integers(0, RUNS - 1))
    def begin_a_change(self, index: int) -> None:
        runner = self._runner(index)
        if runner is not None and runner.token is not None and runner.ready:
            self.host.works.append(Work(runner.token))

    @precondition(lambda self: self.host.works)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        self.host.step(data.draw(st.sampled_from(self.host.works)))

    @rule(index=st.integers(0, RUNS - 1))
    def renew(self, index: int) -> None:
        runner = self._runner(index)
        if runner is not None and runner.token is not None and not self.host.renew(runner.token):
            runner.token = None

    @rule(index=st.integers(0, RUNS - 1))
    def release(self, index: int) -> None:
        """As a run does, which waits for its own changes first."""
        runner = self._runner(index)
        if runner is None or runner.token is None or not runner.ready:
            return
        if not any(work.token == runner.token for work in self.host.works):
            self.host.release(runner.token)
            runner.token = None

    @rule(index=st.integers(0, RUNS - 1))
    def crash(self, index: int) -> None:
        self.runners[index] = Runner()

    @rule(index=st.integers(0, RUNS - 1))
    def suspend_or_continue(self, index: int) -> None:
        self.runners[index].suspended = not self.runners[index].suspended

    @rule(seconds=st.sampled_from([1, 30, LEASE - 1, LEASE, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.host.now += seconds

    @rule()
    def reboot(self) -> None:
        self.host.reboot()

    @rule(damage=st.sampled_from(["gone", "garbage", "of the future"]))
    def damage(self, damage: str) -> None:
        lock = self.host.lock
        if damage == "gone" or lock is None:
            self.host.lock = None
        elif damage == "garbage":
            self.host.lock = LockFile(None)
        else:
            lock.renewed = self.host.now + 5000

    @invariant()
    def never_two_writers(self) -> None:
        assert len(self.host.writers()) <= 1, self.host.works

    def teardown(self) -> None:
        """Never locked for ever: not renewed, the lease ends, and the next run has it."""
        self.host.now += LEASE
        assert self.host.take(0) is not None


Protocol.TestCase.settings = QUICK
TestProtocol = Protocol.TestCase


@pytest.mark.parametrize("note_first", [True, False])
def test_work_is_noted_before_it_compares_the_token(note_first: bool) -> None:
    """In the other order, who takes the lock in between does not see the work, nor end it."""
    host = Machine(note_first)
    old = host.take(1)
    assert old is not None
    late = Work(old)
    host.works.append(late)
    host.step(late)
    host.now += LEASE
    new = host.take(2)
    assert new is not None
    host.end_others()
    host.works.append(Work(new))
    while len(host.writers()) < 1:
        host.step(host.works[-1])
    while late in host.works and not late.changing:
        host.step(late)
    assert len(host.writers()) == (1 if note_first else 2)


@pytest.mark.parametrize("seed", range(20))
def test_two_runners_race_for_an_hour(seed: int) -> None:
    """Second by second: each wants the host, works, renews, is suspended now and then, crashes.

    Both get it, never both at once, and the host is not left unused for longer than a lease.
    """
    dice = random.Random(seed)
    host, runners, had = Machine(), [Runner(), Runner()], [0, 0]
    asleep, unused, words = [0, 0], 0, 0
    for second in range(3600):
        host.now += 1
        awake = [index for index in (0, 1) if asleep[index] <= second]
        for index in awake:
            runner = runners[index]
            if dice.random() < 0.004:
                asleep[index] = second + dice.randrange(400)
            elif dice.random() < 0.002:
                runners[index] = Runner()
            elif runner.token is None:
                words += 1
                runner.token, runner.ready = host.take(words), False
            elif not runner.ready:
                host.end_others()
                runner.ready = True
                had[index] += 1
            elif second % (LEASE // 4) == 0 and not host.renew(runner.token):
                runner.token = None
            elif dice.random() < 0.3:
                host.works.append(Work(runner.token))
            elif dice.random() < 0.02 and not host.works:
                host.release(runner.token)
                runner.token = None
        for work in [*host.works]:
            if work in host.works and dice.random() < 0.7:
                host.step(work)
            assert len(host.writers()) <= 1
        used = any(runners[index].token is not None for index in awake)
        unused = 0 if used or not awake else unused + 1
        assert unused <= LEASE + 2, (second, runners, host.lock)
    assert min(had) > 0, had


class Files(RuleBasedStateMachine):
    """The sh text itself against the model: one host, its uptime and boot id in files."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "root"
        self.model = Machine()
        self.held: dict[int, tuple[str, tuple[int, int, int]]] = {}
        self._clock()

    def _clock(self) -> None:
        folder = Path(self.folder.name)
        (folder / "uptime").write_text(f"{self.model.now}.50 1.00\n")
        (folder / "boot_id").write_text(f"boot{self.model.boot}\n")

    def _run(self, text: str) -> subprocess.CompletedProcess[str]:
        for real, fake in (
            ("/proc/uptime", f"{self.folder.name}/uptime"),
            ("/proc/sys/kernel/random/boot_id", f"{self.folder.name}/boot_id"),
            ("9</run", f"9<{self.folder.name}"),
        ):
            text = text.replace(real, fake)
        return subprocess.run(["sh"], input=text, capture_output=True, text=True, check=False)

    def _known(self, token: str) -> dict[str, str]:
        return {"root": str(self.root), "token": token, "lease": str(LEASE)}

    @rule(run=st.integers(0, RUNS - 1))
    def take(self, run: int) -> None:
        if run in self.held:
            return
        known = self._known("") | {"nonce": f"run{run}", "owner": f"run {run}"}
        library = batch_format.library("-") + journal.LIBRARY
        said = self._run(lockfile.script(known, library + lock.ACQUIRE))
        token = self.model.take(run)
        assert (said.returncode == 0) == (token is not None), (said, self.model.lock)
        if token is not None:
            word = said.stdout.splitlines()[0]
            assert word == f"boot{token[0]} {token[1]} run{run}"
            self.held[run] = (word, token)

    @rule(run=st.integers(0, RUNS - 1), what=st.sampled_from(["renew", "release", "change"]))
    def use(self, run: int, what: str) -> None:
        if run not in self.held:
            return
        word, token = self.held[run]
        mine = self.model.lock is not None and self.model.lock.token == token
        if what == "change":
            said = self._run(lockfile.fence(str(self.root), word))
            assert said.returncode == (0 if mine else lockfile.LOST), said
            return
        text = lock.RENEW if what == "renew" else lock.RELEASE
        # Of a lock with a time that has not been yet the file says nothing to anybody. A time of
        # an earlier boot is not compared.
        now = self.model.lock
        earlier = token[0] != self.model.boot
        readable = mine and now is not None and (earlier or now.renewed <= self.model.now)
        said = self._run(lockfile.script(self._known(word), text))
        assert said.returncode == (0 if readable else 2), said
        if readable and what == "renew":
            self.model.renew(token)
        elif readable:
            self.model.release(token)
        if not readable or what == "release":
            del self.held[run]

    @rule(seconds=st.sampled_from([1, LEASE - 1, LEASE, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.model.now += seconds
        self._clock()

    @rule()
    def reboot(self) -> None:
        self.model.reboot()
        self._clock()

    @rule(damage=st.sampled_from(["gone", "", "\0" * 9000, "x" * 9000, "lease 1 1\n", "folder"]))
    def damage(self, damage: str) -> None:
        path = self.root / "lock"
        if not path.is_file():
            return
        path.unlink()
        self.model.lock = None
        if damage == "folder":
            (path / "lease").mkdir(parents=True)
        elif damage != "gone":
            path.write_text(damage)
            self.model.lock = LockFile(None)

    def teardown(self) -> Any:
        self.folder.cleanup()


Files.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestFiles = Files.TestCase
