"""The rehearsal: sets each NIC down for a moment before DPVS takes it, and watches the ssh session.

The interfaces of a host may not show what the session depends on: a program, another namespace, a
policy. So a process on the host sets the links down, waits for a command over ssh meanwhile, and
sets them up again, by itself after some seconds. If the command does not arrive, each NIC is tested
alone, for longer; the one that interrupts the session is refused. The rehearsal is a change like
any other: its undo is in the journal first, and restores what a link loses when it goes down.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from dpvs_acceptance.bringup.interfaces import keep
from dpvs_acceptance.bringup.management import HostNetwork
from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.errors import HostError, LockLostError
from dpvs_acceptance.hosts.gate import Change, WriteGate, first_failure
from dpvs_acceptance.hosts.shell import quote
from dpvs_acceptance.hosts.snapshot import Snapshot
from dpvs_acceptance.model.nics import Nic

TOGETHER, ALONE = 3, 6
"""Seconds that links are down at most: all at once, and each alone where the session stalled."""
_BACK = 60.0  # seconds until ssh has to be there again: a switch may take its time (STP)
_ID = "rehearsal."
_FILE = f"{journal.ROOT}/rehearsal"

# While the file exists, the links are down or about to be; removing it sets them up again.
_TIMER = r"""
trap "" HUP
[ -e "$file" ] || exit
for n in $names; do ip link set dev "$n" down; done
echo down >"$file"
read -r now _ </proc/uptime
end=$((${now%.*} + seconds + 1))
while [ -e "$file" ] && [ "${now%.*}" -lt "$end" ]; do
sleep 0.05 2>/dev/null || sleep 1
read -r now _ </proc/uptime
done
rm -f "$file"
for n in $names; do ip link set dev "$n" up; done
"""
_QUESTION = f'[ "$(cat {_FILE} 2>/dev/null)" = down ] && rm -f {_FILE}'


class RehearsalError(Exception):
    """A NIC could not be put down, or not be put back as it was; names the host and why."""


def rehearse(gate: WriteGate, nics: Sequence[Nic], before: Snapshot) -> list[str]:
    """Put down those of the NICs whose link is up, and up again; why one must not be taken.

    One sentence each, empty where all may. Raises RehearsalError, HostError.
    """
    network = HostNetwork.of(before)
    names = [nic.name for nic in nics if network.is_up(nic.name)]
    if not names or _answers(gate, network, names, TOGETHER):
        return []
    found = [name for name in names if not _answers(gate, network, [name], ALONE)]
    if not found and not _answers(gate, network, names, ALONE):
        found = [" and ".join(names)]
    return [
        f"the bench gives {name} to DPVS, but the ssh session stalls while {name} is down: it uses "
        f"{name} in a way that is not visible in the host's interfaces"
        for name in found
    ]


def _answers(gate: WriteGate, network: HostNetwork, names: Sequence[str], seconds: int) -> bool:
    """Whether a question came by ssh while the links were down; they are as before afterwards."""
    above = dict.fromkeys(one for name in names for one in network.above(name))
    others = [one for one in above if one not in names]
    try:
        failed = first_failure(gate.apply([down(names, others, seconds)]))
        if failed is not None:
            raise RehearsalError(f"{gate.host.name}: {failed.change.title}: {failed.problem}")
        return gate.host.run(_QUESTION, timeout=seconds + 10.0).ok
    except LockLostError:
        raise
    except HostError:
        return False
    finally:
        _put_back(gate)


def _put_back(gate: WriteGate) -> None:
    """As soon as the host is there again. HostError where it is not in time."""
    deadline = time.monotonic() + _BACK
    while True:
        try:
            # All of the run's journal: it has nothing else in it before the bring-up.
            undone = gate.undo()
            break
        except LockLostError:
            raise
        except HostError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
            with contextlib.suppress(HostError):
                gate.host.reconnect()
    for one in undone:
        if not one.ok:
            why = one.note or one.output or f"exit {one.exit_status}"
            raise RehearsalError(f"{gate.host.name}: {one.entry.title}: not undone: {why}")


def down(names: Sequence[str], others: Sequence[str], seconds: int) -> Change:
    """Puts `names` down for so many seconds, or until the file is gone.

    others: interfaces on top of them, which may lose addresses and routes with them.
    """
    known = f"names={quote(' '.join(names))} file={_FILE} seconds={seconds}"
    kept = "".join(
        f"echo '('\n(\n{keep(name)}\n) || exit\necho ') || failed=1'\n"
        for name in (*names, *others)
    )
    return Change(
        id=f"{_ID}{'+'.join(names)}",
        title=f"put {', '.join(names)} down for a moment, while the ssh session is watched",
        capture_undo=f"echo 'rm -f {_FILE}; failed='\n{kept}echo '[ -z \"$failed\" ]'",
        apply=(
            f"echo begun >{_FILE}\n"
            "command -v setsid >/dev/null 2>&1 && own=setsid || own=\n"
            f"$own /bin/sh -c {quote(known + _TIMER)} </dev/null >/dev/null 2>&1 &"
        ),
        # Down, or up again already: then the question will not find it.
        verify=f'[ "$(cat {_FILE} 2>/dev/null)" != begun ]',
        timeout=float(seconds + 10),
    )
