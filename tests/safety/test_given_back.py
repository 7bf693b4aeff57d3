"""What a machine with systemd, modules and hugetlbfs of its own does besides, given back in the end.

Each test plays one such fact on the software lab's hosts, makes the changes of the plan and undoes
them, and compares the host with how it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode, first_failure

from .benched import Benched

POOL = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
# A program that leaves five pages of node 0 in a file.
KEEP = """
import json, socket
hardware = socket.socket(socket.AF_UNIX)
hardware.connect("/run/emulated.sock")
asked = {"op": "reserve_hugepages", "bytes_per_node": {"0": 5 << 21}}
asked["files"] = ["/dev/hugepages/othermap_0"]
hardware.sendall(json.dumps(asked).encode() + b"\\n")
print(hardware.recv(999).decode())
"""


@contextmanager
def made(bench: Benched, role: str, changes: Sequence[Change]) -> Iterator[list[journal.Undone]]:
    """The changes, made; what their undo said is there when the block has ended."""
    host = bench.hosts[role]
    held = lock.acquire(host, "the test")
    gate = WriteGate(host, WriteMode.WRITABLE, run="given-back")
    undone: list[journal.Undone] = []
    try:
        failed = first_failure(gate.apply(changes))
        assert failed is None, failed
        yield undone
    finally:
        undone += gate.undo()
        assert lock.release_all([held]) == []


def test_hugepages_are_given_back_beside_a_hugetlbfs_that_is_there(bench: Benched) -> None:
    lb = bench.hosts["dut"]
    assert " /dev/hugepages hugetlbfs " in lb.run("cat /proc/mounts").stdout
    before = bench.snapshot("dut")
    with made(bench, "dut", bench.changes("dut")) as undone:
        assert lb.run("ls /mnt/huge").stdout.split() == ["rtemap_0", "rtemap_1"]
    assert [one.why for one in undone if not one.ok] == []
    assert [str(one) for one in differences(before, bench.snapshot("dut"))] == []
    assert lb.run("ls /dev/hugepages /var/run/dpdk 2>/dev/null").stdout.strip() == "/dev/hugepages:"


def test_pages_that_somebody_keeps_are_told_by_the_undo(bench: Benched) -> None:
    lb = bench.hosts["dut"]
    pools = [one for one in bench.changes("dut") if one.id.startswith("hugepages.node0")]
    with made(bench, "dut", pools) as undone:
        lb.run("touch /dev/hugepages/othermap_0")
        assert '"ok"' in lb.run("python3 -", stdin=KEEP.encode()).stdout
    (told,) = [one.why for one in undone if not one.ok]
    assert "node0 has 5 hugepages of 2048 kB, not 0 as before" in told
    assert "/dev/hugepages/othermap_0" in told
    lb.run("rm /dev/hugepages/othermap_0")
    with made(bench, "dut", []):
        pass
    assert lb.run(f"cat {POOL}").stdout.strip() == "0"
