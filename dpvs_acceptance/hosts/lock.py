"""The lock on a host: one run at a time, with an owner to name and a lease.

A folder below `journal.ROOT`, made by mkdir, which only one can. It is held by the sshd process of
the run's own connection, and for a lease that the run renews; a lock is stale, and may be taken
over, only when both the lease is over and that process is gone. Time is the kernel's uptime with
its boot id: setting the host's clock does not matter, and a reboot ends every lease.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .connection import Host
from .errors import HostError
from .journal import ROOT
from .shell import quote

LEASE = 60.0
_TIMEOUT = 10.0

# To stand behind the assignments of `token`, `lease` and `root`; `deadman` uses it too.
LIBRARY = r"""
lock=$root/lock
read -r boot </proc/sys/kernel/random/boot_id
uptime() { read -r now _ </proc/uptime; echo "${now%.*}"; }
started() {
read -r stat <"/proc/$1/stat" && set -- ${stat##*) } && echo "${20}"
} 2>/dev/null
keeper() {
pid=$$
while [ "$pid" -gt 1 ]; do
read -r stat <"/proc/$pid/stat" || break
set -- ${stat##*) }
case $stat in *"(sshd"*) break ;; esac
pid=$2
done
echo "$pid $(started "$pid")"
} 2>/dev/null
renew() { echo "$boot $(uptime) $lease" >"$lock/lease.new" && mv "$lock/lease.new" "$lock/lease"; }
mine() { [ "$(cat "$lock/token" 2>/dev/null)" = "$token" ]; }
old() { [ -n "$(find "$1" -maxdepth 0 -mmin +1)" ]; }
stale() {
# A run killed while it took the lock, or took it over, has left no more than the folder.
[ -n "$looking" ] || { old "$root/takeover" && rmdir "$root/takeover"; }
read -r its_boot its_time its_lease <"$lock/lease" || { old "$lock"; return; }
[ "$its_boot" = "$boot" ] || return 0
[ $(($(uptime) - its_time)) -ge "$its_lease" ] || return 1
read -r pid when <"$lock/keeper" || return 0
[ "$(started "$pid")" != "$when" ]
} 2>/dev/null
# Seconds until a lock is stale whose process is gone already; nothing for any other.
remaining() {
read -r its_boot its_time its_lease <"$lock/lease" || return
read -r pid when <"$lock/keeper" || return
[ "$its_boot" = "$boot" ] && [ "$(started "$pid")" != "$when" ] || return
echo $((its_lease - $(uptime) + its_time))
} 2>/dev/null
tell() {
cat "$lock/owner" 2>/dev/null || echo "somebody who has just come"
cat "$lock/since" 2>/dev/null || echo now
cat "$lock/from" 2>/dev/null || echo unknown
remaining
}
"""

_ACQUIRE = r"""
umask 077
mkdir -p "$root" || exit 1
# By `cat`, since an echo of the shell's own does not say why it could not write.
put() { cat >"$lock/$1"; }
take() {
echo "$token" | put token && printf '%s\n' "$owner" | put owner &&
date -u +%Y-%m-%dT%H:%M:%SZ | put since &&
echo "${SSH_CONNECTION:-here}" | cut -d' ' -f1 | put from &&
keeper >"$lock/keeper" && renew
}
if mkdir "$lock" 2>/dev/null; then take && exit 0; rm -rf "$lock"; exit 1; fi
[ -d "$lock" ] || { echo "cannot make $lock" >&2; exit 1; }
if stale && mkdir "$root/takeover" 2>/dev/null; then
# Looked at again, now that nobody else is taking it over.
if stale; then
cat "$lock/owner" 2>/dev/null
rm -rf "$lock"; mkdir "$lock" && take; status=$?
rmdir "$root/takeover"
[ $status = 0 ] && exit 3
else rmdir "$root/takeover"
fi
fi
tell
exit 2
"""

_LOOK = '[ -d "$lock" ] || exit 0; stale && exit 0; tell; exit 2\n'
_RENEW = "mine || exit 2; renew\n"
_RELEASE = 'mine || exit 0; rm -rf "$lock"; rmdir "$root" 2>/dev/null; exit 0\n'


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: what they said of themselves, since when (the host's clock), from where.

    frees_in: seconds until a dead run's lock may be taken over; None while its process is there.
    """

    owner: str
    since: str
    source: str
    frees_in: int | None = None


class Locked(HostError):  # noqa: N818 - an answer, not a fault
    """Somebody else holds the host."""

    def __init__(self, host: str, holder: Holder) -> None:
        super().__init__(
            host,
            f"in use by {holder.owner} since {holder.since}, from {holder.source}: "
            + (
                "wait until that run has ended (a killed run's lock is free once its lease is over "
                "and its connection is gone)"
                if holder.frees_in is None
                else f"that run is gone, its lease ends in {holder.frees_in} s"
            ),
        )
        self.holder = holder


class Lock:
    """A lock that is held. `taken_over` names the owner of the stale lock it replaced."""

    def __init__(
        self, host: Host, token: str, lease: float, root: str, taken_over: str | None
    ) -> None:
        self.host = host
        self.taken_over = taken_over
        self.lease = lease
        self.parameters = {"token": token, "lease": f"{int(lease)}", "root": root}

    def beat_script(self) -> str:
        """Sh text that starts the lease anew for each line on its stdin; exit 2: not ours."""
        return script(self.parameters, "while read -r _; do mine || exit 2; renew; done")

    def renew(self) -> None:
        """Start the lease anew. HostError where the lock is not ours any more."""
        result = self.host.run(script(self.parameters, _RENEW), timeout=_TIMEOUT)
        if result.exit_status != 0:
            raise HostError(self.host.name, "the lock is gone, somebody else may be at work there")

    def release(self) -> None:
        """Give it back; nothing happens where it is not ours any more."""
        self.host.run(script(self.parameters, _RELEASE), timeout=_TIMEOUT)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def acquire(host: Host, owner: str, *, lease: float = LEASE, root: str = ROOT) -> Lock:
    """Lock `host` for `owner` (one line: who, which run), for `lease` seconds unless renewed.

    One round trip. Raises Locked where another run has it, HostError where it cannot be made.
    """
    token = secrets.token_hex(16)
    line = " ".join(owner.split()) or "somebody"
    parameters = {"token": token, "lease": f"{int(lease)}", "root": root, "owner": line}
    result = host.run(script(parameters, _ACQUIRE), timeout=_TIMEOUT)
    if result.exit_status in (0, 3):
        taken_over = result.stdout.strip() if result.exit_status == 3 else None
        return Lock(host, token, lease, root, taken_over)
    if result.exit_status == 2:
        raise Locked(host.name, _holder(result.stdout))
    raise HostError(host.name, f"cannot be locked: {result.stderr.strip() or 'no reason given'}")


def look(host: Host, *, root: str = ROOT) -> None:
    """Raises Locked where another run has the host; only reads. One round trip."""
    parameters = {"root": root, "looking": "yes", "token": "", "lease": ""}
    result = host.run(script(parameters, _LOOK), timeout=_TIMEOUT)
    if result.exit_status == 2:
        raise Locked(host.name, _holder(result.stdout))
    if result.exit_status != 0:
        raise HostError(host.name, f"whether it is locked cannot be told: {result.stderr.strip()}")


def _holder(said: str) -> Holder:
    owner, since, source, *more = said.splitlines() + ["unknown"] * (3 - len(said.splitlines()))
    remaining = int(more[0]) if more and more[0].lstrip("-").isdecimal() else None
    return Holder(owner, since, source, None if remaining is None else max(0, remaining))


def script(parameters: Mapping[str, str], body: str) -> str:
    """`body` behind the functions, and behind `parameters` as variables of the shell."""
    lines = [f"{name}={quote(value)}" for name, value in parameters.items()]
    return "\n".join(lines) + LIBRARY + body
