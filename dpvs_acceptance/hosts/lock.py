"""The lock on a host: one run at a time, by a lease with a token that every change carries.

`lockfile` has the file format, and the rule when a lock is free.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from . import batch_format, journal_script
from .connection import Host
from .errors import HostError, LockLostError
from .journal import ROOT
from .lockfile import LONGEST_LEASE, fence, reading, script

LEASE = 60.0
RUN_LEASE = 120.0
"""Lease in seconds of a run and of --restore."""
_TIMEOUT = 20.0
_RENEWAL = 8.0
_LONGEST_OWNER = 200

ACQUIRE = r"""
umask 077
take() {
mkdir -p "$root" || return 1
seen
found=$?
if [ $found = 0 ]; then
if [ "${its_word##* }" = "$nonce" ]; then token=$its_word; renew && echo "$token"; return 3; fi
over || { tell; return 2; }
fi
next=$(uptime)
[ $found != 0 ] || [ "$its_boot" != "$boot" ] || [ "$its_number" -lt "$next" ] ||
next=$((its_number+1))
case $found in
0) before=${its_owner:-an unknown owner} ;;
1) before= ;;
*) before="an unknown owner (the lock could not be read)" ;;
esac
its_word="$boot $next $nonce" its_time=$(uptime) its_lease=$lease its_owner=$owner
read -r its_pid its_when <<END
$(keeper)
END
its_since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
its_from=${SSH_CONNECTION:-here}
its_from=${its_from%% *}
write_lock || return 1
echo "$its_word"
echo "$before"
}
exclusively take
status=$?
case $status in 0) ;; 3) exit 0 ;; *) exit $status ;; esac
for folder in "$root"/journal/*; do
settle && continue
token=$(seen; echo "$its_word")
exclusively let_go
exit 1
done
exit 0
"""

_LOOK = """
head -n 1 /etc/machine-id 2>/dev/null | grep . || echo unknown
uname -n
seen || exit 0
over && exit 0
tell
exit 2
"""
RENEW = "exclusively renew\n"
RELEASE = "exclusively let_go\n"
_BEAT = """
while read -r _; do
exclusively renew
case $? in 0) echo ;; 2) exit 2 ;; esac
done
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock: what they said of themselves, since when (the host's clock), from where.

    frees_in: seconds until the lease is over, unless it is renewed.
    gone: the process that holds it on the host is not there any more, so it will not be renewed
        but by a new connection.
    """

    owner: str
    since: str
    source: str
    frees_in: int
    gone: bool


class Locked(HostError):  # noqa: N818 - an answer, not a fault
    """Another run holds the lock of the host."""

    def __init__(self, host: str, holder: Holder, machine: tuple[str, ...] = ()) -> None:
        """`machine`: what `in_order` sorts by."""
        super().__init__(
            host,
            f"in use by {holder.owner} since {holder.since}, from {holder.source}: "
            + (
                f"that run has ended without releasing it; the lease ends in {holder.frees_in} s"
                if holder.gone
                else "wait until that run has ended (if it no longer responds, the lock is free "
                f"when its lease is over, at present in {holder.frees_in} s)"
            ),
        )
        self.holder = holder
        self.machine = machine


class Lock:
    """A lock that is held. `taken_over` names the owner of the lock that it replaced."""

    def __init__(
        self, host: Host, token: str, lease: float, root: str, taken_over: str | None
    ) -> None:
        self.host = host
        self.taken_over = taken_over
        self.lease = lease
        self.root = root
        self.token = token
        self.parameters = {"token": token, "lease": f"{int(lease)}", "root": root}
        host.fence = fence(root, token)

    def beat_script(self) -> str:
        """Sh text that renews the lease for each line on its stdin, and prints one when it has;
        exit 2: the lock is another's."""
        return script(self.parameters, _BEAT)

    def renew(self) -> None:
        """Renew the lease. LockLostError where the lock is another's, HostError where it fails."""
        result = self.host.run(script(self.parameters, RENEW), timeout=_RENEWAL)
        if result.exit_status == 2:
            raise LockLostError(self.host.name, result.stdout.strip())
        if result.exit_status != 0:
            raise HostError(self.host.name, f"the lock cannot be renewed: {result.stderr.strip()}")

    def release(self) -> None:
        """Give it back. LockLostError where it is not ours any more: nothing happens then."""
        self.host.fence = ""
        result = self.host.run(script(self.parameters, RELEASE), timeout=_TIMEOUT)
        if result.exit_status == 2:
            raise LockLostError(self.host.name, result.stdout.strip())

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def acquire(
    host: Host, owner: str, *, lease: float = LEASE, root: str = ROOT, nonce: str = ""
) -> Lock:
    """Lock `host` for `owner` (one line: who, which run), for `lease` seconds unless renewed.

    `nonce`: a word of the run's own, for a run that locks several hosts; where the lock has it
    already, it is the same lock, renewed. One round trip. Raises Locked where another run has it,
    HostError where it cannot be made, or where what the run before is at cannot be ended.
    """
    if not 0 <= lease <= LONGEST_LEASE:
        raise ValueError(f"a lease of {lease:g} s: 0 to {LONGEST_LEASE} are possible")
    line = " ".join(owner.split())[:_LONGEST_OWNER] or "an unknown owner"
    parameters = {
        "nonce": nonce or secrets.token_hex(16),
        "lease": f"{int(lease)}",
        "root": root,
        "owner": line,
    }
    library = batch_format.library("-") + journal_script.LIBRARY
    result = host.run(script(parameters, library + ACQUIRE), timeout=_TIMEOUT)
    if result.exit_status == 2:
        raise Locked(host.name, _holder(result.stdout.splitlines()))
    token, _, before = result.stdout.strip().partition("\n")
    if result.exit_status != 0 or not token:
        why = result.stderr.strip() or "no reason given"
        raise HostError(host.name, f"cannot be locked: {why}")
    return Lock(host, token, lease, root, before or None)


def look(host: Host, *, root: str = ROOT) -> None:
    """Raises Locked where another run has the host; only reads. One round trip."""
    _machine(host, root)


def look_at_all(hosts: Mapping[str, Host], *, root: str = ROOT) -> None:
    """`look` at several hosts at once; the first that is locked is the one that is named."""
    for answer in _on_each(hosts, lambda host: _machine(host, root)).values():
        answer()


def in_order(hosts: Mapping[str, Host], *, root: str = ROOT) -> list[str]:
    """The names of the hosts in the order in which every run takes locks: that of the machines,
    whatever a bench calls them. Raises HostError."""

    def machine(host: Host) -> tuple[str, ...]:
        try:
            return _machine(host, root)
        except Locked as locked:
            return locked.machine

    machines = {name: answer() for name, answer in _on_each(hosts, machine).items()}
    return sorted(hosts, key=lambda name: machines[name])


def _on_each(
    hosts: Mapping[str, Host], ask: Callable[[Host], tuple[str, ...]]
) -> dict[str, Callable[[], tuple[str, ...]]]:
    with ThreadPoolExecutor(len(hosts)) as pool:
        return {
            # The transcript takes phase and check from the context, which threads do not inherit.
            name: pool.submit(copy_context().run, ask, host).result
            for name, host in hosts.items()
        }


def _machine(host: Host, root: str) -> tuple[str, ...]:
    """What a host is, to sort by: machine id, its own name, and what ssh is given."""
    result = host.run(reading(root, _LOOK), timeout=_TIMEOUT)
    machine, name, *rest = [*result.stdout.splitlines(), "", ""]
    if result.exit_status == 2:
        holder = _holder([line for line in rest if line])
        raise Locked(host.name, holder, (machine, name, host.target))
    if result.exit_status != 0:
        raise HostError(host.name, f"cannot read its lock: {result.stderr.strip()}")
    return machine, name, host.target


def acquire_all(
    hosts: Mapping[str, Host], owner: str, *, lease: float = LEASE, root: str = ROOT
) -> dict[str, Lock]:
    """Lock all hosts or none, by name. Raises Locked, HostError.

    One after the other, in an order that is the same for every run, and no run waits: of runs that
    want the same host at the same time one goes on, and the others give back what they have.
    """
    nonce = secrets.token_hex(16)
    held: dict[str, Lock] = {}
    try:
        for name in in_order(hosts, root=root):
            held[name] = acquire(hosts[name], owner, lease=lease, root=root, nonce=nonce)
    except BaseException:
        release_all(held.values())
        raise
    return held


def release_all(locks: Iterable[Lock]) -> list[HostError]:
    """Give back each whatever becomes of the others; what went wrong: mostly LockLostError."""
    errors: list[HostError] = []
    for one in locks:
        try:
            one.release()
        except HostError as error:
            errors.append(error)
    return errors


def _holder(said: list[str]) -> Holder:
    owner, since, source, seconds, *gone = [*said, *["unknown"] * (4 - len(said))]
    left = int(seconds) if seconds.lstrip("-").isdecimal() else 0
    return Holder(owner, since, source, max(0, left), "gone" in gone)
