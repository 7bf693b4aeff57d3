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
from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.gate import Change
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

* the DUT is locked by another run: you are told who, since when, from where;
* a killed run has left changes on any host (`pytest --host=NAME --restore` undoes them);
* the bench names a NIC that carries the ssh session: the interface with the address ssh came in on
  or on the way back to its client, what that stands on (members of a bond or bridge, the parent of
  a VLAN), the PCI functions behind it, the other functions of those devices, their IOMMU groups;
  likewise the tested interface of a client or real server;
* such a NIC, or what stands on it, has an address or a default route, and the bench does not give
  it up (`give_up_address: true`);
* the PCI address, name and MAC of a NIC are not those of one NIC on the host, as the bench says;
* the machine id is not the bench's (`machine_id`), or a dpvs is running that is not ours.

## How a change is made

Every change goes through one gate. On the host: if it is so already, nothing is done. Else its undo
is found, written to `{root}/journal/RUN/NNNN.undo` and to the disk, and only then the change is
made, and watched until it is seen. `--attach` and `--plan` never get past the gate.

## A load balancer that already serves

`--attach` looks at what runs, and sends its own requests to the VIPs: some hundred connections, a
few at a time. What can only be counted where nobody else has connections (counters, the spread over
the real servers, packets lost or doubled, which worker answered) is NOT TESTED there, and says how
many connections of others it met; all else is judged as ever.

## How it is undone

At the end of every run, also one that failed or was interrupted, the undos run in reverse, each
whatever the others do. Then drivers, hugepages per node, mounts, modules, links, addresses, routes
of all tables, rules, sysctls, files and processes are compared with the first reading: a difference
fails the run.

* A run that was killed: `pytest --host=NAME --restore`, and it says what it did. A host that cannot
  be reached is named (exit 2), and the others are restored all the same. By hand, on the
  host: `cd {root}/journal/RUN; for f in $(ls -r *.undo); do sh "$f" && rm "$f"; done`.
* Nobody there to do it: the dead-man switch. A shell on the DUT undoes the journal when it has seen
  no sign of the run for `--dead-man=SECONDS` (120 on hardware unless told otherwise, 0: never, as
  in a lab). It needs sh, takes a file and a sleeping process while the run lasts, and leaves
  nothing. It lives until the host reboots; the journal stays.
* A reboot: what the run had made to last (fstab, rc.local) is still in the journal.
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
    parts = [_TOP.format(root=journal.ROOT), "## The changes\n", *_changes(deployment, plan)]
    parts.append(
        f"\nBeside these: `{journal.ROOT}` on each host, which is gone when all is undone; on the "
        f"DUT the lock in it. DPVS itself writes its log ({deployment.topology.dpvs.log_file}) and "
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
