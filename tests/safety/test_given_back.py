"""What a machine with systemd, modules and its own hugetlbfs does in addition, given back.

Each test plays one such fact on the software lab's hosts, makes the changes of the plan and undoes
them, and compares the host with how it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

from dpvs_acceptance.bringup.network import address
from dpvs_acceptance.hosts import journal, lock, survey
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode, first_failure
from dpvs_acceptance.hosts.snapshot import take
from dpvs_acceptance.observed.dpvs import DpvsState

from .benched import Benched, planned

POOL = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
OLD = "DPVS: Start dpdk0 failed, skipping ..."
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
    lb.run(f"echo '{OLD}' >/var/log/dpvs.log")
    with made(bench, "dut", bench.changes("dut")) as undone:
        assert lb.run("ls /mnt/huge").stdout.split() == ["rtemap_0", "rtemap_1"]
        # An earlier start's failures are in the file, and not in what is read of this one.
        assert OLD in lb.run("cat /var/log/dpvs.log").stdout
        state = DpvsState(take(lb, {"dpvs log": bench.wanted["dut"]["dpvs log"]}))
        assert any("link up" in line for line in state.log_lines)
        assert OLD not in state.log_lines
        assert state.log_findings == []
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


def test_a_tested_link_that_was_down_is_down_again(bench: Benched) -> None:
    client = bench.hosts["client1"]
    client.run("ip link set eth1 down")
    try:
        before = bench.snapshot("client1")
        with made(bench, "client1", bench.changes("client1")) as undone:
            assert "state UP" in client.run("ip link show eth1").stdout
        assert [one.why for one in undone if not one.ok] == []
        assert [str(one) for one in differences(before, bench.snapshot("client1"))] == []
    finally:
        client.run("ip link set eth1 up")


def test_a_link_without_carrier_that_was_up_stays_up(bench: Benched) -> None:
    client = bench.hosts["client1"]
    client.run("ip link add nc0 type veth peer name nc1 && ip link set nc0 up")
    change = address(ip_address("192.0.2.9"), 24, "nc0")
    try:
        with made(bench, "client1", [change]):
            pass
        flags = client.run("ip -o link show nc0").stdout.split("<")[1].split(">")[0].split(",")
        assert {"UP", "NO-CARRIER"} <= {*flags}
    finally:
        client.run("ip link del nc0")


def test_the_device_file_of_vhost_net_is_not_taken_for_its_module(bench: Benched) -> None:
    lb = bench.hosts["dut"]
    assert lb.run("[ -e /dev/vhost-net ] && ! lsmod | grep -q vhost").exit_status == 0
    changes = [one for one in bench.changes("dut") if one.id == "module.vhost_net"]
    with made(bench, "dut", changes) as undone:
        assert "vhost_net" in lb.run("lsmod").stdout
    assert [one.ok for one in undone] == [True]
    assert "vhost" not in lb.run("lsmod").stdout


def test_reading_a_real_server_loads_no_modules(bench: Benched) -> None:
    server = bench.hosts["rs1"]
    listed = server.run("lsmod").stdout
    assert "diag" not in listed
    listening = take(server, survey.real_server()).text("ss -ltnup")
    assert ":80 " in listening, listening
    assert server.run("lsmod").stdout == listed
    # What is avoided is really played here.
    server.run("ss -ltn")
    assert "tcp_diag" in server.run("lsmod").stdout
    server.run("rmmod tcp_diag inet_diag")


def test_vfio_is_told_to_do_without_an_iommu_and_told_otherwise_again(bench: Benched) -> None:
    lb = bench.hosts["dut"]
    dut = bench.deployment.bench.dut
    nics = tuple(nic.model_copy(update={"dpdk_driver": "vfio-pci"}) for nic in dut.nics)
    changed = bench.deployment.bench.model_copy(
        update={"dut": dut.model_copy(update={"nics": nics})}
    )
    _, plan = planned(changed, "fnat-two-arm")
    changes = [one for stage in plan.dut if stage.name == "platform" for one in stage.changes]
    before = bench.snapshot("dut")
    with made(bench, "dut", changes) as undone:
        assert "drv=vfio-pci" in lb.run("dpdk-devbind.py --status").stdout
    assert [one.why for one in undone if not one.ok] == []
    assert [str(one) for one in differences(before, bench.snapshot("dut"))] == []
