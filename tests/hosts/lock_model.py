"""A model of the lock's protocol, step by step, in simulated time.

What is one step here is atomic on the host: a function under flock, a file that is replaced or
read, a signal. Between any two steps another process may run, die, or be stopped for as long as it
likes: so a piece of work may compare the token, sleep for an hour, and then change the host.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LEASE = 120


@dataclass
class LockFile:
    """token: boot, number and the run's own word; None: the file cannot be read as a lock."""

    token: tuple[int, int, int] | None
    renewed: int = 0


@dataclass
class Work:
    """A process on the host that makes one change: notes itself, compares, changes, ends.

    state: the step that it has done last.
    """

    token: tuple[int, int, int]
    noted: bool = False
    compared: bool = False
    changing: bool = False


@dataclass
class Machine:
    """One host. `note_first`: the order of the protocol; the other one is wrong, see the tests."""

    note_first: bool = True
    boot: int = 1
    now: int = 1000
    lock: LockFile | None = None
    works: list[Work] = field(default_factory=list)

    def free(self) -> bool:
        """The rule of `lockfile`."""
        lock = self.lock
        return (
            lock is None
            or lock.token is None
            or lock.token[0] != self.boot
            or lock.renewed > self.now
            or self.now - lock.renewed >= LEASE
        )

    def take(self, run: int) -> tuple[int, int, int] | None:
        """First step of taking the lock; the second is `end_others`. None: it is another's."""
        if not self.free():
            return None
        number = self.now
        if self.lock is not None and self.lock.token and self.lock.token[0] == self.boot:
            number = max(number, self.lock.token[1] + 1)
        token = (self.boot, number, run)
        self.lock = LockFile(token, self.now)
        return token

    def end_others(self) -> None:
        """End all work that is noted: none of it can be the new owner's."""
        self.works = [work for work in self.works if not work.noted]

    def renew(self, token: tuple[int, int, int]) -> bool:
        if self.lock is None or self.lock.token != token:
            return False
        self.lock.renewed = self.now
        return True

    def release(self, token: tuple[int, int, int]) -> None:
        if self.lock is not None and self.lock.token == token:
            self.lock = None

    def step(self, work: Work) -> None:
        """The next step of a piece of work."""
        if work.changing:
            self.works.remove(work)
        elif not work.noted and (self.note_first or work.compared):
            work.noted = True
        elif not work.compared:
            work.compared = self.lock is not None and self.lock.token == work.token
            if not work.compared:
                self.works.remove(work)
        else:
            work.changing = True

    def reboot(self) -> None:
        self.boot += 1
        self.now = 10
        self.works = []

    def writers(self) -> set[tuple[int, int, int]]:
        """The tokens of those that change the host right now."""
        return {work.token for work in self.works if work.changing}
