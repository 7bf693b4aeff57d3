"""The dead-man switch: a host undoes a run's changes by itself if the run's heartbeat stops.

A shell on the host sleeps and checks whether the lease of the lock has expired. If so, the run is
considered dead, independent of its connection: the shell takes over the lock, undoes the journal,
logs that in `restored/<run>`, and ends. It needs sh and coreutils, like the journal. At the end of
the run it is disarmed and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import threading
import time
from dataclasses import dataclass, replace

from . import journal
from .channel import Channel
from .connection import Host
from .errors import HostError, LockLostError
from .lock import Lock
from .lockfile import fence, script
from .shell import quote

BEATS_PER_LEASE = 4
_TIMEOUT = 10.0
_QUIET = 30.0  # seconds until a silent host is asked again about its lock
_UNDOING = 600  # seconds of the lease under which the switch undoes

_TIMER = r"""
trap "" HUP INT
take_over() {
mine || return 2
over && [ "$(cat "$root/dead-man")" = "$$ $(started $$)" ] || return 1
its_word=$successor its_time=$(uptime) its_lease=@UNDOING@
its_owner="the dead-man switch of $its_owner"
write_lock
}
while :; do
sleep "$nap"
exclusively take_over
case $? in 0) break ;; 2) exit 0 ;; esac
done 2>/dev/null
log=$root/restored/$run
mkdir -p "$root/restored" && true >"$log" || log=/dev/null
{ echo "# at $(date -u +%Y-%m-%dT%H:%M:%SZ): no sign of the run for $lease s"
@UNDO@
} >"$log" 2>&1
token=$successor
exclusively let_go
"""

_ARM = r"""
mine || exit 2
command -v setsid >/dev/null 2>&1 && own=setsid || own=
$own /bin/sh -c "$timer" dpvs-acceptance-dead-man </dev/null >/dev/null 2>&1 &
echo "$! $(started $!)" >"$root/dead-man"
"""

# Only the host itself knows that nothing is left to be undone.
_DISARM = r"""
mine || exit 2
[ -z "$(ls -A "$root/journal/$run" 2>/dev/null)" ] || exit 4
read -r pid when <"$root/dead-man" || exit 0
rm -f "$root/dead-man"
[ "$(started "$pid")" = "$when" ] || exit 3
kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid"
"""

_TELL = r"""
cd "$root/restored" 2>/dev/null || exit 0
for run in *; do
[ -f "$run" ] && echo "$run" && head -n 1 "$run" && grep '^# [0-9]*: exit [0-9]*$' "$run"
done
exit 0
"""

_FORGET = r"""rm -rf "$root/restored"; rmdir "$root" 2>/dev/null; exit 0"""


class DeadMan:
    """An armed switch. `disarm` it before the lock is released."""

    def __init__(self, lock: Lock, run: str) -> None:
        """Arms it: the host undoes the journal of `run` when the lock's lease is over.

        HostError where the lock is not ours, or no shell can be left there.
        """
        self._lock = lock
        self._run = run
        root = lock.root
        boot, number, _ = lock.token.split()
        successor = f"{boot} {int(number) + 1} {secrets.token_hex(16)}"
        undo = journal.undo_by_itself(run, fence(root, successor), root)
        nap = max(1, int(lock.lease / BEATS_PER_LEASE))
        parameters = {**lock.parameters, "run": run, "nap": f"{nap}", "successor": successor}
        text = _TIMER.replace("@UNDOING@", f"{_UNDOING}").replace("@UNDO@", undo)
        timer = script(parameters, text)
        self._do(f"timer={quote(timer)}\n{_ARM}", "cannot be armed")

    def disarm(self) -> None:
        """End it, and all of it. HostError where it has fired, is gone, or is still needed: the
        host has undos of the run."""
        self._do(_DISARM, "cannot be disarmed")

    def _do(self, text: str, what: str) -> None:
        host = self._lock.host
        parameters = {**self._lock.parameters, "run": self._run}
        result = host.run(script(parameters, text), timeout=_TIMEOUT)
        match result.exit_status:
            case 0:
                return
            case 2:
                why = "the lock is not ours any more: it has undone what this run did there"
            case 3:
                why = "it was ended by another process"
            case 4:
                why = "the host is not restored yet"
            case status:
                why = result.stderr.strip() or f"exit {status}"
        raise HostError(host.name, f"the dead-man switch {what}: {why}")


class Heartbeat:
    """Renews a lock's lease from a thread: one line each quarter of it, over the one connection.

    `silent` says why it stopped before its end; empty while all is well.
    """

    def __init__(self, lock: Lock) -> None:
        self.silent = ""
        self._lock = lock
        self._period = lock.lease / BEATS_PER_LEASE
        self._channel: Channel = lock.host.open(lock.beat_script())
        self._renewed = self._sent = _now()
        self._ask_from = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def check(self, *, ask: bool = False) -> None:
        """LockLostError where the lock is another run's. The host is asked where the last renewal
        is older than the lease, as after a suspension, or with `ask`; one that does not answer is
        not asked again for a while. HostError says that it did not."""
        if not (ask or self.silent or _now() - self._renewed >= self._lock.lease):
            return
        if _now() < self._ask_from:
            return
        try:
            self._lock.renew()
        except LockLostError:
            raise
        except HostError:
            self._ask_from = _now() + _QUIET
            raise
        self._renewed = _now()

    def stop(self) -> None:
        """No more beats; nothing of it stays on the host. May be repeated."""
        self._over.set()
        self._thread.join()
        with contextlib.suppress(HostError):
            self._channel.close()

    def _beat(self) -> None:
        name, channel = self._lock.host.name, self._channel
        answers = channel.stdout.fileno()
        while not self._over.wait(self._period):
            try:
                if (status := channel.poll()) is not None:
                    self.silent = f"{name}: the lock was taken away (exit {status})"
                    return
                if select.select([answers], [], [], 0)[0] and os.read(answers, 4096):
                    self._renewed = self._sent
                self._sent = _now()
                channel.stdin.write(b"\n")
                channel.stdin.flush()
            except (OSError, ValueError, HostError) as error:
                self.silent = f"{name}: no heartbeat any more: {error}"
                return


def _now() -> float:
    """Seconds, also while the runner is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Fired:
    """A switch that has fired: what it says of when and why, and how each undo ended."""

    host: str
    run: str
    why: str
    undone: int
    failed: int

    def __str__(self) -> str:
        failed = f", {self.failed} could not be undone" if self.failed else ""
        return (
            f"{self.host}: the dead-man switch of run {self.run} has undone {self.undone} changes "
            f"by itself{failed}, at {self.why}"
        )


def fired(host: Host, root: str = journal.ROOT) -> list[Fired]:
    """What switches did on a host since the last report; read-only."""
    result = host.run(f"root={quote(root)}\n{_TELL}", timeout=_TIMEOUT)
    found: list[Fired] = []
    for line in result.stdout.splitlines():
        if not line.startswith("# "):
            found.append(Fired(host.name, line, "", 0, 0))
        elif line.startswith("# at "):
            found[-1] = replace(found[-1], why=line.removeprefix("# at "))
        elif line.endswith(": exit 0"):
            found[-1] = replace(found[-1], undone=found[-1].undone + 1)
        else:
            found[-1] = replace(found[-1], failed=found[-1].failed + 1)
    return found


def forget(host: Host, root: str = journal.ROOT) -> None:
    """Remove what `fired` tells."""
    host.run(f"root={quote(root)}\n{_FORGET}", timeout=_TIMEOUT)
