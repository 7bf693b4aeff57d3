"""Undoes what killed runs left on the hosts of a bench, from the journals there."""

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
    """The journals that runs left on all hosts; read-only. Raises HostError."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        asked = [pool.submit(copy_context().run, journal.leftovers, h) for h in hosts.values()]
        return [leftover for answer in asked for leftover in answer.result()]


def describe(left: journal.Leftover) -> str:
    """One line: owner, number of changes, time of the first."""
    since = left.entries[0].at if left.entries else "an unknown time"
    changes = f"{len(left.entries)} change{'' if len(left.entries) == 1 else 's'}"
    return f"{left.host}: {left.about} left {changes}, the first made at {since}"


def acquire_patiently(host: Host, owner: str, lease: float, say: Say) -> lock.Lock:
    """Locks a host. Waits only for the lease of a run that has ended.

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
    """Undo all journals on all hosts, also after a failure; returns whether all is undone.

    `say` gets a line for every change, undone or not. The caller has locked the hosts, so no
    running run has changes there.
    """
    with ThreadPoolExecutor(len(hosts)) as pool:
        asked = [pool.submit(copy_context().run, _restore_host, h) for h in hosts.values()]
        answers = [answer.result() for answer in asked]
    for lines, _ in answers:
        for line in lines:
            say(line)
    return all(well for _, well in answers)


def _restore_host(host: Host) -> tuple[Sequence[str], bool]:
    """Lines for one host, and whether everything is undone."""
    lines: list[str] = []
    well = True
    try:
        lines += [str(told) for told in deadman.fired(host)]
        # The last run first, since it started from the state that earlier runs left.
        for left in reversed(journal.leftovers(host)):
            lines.append(describe(left))
            try:
                gate = WriteGate(host, WriteMode.WRITABLE, run=left.run)
            except ValueError as error:  # not a directory of this suite
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
