"""The hardware and the distribution that a simulated DUT shows over ssh.

A Dell R630 with CentOS 7.9 as in the article (seed 1.1, 1.2, 2.1.3, 2.2): two NUMA nodes, SMT off,
an 82599ES on node 0, an X520 on node 1, an I350 for management. What is written to it acts.

How it is used, in this order, for a host with namespaces and a root of its own:

1. `prepare(root, spec)` lays commands and files below `root`, which must be the host's own overlay
   and never the machine's root. From any mount namespace in which `root` is that overlay, before
   anything runs on the host.
2. The host gets its interfaces under the names of the spec's NICs (eth0 and eth2 to eth5).
3. `python -m softlab.emulated --root ROOT --netns-pid PID --spec JSON`, as root, from outside the
   host's PID, mount and network namespaces. PID is a process of the host with its final root and
   namespaces, as this process sees them (the host's init is right); ROOT is the host's root as seen
   from here, such as /proc/PID/root. The spec is the same dict (keys: `spec.read_spec`).
   The program enters the host's mount namespace itself and mounts its files over /sys (and over
   /proc/meminfo, cpuinfo, modules, sys/vm/nr_hugepages); nothing has to be mounted for it. It then
   prints `ready`; what it cannot do it says on standard error, and exits 1.

It ends when PID ends. If it is killed, the host's /sys fails with ENOTCONN and its NICs that DPDK
had are gone: the host should then be ended as well. There is nothing to clean up after it.

DPVS speaks to it at /run/emulated.sock (`service`); commands on the host do as well (`commands`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from softlab.emulated.layout import lay
from softlab.emulated.spec import read_spec

__all__ = ["prepare"]


def prepare(root: Path, spec: Mapping[str, Any]) -> None:
    """Lay the emulated machine's commands and files into a host's root directory.

    `spec` as for `spec.read_spec`. Raises SpecError, OSError, and ValueError for the root that the
    caller itself stands on: what is laid replaces the machine's own programs.
    """
    if root.samefile("/"):
        raise ValueError(f"{root}: expected a host's own root directory, found this machine's")
    lay(root, read_spec(spec))
