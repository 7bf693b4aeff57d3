"""Generates the page about changes on hosts from the bring-up steps.

`python -m dpvs_acceptance.bringup.page TOPOLOGY BENCH` prints it; a test compares it
with docs/safety.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from dpvs_acceptance.bringup.daemon import ENDS_WITH_DPVS
from dpvs_acceptance.bringup.plan import Plan, make_plan
from dpvs_acceptance.bringup.rehearsal import ALONE, TOGETHER
from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.hosts.lock import RUN_LEASE
from dpvs_acceptance.hosts.remote import SUDO_COMMAND
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.testbed.sending import (
    ATTACHED,
    GENTLE,
    GENTLE_AT_ONCE,
    GENTLE_TABLE,
    KINDS,
    SENT,
    TABLE,
)

_TOP = """\
# What this suite changes on your hosts, and how it is undone

*Generated from the bring-up steps with* `python -m dpvs_acceptance.bringup.page TOPOLOGY BENCH`.
*For your own bench, with all commands:* `pytest --host=NAME --plan`, which connects to no host.

## Before the first change

Each host is read once, in one round trip. The run is refused, and nothing is written, if

* the DUT, a client or a real server is locked by another run: the message names its user, start and
  runner. This also applies to `--attach`, although it takes no lock itself;
* a killed run has left changes on any host (`pytest --host=NAME --restore` undoes them);
* the ssh session uses a NIC of the bench, or a tested interface of a client or real server (see
  "The management path");
* a NIC of the bench, or an interface on top of it, has an address or a default route, and the bench
  file does not allow its removal (`give_up_address: true`);
* a NIC for DPVS has a VLAN, macvlan, ipvlan, MACsec or VXLAN interface on top of it, which the
  kernel would delete together with the NIC;
* the bench file's PCI address, interface name and MAC do not belong to the same NIC;
* the machine id differs from the bench file (`machine_id`), or another dpvs is running.

## How a change is made

Every change goes through the write gate. On the host: a change that is already in place is skipped.
Otherwise its undo is determined and written to `{root}/journal/RUN/NNNN.undo` on disk; only then is
the change made and verified. With `--attach` and `--plan` the gate makes no change.

## Locks: one run at a time on each host

A run locks all hosts of its bench, or none. The lock is the file `{root}/lock` on each host. It has
the owner, a token and a lease:

* The lease lasts {lease:g} s (or `--dead-man=SECONDS`) and is renewed four times in that time. It
  is measured by the kernel's uptime, independent of the host's clock. A reboot ends it.
* **The rule.** A lock is free if there is no lock file, if its lease has expired, if it is from
  another boot of the host, or if the file is not a valid lock (empty, huge, garbage, a directory).
  Otherwise the host is in use, and a second run is refused. So no lock lasts forever.
* The next run takes a free lock with a higher token. It then ends the processes of the previous run
  that still run on the host (recorded in its journal).
* Every change and every undo carries the token. The host compares it in the same command that makes
  the change. If a run was suspended or disconnected for longer than its lease, and another run has
  taken its lock, it makes no more changes there, reports this, and its verdict is BLOCKED.
* Hosts are locked one after another in the order of their machine ids, and no run waits for another
  while it holds a lock. Two benches that share a client or a real server exclude each other.
* `--restore` locks each host before it undoes anything there. A host in use by a run is named and
  skipped. After a killed run it waits for the end of the lease.
* `--attach` writes nothing and therefore takes no lock. If another run locks one of the hosts
  meanwhile, the verdict is BLOCKED.

To break a lock by hand, for example of a runner that has failed: `rm -rf {root}/lock` on the host.
The run that had the lock makes no more changes there. Then run `pytest --host=NAME --restore`.

Locks need flock(1) (util-linux) on every host.

## The management path

The interfaces that carry the ssh session are never changed. Starting from the interface with ssh's
server address and the interfaces of the route back to the client, the suite follows

* lower interfaces: the parent of a VLAN, macvlan or ipvlan, the members of a bond, team, bridge or
  VRF;
* the other end of a veth, and the bridge of a port, with all its ports;
* Open vSwitch bridges and the patches between them. If `ovs-vsctl` does not answer, all ports of
  the switch are treated as ports of one bridge;
* the route to the remote end of a tunnel: WireGuard, VXLAN, GRE, IPIP;
* if the session comes from the host itself (reverse tunnel, jump host, proxy): the peers of the
  program at its other end;
* the PCI functions of all these interfaces, the other functions of those devices, their IOMMU
  groups.

**Rehearsal.** Some dependencies are not visible. So before DPVS takes its NICs, all of them that
are up are set down for a moment. A process on the DUT sets them up again after {together} s,
independent of ssh. Meanwhile a command is sent over ssh. If it is answered while the links are
down, which takes about ten milliseconds, the rehearsal has passed. If not, each NIC is tested
separately for {alone} s, and the one that interrupts the session is refused. Addresses, routes,
memberships and other settings are compared and restored afterwards. A NIC whose link is down is not
rehearsed. There is no rehearsal with `--attach`.

**Restoring a NIC after DPVS.** The undo restores what the kernel loses: MTU, MAC, sysctls of the
interface, its membership in a bridge, bond, team or Open vSwitch with options, whether it was up,
its addresses and routes.

## A load balancer in production

`--attach` reads the state of the running DPVS and sends requests of its own to the VIPs. Most
checks open a few connections. Those of the catalogue `users` open `--flows` connections (default
1,000), up to 250 of each client at the same time: set a lower `--flows`, or leave the catalogue out
with `--requirements=seed`.

Some results are only valid if no other connections exist: counters, the distribution over the real
servers, lost or duplicated packets, and which worker answered. If a service carries other traffic,
these checks are NOT TESTED, and the reason gives the number of other connections. All other checks
are judged normally. A command that corrupts the memory of the version in use
(`dpip -s -v link show` before 1.9.8) is not run.

`--attach --gentle` is for a balancer under load. A check that needs more than the bounds below is
NOT TESTED, with the bound as the reason. So there are no crafted packets (forged options among
them), no borrowed addresses, and no scans of ports and addresses. The most of each kind in one run:

{bounds}

* A crafted packet is a frame that the suite makes itself, other than a whole echo request from the
  host's own address. A borrowed address is one that no kernel has (`crafted_address` in the bench
  file).
* The column of `--attach` holds for the two-arm topology with the catalogues seed, upstream and
  edges. The catalogue `users` comes in addition.
* With `--gentle` no check makes more than {at_once} connections in one go. What is about many of
  them (USR-07, the spread over the real servers) is NOT TESTED.
* Where the runner is a client (`runner_is_client`), its own requests come in addition: one for each
  service of TCP over IPv4.
* What a run has sent is in its evidence, `{sent}`.

The connection table (`ipvsadm -lnc`) is read only by checks of connections, not in every snapshot.
First the connections in `ipvsadm -ln` are added up: above {table:,} with
`--attach`, or {gentle_table:,} with `--gentle`, the table is not read and the check is NOT TESTED.

## How it is undone

At the end of every run, also after a failure or interruption, the undos run in reverse order; if
one fails, the others still run. Then drivers, hugepages per node, mounts, modules, links,
addresses, routes of all tables, rules, sysctls, files and processes are compared with the first
reading. A difference fails the run.

* After a killed run (SIGKILL, power failure): `pytest --host=NAME --restore`, which prints what it
  has undone. Exit status 0: everything is undone; 2: a host was unreachable or something is not
  undone, with its name; the other hosts are restored. By hand, on the host: `cd {root}/journal/RUN;
  for f in $(ls -r *.undo); do grep -q '^# end ' "$f" && sh "$f" && rm "$f"; done`.
* A damaged entry of the journal (truncated, empty, filled with NUL; its last line has checksum and
  length), an entry that other users can write, or any other file is neither run nor removed. It is
  reported as not undone, and the rest is undone.
* Without an operator: the dead-man switch. A shell on the DUT undoes the journal if the run has
  shown no sign of life for `--dead-man=SECONDS` (default 120 on hardware; 0, the default in a lab:
  never). It needs sh, uses a file and a sleeping process during the run, and leaves nothing behind.
  It ends with a reboot of the host; the journal remains. It can be disarmed only when the host has
  no undo of the run left; until then the DUT stays locked.
* After a reboot: persistent changes of the run (fstab, rc.local) are still in the journal.

## How a run ends

The undo runs before everything that can fail: terminal, pipe, disk, report, JUnit and Allure files.
SIGINT, SIGTERM, SIGHUP and failing output end the run with its undo; further signals do not
interrupt the undo. The verdict is then BLOCKED with the cause (`interrupted by SIGTERM`), and there
is a report; the exit status is 2, or 1 if a check had failed before. Only SIGKILL cannot be
handled, see above. `reports/latest` is the run that started last, and shows if it has no verdict
yet. Each row is a test (tests/safety/test_interrupted_runs.py):

| event | during | left on hosts and runner | exit status |
|---|---|---|---|
| SIGTERM | survey | nothing | 2 |
| SIGTERM | bring-up | nothing | 2 |
| SIGTERM | checks | nothing | 2 |
| SIGTERM | undo | nothing | 2 |
| SIGHUP | bring-up | nothing | 2 |
| SIGINT (Ctrl-C) | checks | nothing | 2 |
| SIGINT twice | checks | nothing | 2 |
| SIGINT twice | undo | nothing | 2 |
| SIGTERM, SIGINT, SIGHUP | bring-up | nothing | 2 |
| broken pipe | bring-up | nothing | 2 |
| broken pipe | undo | nothing | 2 |
| broken pipe and SIGINT | checks | nothing | 2 |
| the runner's disk is full | bring-up | nothing | 2 |
| the runner's disk is full | checks | nothing | 2 |
"""

_PRIVILEGE = """\
## Least privilege

On the DUT, changes need root: binding NICs, loading modules, mounting, starting DPVS. If ssh does
not log in as root, set `sudo: true` in the bench file. All commands then run through one command
line,

    {sudo}

for which one sudo rule is sufficient, without a password and without a terminal:

    Defaults:LOGIN !requiretty
    LOGIN ALL=(root) NOPASSWD: /bin/sh

This rule gives full root access; a narrower rule is not possible, since the undos of the journal
are shell scripts. Use a separate account and key, and remove the rule after the acceptance.
`--attach` needs the same rule, to query DPVS.

Clients and real servers need root over ssh: for an address and routes on the tested interface, for
raw sockets, and on a real server for the modules in the bench file.
"""


def page(deployment: Deployment, plan: Plan) -> str:
    """The page in Markdown."""
    bench = deployment.bench
    known = {
        "root": journal.ROOT,
        "lease": RUN_LEASE,
        "together": TOGETHER,
        "alone": ALONE,
        "bounds": "\n".join(_bounds()),
        "sent": SENT,
        "at_once": GENTLE_AT_ONCE,
        "table": TABLE,
        "gentle_table": GENTLE_TABLE,
    }
    parts = [
        _TOP.format(**known),
        "## The changes\n",
        *_changes(deployment, plan),
    ]
    parts.append(
        f"\nIn addition: `{journal.ROOT}` on each host, with the lock, which is removed after the "
        f"undo. DPVS itself writes its log ({deployment.topology.dpvs.log_file}) and a log of its "
        "start.\n"
    )
    parts.append(f"The table is for `{bench.path.name}` and `{deployment.topology.name}`.\n")
    parts.append(_PRIVILEGE.format(sudo=SUDO_COMMAND))
    return "\n".join(parts)


def _bounds() -> Iterator[str]:
    yield "| | `--attach` | `--attach --gentle` |\n|---|---|---|"
    for kind in KINDS:
        yield f"| {kind} | {ATTACHED[kind]:,} | {GENTLE[kind]:,} |"


def _changes(deployment: Deployment, plan: Plan) -> Iterator[str]:
    for stage in plan.stages:
        if stage.changes:
            yield f"### {deployment.bench.hosts[stage.role]}: {stage.name}\n"
            yield "| change | by | undone by |\n|---|---|---|"
            for change in stage.changes:
                yield f"| {_cell(change.title)} | {_code(change.apply)} | {_undo(change)} |"
            yield ""


def _undo(change: Change) -> str:
    if change.undo == ENDS_WITH_DPVS:
        return "ends with the dpvs process"
    if change.undo is not None:
        return _code(change.undo)
    return "output of, run before the change: " + _code(change.capture_undo or "")


def _code(text: str) -> str:
    lines = text.strip().splitlines()
    first = lines[0] if len(lines) == 1 else f"{lines[0]} …"
    return "`" + _cell(first.replace("`", "'")) + "`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(topology: str, bench: str) -> None:
    deployment = deploy(load_topology(Path(topology)), load_bench(Path(bench)))
    facts = version_facts(Version.parse(deployment.bench.dut.dpvs.version))
    print(page(deployment, make_plan(deployment, facts)), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
