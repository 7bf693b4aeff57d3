"""Is the dpvs that was brought up still the one that runs? Two questions to the DUT, both cheap.

A dpvs that died lets every later check wait for its whole time. Who failed asks here first.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from dpvs_acceptance.bringup.daemon import START_LOG
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import HostError

# Fields 3 and 22 of /proc/PID/stat (proc(5)): the name in front of them may hold blanks.
_STAT = (
    "stat() { read -r line 2>/dev/null </proc/$1/stat || return 1; set -- ${line##*) }; "
    'echo "$1 ${20}"; }'
)
_SECONDS = 5.0
_LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class DpvsProcess:
    """One dpvs process: `pid`, and when it was started, in clock ticks after the host's boot."""

    host: Host
    pid: int
    started: int
    log_file: str

    def question(self) -> str:
        """Why nothing can be asked of this process any more, last words included; empty: it runs.

        One round trip. Where the host itself does not answer, empty: that is told by others.
        """
        words = (
            f"{_STAT}\nstat {self.pid} || echo gone\n"
            f"tail -qn {_LAST_LINES} {START_LOG} {shlex.quote(self.log_file)} 2>/dev/null; :"
        )
        try:
            said = self.host.run(words, timeout=_SECONDS).stdout
        except HostError:
            return ""
        state, _, last = said.partition("\n")
        if re.fullmatch(rf"[^TtZXx] {self.started}", state):
            return ""
        if re.fullmatch(rf"[Tt] {self.started}", state):
            return f"dpvs (process {self.pid}) is stopped: somebody sent it SIGSTOP"
        lines = [line.strip() for line in last.splitlines() if line.strip()]
        shown = lines[-1] if lines else "it left none"
        head = f"dpvs is not running any more (process {self.pid}): its last words: {shown}"
        return "\n".join([head, *(f"    {line}" for line in lines[:-1])])


def find(host: Host, log_file: str) -> DpvsProcess | None:
    """The dpvs process of a DUT; None where there is none, or the host does not say."""
    words = f"{_STAT}\nfor pid in $(pgrep -x dpvs); do s=$(stat $pid) && echo $pid $s; done; :"
    try:
        said = host.run(words, timeout=_SECONDS).stdout
    except HostError:
        return None
    found = re.search(r"^(\d+) \S (\d+)$", said, re.MULTILINE)
    return None if found is None else DpvsProcess(host, int(found[1]), int(found[2]), log_file)
