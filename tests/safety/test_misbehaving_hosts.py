"""Hosts that misbehave: each run ends in time, says so in one sentence, and leaves nothing behind.

What happens before and while a connection is made (refused, wrong key, password, black hole, login
shell, locale) is in tests/hosts; here the whole suite meets hosts that are connected, and bad.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.snapshot import Snapshot

from . import runs
from .benched import Benched

PLATFORM = "suites/platform/test_cpu_and_memory.py"
CONTROL = "suites/control"
FORWARDING = "suites/forwarding/test_icmp.py"
BIN = "/opt/dpvs/bin"


@dataclass(frozen=True, slots=True)
class Bad:
    """`breaks` the host `role`, `mends` it. `says`: a pattern in the verdict's reasons."""

    name: str
    breaks: str
    mends: str
    says: str
    role: str = "dut"
    suite: str = PLATFORM
    verdict: str = "BLOCKED"
    seconds: float = 90
    waits: str = ""
    """What is said while nothing comes."""


def _replace(tool: str, text: str) -> str:
    """A script in the place of one of DPVS's programs, which it knows as $real."""
    place, real = f"{BIN}/{tool}", f"{BIN}/real/{tool}"
    script = f"#!/bin/sh\nreal={real}\n{text}"
    return (
        f"mkdir -p {BIN}/real && mv {place} {real} && cat >{place} <<'E'\n{script}\nE\n"
        f"chmod +x {place}"
    )


def _put_back(tool: str) -> str:
    return f"mv -f {BIN}/real/{tool} {BIN}/{tool}; rmdir {BIN}/real"


def _when_recorded(change: str, text: str) -> str:
    """Does `text` as soon as the undo of a change stands in the journal."""
    return (
        f"(until grep -qsx '# id {change}' {journal.ROOT}/journal/*/*.undo; do sleep 0.05; done; "
        f"{text}) </dev/null >/dev/null 2>&1 &"
    )


BADS = (
    Bad(
        "the disk is full",
        "mount -t tmpfs -o size=8k tmpfs /var/lib; cat /dev/zero >/var/lib/full; :",
        "umount /var/lib",
        r"dut: cannot be locked: .*No space left",
    ),
    Bad(
        "the file system is read-only",
        "mount -t tmpfs -o ro tmpfs /var/lib",
        "umount /var/lib",
        r"dut: cannot be locked: .*Read-only file system",
    ),
    Bad(
        "the clock is an hour off",
        'printf \'#!/bin/sh\\nexec /usr/bin/date -d "1 hour ago" "$@"\\n\' '
        ">/usr/local/bin/date; chmod +x /usr/local/bin/date",
        "rm /usr/local/bin/date",
        r"not all checks were requested",
        verdict="PARTIAL",
    ),
    Bad(
        "dpip never returns",
        _replace("dpip", '[ "$*" = "link show" ] && exec $real "$@"; exec sleep 1000'),
        _put_back("dpip"),
        says=r"dut: VIP .*dpip addr add.* timed out",
        waits=r"s\] still: dut: service: VIP .* \(\d+ s\)",
    ),
    Bad(
        "dpvs is stopped",
        _when_recorded("service.echo", "pkill -STOP -x dpvs"),
        "true",
        r"dut: service echo.*timed out",
    ),
    Bad(
        "dpvs ends before it answers",
        _replace(
            "dpvs",
            '[ "$1" = -v ] && exec $real "$@"; echo "EAL: Cannot get hugepages"; sleep 8; exit 1',
        ),
        _put_back("dpvs"),
        says=r"dut: start dpvs.*dpvs has ended",
        waits=r"still: dut: dpvs: start dpvs .*until it is visible \(\d+ s\), "
        "last seen: dpvs runs but does not answer dpip",
    ),
    Bad(
        "dpvs is killed",
        _when_recorded("service.web", "pkill -KILL -x dpvs"),
        "true",
        r"dut: service (web|web6|echo)",
    ),
    Bad(
        "dpvs crashes when packets come",
        _when_recorded("service.echo", "sleep 1; pkill -SEGV -x dpvs"),
        "true",
        r"FAIL: dpvs is not running any more \(process \d+\): its last output: \S.*"
        r"; it was ended by SIGSEGV",
        suite=FORWARDING,
        verdict="NOT READY",
        seconds=90,
    ),
    Bad(
        "a tool prints 60 MB",
        _replace(
            "dpip",
            'case "$*" in *route*show*) exec yes x | head -c 60000000 ;; esac\nexec $real "$@"',
        ),
        _put_back("dpip"),
        says=r"dpip|route",
        suite=CONTROL,
        verdict="NOT READY|BLOCKED",
    ),
    Bad(
        "a tool prints random bytes",
        _replace(
            "dpip",
            'case "$*" in *route*show*) exec head -c 5000 /dev/urandom ;; esac\nexec $real "$@"',
        ),
        _put_back("dpip"),
        says=r"dpip|route",
        suite=CONTROL,
        verdict="NOT READY|BLOCKED",
    ),
    Bad(
        "somebody changes it meanwhile",
        _when_recorded("dpvs.start", "ip addr add 192.0.2.77/32 dev lo"),
        "ip addr del 192.0.2.77/32 dev lo",
        r"dut is not as it was found: dut: address 192.0.2.77/32 dev lo is new",
        verdict="NOT READY",
    ),
    Bad(
        "a real server has no python3",
        "for p in $(which -a python3 | xargs readlink -f | sort -u); do "
        "mount --bind /dev/null $p; done",
        "for p in $(awk '/python3/ {print $2}' /proc/mounts); do umount $p; done",
        r"rs1.*python3",
        role="rs1",
        suite=FORWARDING,
    ),
)


@pytest.fixture
def first(bench: Benched) -> Iterator[dict[str, Snapshot]]:
    first = {role: bench.snapshot(role) for role in bench.hosts}
    yield first
    for role, host in bench.hosts.items():
        assert differences(first[role], bench.snapshot(role)) == ()
        assert not host.run(f"ls -R {journal.ROOT}").ok, "something is left of the run"


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("bad", BADS, ids=lambda bad: bad.name)
def test_it_ends_in_time_and_says_why(bench: Benched, bad: Bad) -> None:
    host = bench.hosts[bad.role]
    broken = host.run(bad.breaks)
    try:
        assert bad.breaks.endswith("; :") or broken.ok, broken.stderr
        begin = time.monotonic()
        ran = runs.run(bench.deployment.bench.path, bad.suite, seconds=bad.seconds * 5)
        took = time.monotonic() - begin
    finally:
        host.run(bad.mends)
    verdict = ran.stdout[ran.stdout.index("= verdict =") :]
    print(f"{bad.name}: {took:.1f} s: {' / '.join(verdict.splitlines()[1:4])[:300]}")
    assert re.search(rf"^({bad.verdict})$", verdict, re.MULTILINE), verdict
    assert re.search(bad.says, verdict), verdict
    assert re.search(bad.waits, ran.stdout), ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    # A machine on which others are at work is slower by as much.
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert took < bad.seconds * busy


# The kernel's own number of this boot is another one; nothing that ran before runs any more.
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_AS_REBOOTED = (
    f"cat /proc/sys/kernel/random/uuid >/run/boot; mount --bind /run/boot {_BOOT_ID}; "
    "pkill -KILL -x dpvs; pkill -KILL -f 'sshd: root'; pkill -KILL -x 'sh|timeout'"
)


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("recorded", "happens", "mends", "found"),
    [
        ("dpvs.conf", "pkill -KILL -f 'sshd: root'", "true", ""),
        ("service.web", _AS_REBOOTED, f"umount {_BOOT_ID}; rm /run/boot", "dut: boot id was "),
    ],
    ids=["all connections ended", "rebooted"],
)
def test_a_host_that_ends_all_connections(
    bench: Benched, recorded: str, happens: str, mends: str, found: str
) -> None:
    """In the middle of the bring-up; then it can be reached again."""
    host = bench.hosts["dut"]
    host.run(_when_recorded(recorded, happens))
    begin = time.monotonic()
    ran = runs.run(bench.deployment.bench.path, PLATFORM)
    took = time.monotonic() - begin
    host.reconnect()
    mended = host.run(mends)
    verdict = ran.stdout[ran.stdout.index("= verdict =") :]
    print(f"{recorded}: {took:.1f} s: {' / '.join(verdict.splitlines()[1:5])[:600]}")
    assert mended.ok, mended.stderr
    assert verdict.splitlines()[1] in ("BLOCKED", "NOT READY")
    assert re.search(r"dut: (ended the|closed the) connection", verdict), verdict
    assert not found or f"dut is not as it was found: {found}" in ran.stdout, ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
