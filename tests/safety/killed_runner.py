"""A runner to be killed: one line of JSON on stdin is one run, each in a process of its own.

Imports once and forks, because starting Python a hundred times costs more than what is tested.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode, first_failure


def _run(order: dict[str, Any]) -> None:
    host = connect(order["host"], order["host"], Path(order["ssh_config"]))
    lock.acquire(host, "who is killed", lease=0)
    gate = WriteGate(host, WriteMode.WRITABLE, run=order["run"])
    if order["changes"] is None:
        bad = [str(one) for one in gate.undo() if not one.ok]
    else:
        failed = first_failure(gate.apply([Change(**change) for change in order["changes"]]))
        bad = [] if failed is None else [f"{failed.change.id}: {failed.problem}"]
    if bad:
        print(f"{order['run']}: {bad}", file=sys.stderr, flush=True)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is killed leaves no zombie
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                _run(json.loads(line))
            except BaseException as error:
                print(f"{line[:80]}: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
