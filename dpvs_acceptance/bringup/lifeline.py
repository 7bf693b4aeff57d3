"""Detects whether the dpvs process of the bring-up still runs.

After dpvs has ended, every further check would wait for its full timeout, so a failed check asks
first.
"""

from __future__ import annotations

import re
import shlex
import signal
from dataclasses import dataclass

from dpvs_acceptance.bringup.daemon import EXIT_STATUS, START_LOG
from dpvs_acceptance.dpvs.diagnosis import explanations
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import HostError

# Fields 3 and 22 of /proc/PID/stat (proc(5)); the name before them may contain spaces.
_STAT = (
    "stat() { read -r line 2>/dev/null </proc/$1/stat || return 1; set -- ${line##*) }; "
    'echo "$1 ${20}"; }'
)
_SECONDS = 5.0
_LAST_LINES = 12
_SIGNALLED = 128  # a shell's exit status of what a signal has ended is above this, by its number
_TICKS = 100  # clock ticks of a second, on every Linux
_MARK = "==words=="
KERNEL_LINES = (
    "dmesg 2>/dev/null | grep -iE 'dpvs|dpdk|lcore|toa|uoa|igb_uio|kni|vfio' | "
    "grep -iE 'segfault|traps:|protection|killed process|out of memory|BUG:|oops|unknown symbol|"
    "version magic|disagrees about|RIP:|IP:|taint|denied|fail|error|not supported' | tail -n 5; :"
)
"""The last lines of the kernel's log about a program or module of DPVS that went wrong."""


@dataclass(frozen=True, slots=True)
class DpvsProcess:
    """One dpvs process: `pid`, and its start time in clock ticks after boot."""

    host: Host
    pid: int
    started: int
    log_file: str | None

    def question(self) -> str:
        """Why this process does not answer any more, with its last output; empty if it runs.

        One round trip. Also empty if the host does not answer, which is reported elsewhere.
        """
        words = (
            f"{_STAT}\nstat {self.pid} || echo gone\n"
            f"cat {EXIT_STATUS} 2>/dev/null || echo unknown\n{KERNEL_LINES}\necho {_MARK}\n"
            f"tail -qn {_LAST_LINES} {START_LOG} {shlex.quote(self.log_file or '')} 2>/dev/null; :"
        )
        try:
            said = self.host.run(words, timeout=_SECONDS).stdout
        except HostError:
            return ""
        state, _, rest = said.partition("\n")
        if re.fullmatch(rf"[^TtZXx] {self.started}", state):
            return ""
        if re.fullmatch(rf"[Tt] {self.started}", state):
            return f"dpvs (process {self.pid}) is stopped: it was sent SIGSTOP"
        status, _, rest = rest.partition("\n")
        kernel, _, last = rest.partition(f"{_MARK}\n")
        lines = [line.strip() for line in last.splitlines() if line.strip()]
        shown = lines[-1] if lines else "it left none"
        how = _ended(status)
        found = [line for line in kernel.splitlines() if self._since(line)]
        head = f"dpvs is not running any more (process {self.pid}): its last output: {shown}{how}"
        return "\n".join(
            [
                head,
                *(f"    {one}" for one in explanations([*lines, *found])),
                *(f"    {line}" for line in lines[:-1]),
                *(f"    the kernel: {line.strip()}" for line in found),
                *(f"    command before: {line}" for line in self.host.given),
            ]
        )

    def _since(self, line: str) -> bool:
        """Whether a line of the kernel's log was written since this process was started."""
        stamp = re.match(r"\[ {0,12}(\d{1,12})\.", line)
        return stamp is not None and int(stamp[1]) >= self.started // _TICKS


def _ended(status: str) -> str:
    """How dpvs ended, by the exit status that its shell has seen; empty where none has."""
    if not status.isdecimal() or len(status) > 3:
        return ""
    number = int(status)
    if number <= _SIGNALLED:
        return f"; it ended with exit status {number}"
    try:
        return f"; it was ended by {signal.Signals(number - _SIGNALLED).name}"
    except ValueError:
        return f"; it was ended by signal {number - _SIGNALLED}"


def find(host: Host, log_file: str | None) -> DpvsProcess | None:
    """The dpvs process of a DUT; None if there is none, or if the host does not answer."""
    words = f"{_STAT}\nfor pid in $(pgrep -x dpvs); do s=$(stat $pid) && echo $pid $s; done; :"
    try:
        said = host.run(words, timeout=_SECONDS).stdout
    except HostError:
        return None
    found = re.search(r"^(\d+) \S (\d+)$", said, re.MULTILINE)
    return None if found is None else DpvsProcess(host, int(found[1]), int(found[2]), log_file)
