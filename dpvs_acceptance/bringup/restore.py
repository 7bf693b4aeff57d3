"""Takes back what killed runs left on the hosts of a bench, from the journals there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from dpvs_acceptance.hosts import deadman, journal, lock
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode

Say = Callable[[str], None]


def leftovers(hosts: Mapping[str, Host]) -> list[journal.Leftover]:
    """The journals that runs left on all hosts; only reads. Raises HostError."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        asked = [pool.submit(copy_context().run, journal.leftovers, h) for h in hosts.values()]
        return [leftover for answer in asked for leftover in answer.result()]


def describe(left: journal.Leftover) -> str:
    """One line: whose it is, how many changes, since when."""
    since = left.entries[0].at if left.entries else "an unknown time"
    changes = f"{len(left.entries)} change{'' if len(left.entries) == 1 else 's'}"
    return f"{left.host}: {left.about} left {changes} there, the first made at {since}"


def acquire_patiently(host: Host, owner: str, lease: float, say: Say) -> lock.Lock:
    """The lock on a host. Waits for the lease of a run that is gone, and for no other.

    Raises Locked, HostError.
    """
    said = False
    while True:
        try:
            return lock.acquire(host, owner, lease=lease)
        except lock.Locked as locked:
            if not locked.holder.gone:
                raise
            if not said:
                say(f"{locked}; waiting for that")
                said = True
            time.sleep(min(1.0, locked.holder.frees_in + 0.1))


def restore(hosts: Mapping[str, Host], say: Say) -> bool:
    """Undo every journal on every host, each whatever the others do; whether all is undone.

    `say` is told every change that was taken back, and every one that was not. The caller has
    locked the hosts: so no run that lives has changes there.
    """
    with ThreadPoolExecutor(len(hosts)) as pool:
        asked = [pool.submit(copy_context().run, _restore_host, h) for h in hosts.values()]
        answers = [answer.result() for answer in asked]
    for lines, _ in answers:
        for line in lines:
            say(line)
    return all(well for _, well in answers)


def _restore_host(host: Host) -> tuple[Sequence[str], bool]:
    """What was done on one host, and whether it was all."""
    lines: list[str] = []
    well = True
    try:
        lines += [str(told) for told in deadman.fired(host)]
        # The last run's first: it found what the runs before it had left.
        for left in reversed(journal.leftovers(host)):
            lines.append(describe(left))
            try:
                gate = WriteGate(host, WriteMode.WRITABLE, run=left.run)
            except ValueError as error:  # no run of this suite's made that folder
                well = False
                lines.append(f"  NOT undone: {error}; see what is in {journal.ROOT}/journal")
                continue
            for undone in gate.undo():
                well = well and undone.ok
                lines.append(f"  {undone}")
        if well:
            deadman.forget(host)
    except HostError as error:
        lines.append(f"NOT restored: {error}")
        well = False
    if not lines:
        lines.append(f"{host.name}: nothing was left")
    return lines, well
