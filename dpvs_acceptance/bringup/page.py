"""The page that says what the suite changes on hosts, made of the steps themselves.

`python -m dpvs_acceptance.bringup.page TOPOLOGY BENCH` prints it; a test holds
docs/safety.md to it.
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

_TOP = """\
# What this suite changes on your hosts, and how it is undone

*Generated from the steps themselves:* `python -m dpvs_acceptance.bringup.page TOPOLOGY BENCH`.
*For your own bench, with every command in full:* `pytest --host=NAME --plan`, which connects to no
host.

## Before the first change

Each host is read once, in one round trip. The run is refused, and nothing is written, where

* a host is locked by another run: the refusal says who, since when, from where. This
  holds for the DUT, the clients and the real servers, and also for `--attach`, which locks nothing
  itself;
* a killed run has left changes on any host (`pytest --host=NAME --restore` undoes them);
* the bench names a NIC that the ssh session goes by, or a tested interface of a client or real
  server that it goes by (see "The management path");
* such a NIC, or what stands on it, has an address or a default route, and the bench does not give
  it up (`give_up_address: true`);
* a VLAN, macvlan, ipvlan, MACsec or VXLAN interface stands on a NIC that DPVS is to have: the
  kernel would delete it with the NIC;
* the PCI address, name and MAC of a NIC are not those of one NIC on the host, as the bench says;
* the machine id is not the bench's (`machine_id`), or a dpvs is running that is not ours.

## How a change is made

Every change goes through one gate. On the host: if it is so already, nothing is done. Else its undo
is found, written to `{root}/journal/RUN/NNNN.undo` and to the disk, and only then the change is
made, and watched until it is seen. `--attach` and `--plan` never get past the gate.

## Locks: one run at a time on each host

A run locks all hosts of its bench, or none. The lock is the file `{root}/lock` on each host. It
names the owner, and holds a token and a lease:

* The lease is renewed four times in its time, which is {lease:g} s (with `--dead-man=SECONDS`, so
  many). It is counted by the kernel's uptime, so the host's clock does not matter. A reboot ends
  it.
* **The rule.** A lock is free where there is none, where its lease is over, where it is of another
  boot of the host, and where the file cannot be read as a lock (empty, huge, garbage, a folder). In
  every other case the host is in use, and a second run is refused. So no lock lasts for ever.
* The next run takes a free lock, with a token that is higher. It then ends what the run before is
  still doing on the host (the processes noted in its journal).
* Every change and every undo carries the token. The host compares it in the same command that makes
  the change. A run that was suspended, or cut off, for longer than its lease, and whose lock was
  taken meanwhile, changes nothing more there. It says so, and its verdict is BLOCKED.
* Locks are taken one host after the other, in the order of the machines' ids, and no run waits for
  another while it holds one. Two benches that share a client or a real server exclude each other.
* `--restore` locks each host before it undoes anything there. A host that a run is at work on is
  named and left alone. Of a killed run it waits for the end of the lease.
* `--attach` writes nothing, and so takes no lock. Where another run locks one of the hosts
  meanwhile, the verdict is BLOCKED.

To break a lock by hand, for instance of a runner that is known to be gone: `rm -rf {root}/lock` on
the host. The run that had it changes nothing more there, whatever becomes of it. Then
`pytest --host=NAME --restore`.

It needs flock(1) (util-linux) on every host.

## The management path

Never touched is what the ssh session goes by. From the interface with the address that ssh came in
on, and the interfaces of the way back to its client, the suite follows

* what an interface stands on: the parent of a VLAN, macvlan or ipvlan, the members of a bond, team,
  bridge or VRF;
* the other end of a veth, and the bridge that an interface is a port of, with all its ports;
* the bridges of Open vSwitch and the patches between them. Where `ovs-vsctl` does not answer, every
  port of the switch is taken for one of the same bridge;
* the way to the far end of a tunnel: WireGuard, VXLAN, GRE, IPIP;
* where the session came from the host itself (a reverse tunnel, a jump, a proxy): what the program
  that holds its other end talks to;
* the PCI functions behind all these, the other functions of those devices, their IOMMU groups.

**Rehearsal.** Not every way shows. So before DPVS takes its NICs, they are put down for a moment,
all that are up at once, by a process of the DUT's own that puts them up again after {together} s,
whatever becomes of ssh. Meanwhile a question is sent by ssh. If it is answered while the links are
down, which takes some ten milliseconds, that is all. If not, each NIC is tried alone for {alone} s,
and the one at which the session stalls is refused. Addresses, routes, membership and the rest are
compared with what was there, and put back. A NIC whose link is down is not rehearsed. With
`--attach` nothing is.

**A NIC that DPVS has had** gets back what the kernel forgets of it: MTU, MAC, its own sysctls, its
membership in a bridge, bond, team or Open vSwitch with its options there, whether it was up, its
addresses and its routes.

## A load balancer that already serves

`--attach` looks at what runs, and sends its own requests to the VIPs: some hundred connections, a
few at a time. What can only be counted where no one else has connections (counters, the spread over
the real servers, packets lost or doubled, which worker answered) is NOT TESTED there, and says how
many connections of others it met; all else is judged as usual. The table of connections is read
by the checks of connections alone, and never as part of a survey; what the version in use cannot
bear to be asked (`dpip -s -v link show` before 1.9.8) is not asked.

## How it is undone

At the end of every run, also one that failed or was interrupted, the undos run in reverse, each
whatever the others do. Then drivers, hugepages per node, mounts, modules, links, addresses, routes
of all tables, rules, sysctls, files and processes are compared with the first reading: a difference
fails the run.

* A run that was killed (SIGKILL, power): `pytest --host=NAME --restore`, and it says what it did.
  Exit status 0: nothing is left; 2: a host was not reached, or something on one is not undone, and
  is named; the others are restored all the same. By hand, on the host: `cd {root}/journal/RUN;
  for f in $(ls -r *.undo); do grep -q '^# end ' "$f" && sh "$f" && rm "$f"; done`.
* An entry of the journal that is not what was written (cut, emptied, filled with NUL; its last line
  has the checksum and the length), that others than its owner may write to, or a file that is none:
  it is not run and not removed, it is named as not undone, and the rest is undone.
* The run does not come back: the dead-man switch. A shell on the DUT undoes the journal when it has
  seen no sign of the run for `--dead-man=SECONDS` (120 on hardware unless told otherwise, 0: never,
  as in a lab). It needs sh, takes a file and a sleeping process while the run lasts, and leaves
  nothing. It lives until the host reboots; the journal stays. It can be disarmed only while the
  host has no undo of the run left; until then the DUT stays locked, too.
* A reboot: what the run had made to last (fstab, rc.local) is still in the journal.

## How a run ends

Undo comes before everything that can fail: terminal, pipe, disk, report, files of JUnit and Allure.
SIGINT, SIGTERM and SIGHUP end the run by its undo, and more of them do not end the undo. So does
output that cannot be written. The verdict is then BLOCKED, names the cause (`interrupted by
SIGTERM`), and stands in a report; the exit status is 2, or 1 where a check had failed before. Only
SIGKILL is not heard: see above. `reports/latest` is the run that began last, and says so where it
has no verdict yet. Each row is a test (tests/safety/test_interrupted_runs.py):

| what comes | when | left on hosts and runner | exit status |
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

On the DUT, changes need root: binding NICs, loading modules, mounting, starting DPVS. Where ssh
does not log in as root, say `sudo: true` in the bench. Everything then runs by one command line,

    {sudo}

for which one rule suffices, without a password and without a terminal:

    Defaults:LOGIN !requiretty
    LOGIN ALL=(root) NOPASSWD: /bin/sh

Whoever has this rule is root; no narrower one can hold, since the journal's undos are sh scripts
too. Use an account of its own, a key of its own, and take the rule away after the acceptance.
`--attach` on a DUT needs the same, to be allowed to ask DPVS.

Clients and real servers: root by ssh. They need an address and routes on the tested interface, raw
sockets there, and on a real server the modules that the bench names.
"""


def page(deployment: Deployment, plan: Plan) -> str:
    """The page in Markdown."""
    bench = deployment.bench
    known = {"root": journal.ROOT, "lease": RUN_LEASE, "together": TOGETHER, "alone": ALONE}
    parts = [
        _TOP.format(**known),
        "## The changes\n",
        *_changes(deployment, plan),
    ]
    parts.append(
        f"\nBesides: `{journal.ROOT}` on each host, with the lock in it, which is gone when all is "
        f"undone. DPVS itself writes its log ({deployment.topology.dpvs.log_file}) and "
        "its start log.\n"
    )
    parts.append(f"The table is for `{bench.path.name}` and `{deployment.topology.name}`.\n")
    parts.append(_PRIVILEGE.format(sudo=SUDO_COMMAND))
    return "\n".join(parts)


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
        return "goes with the dpvs process"
    if change.undo is not None:
        return _code(change.undo)
    return "what this finds before the change: " + _code(change.capture_undo or "")


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
