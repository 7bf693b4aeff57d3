"""Ways in that are really there: ssh by the NIC that DPVS is to have, in a lab's own namespaces.

What the host's interfaces show is refused before anything is touched; what they do not show is
found by the rehearsal, and everything is as before afterwards.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dpvs_acceptance.bringup import rehearsal
from dpvs_acceptance.bringup.interlock import refusals
from dpvs_acceptance.bringup.rehearsal import rehearse
from dpvs_acceptance.bringup.restore import restore
from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode, first_failure
from dpvs_acceptance.hosts.snapshot import Snapshot, take
from dpvs_acceptance.model.nics import Nic

from .benched import Benched
from .killing import Killer, edit_undo, points, recorded_undo

ADDRESS = "10.0.96.77"  # on the lab's wan link, where the fabric has 10.0.96.254
NIC = "eth4"  # that the bench has on that link

_SSHD = """
sed 's/^ListenAddress.*/ListenAddress 0.0.0.0:2222/; s/^PidFile.*/PidFile none/' \
/run/softlab/sshd_config >/run/by.conf && /usr/sbin/sshd -f /run/by.conf
"""
_RELAY = """
import os, socket, threading
server = socket.create_server(("0.0.0.0", 2300))
near, far = socket.socketpair()
def pump(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)
def both(one, other):
    threading.Thread(target=pump, args=(one, other), daemon=True).start()
    pump(other, one)
def inner(link):
    both(link, socket.create_connection(("127.0.0.1", 2222)))
{who}
outer, _ = server.accept()
{then}
"""
_ONE_PROCESS = _RELAY.format(
    who="", then='both(outer, socket.create_connection(("127.0.0.1", 2222)))'
)
_TWO_PROCESSES = _RELAY.format(
    who=(
        "if os.fork() == 0:\n    server.close(); near.close(); inner(far); os._exit(0)\nfar.close()"
    ),
    then="both(near, outer)",
)


@dataclass(frozen=True)
class Way:
    """A way in. `made`, `removed`: sh text for the DUT; on the fabric: for its namespace.

    words: why it is refused; empty: only the rehearsal finds it.
    """

    name: str
    made: str
    words: str = ""
    removed: str = ""
    port: int = 2222
    address: str = ADDRESS
    fabric: str = ""
    fabric_removed: str = ""


def _relay(program: str) -> str:
    return (
        f"ip addr add {ADDRESS}/24 dev {NIC} && cat >/run/relay.py <<'END'\n{program}\nEND\n"
        "setsid python3 /run/relay.py </dev/null >/run/relay.log 2>&1 &"
    )


_NO_RELAY = f"pkill -f /run/relay.p[y]; rm -f /run/relay.*; ip addr del {ADDRESS}/24 dev {NIC}"
WAYS = (
    Way(
        "an address of its own",
        f"ip addr add {ADDRESS}/24 dev {NIC}",
        f"{NIC} has the address {ADDRESS} that ssh came in on",
        f"ip addr del {ADDRESS}/24 dev {NIC}",
    ),
    Way(
        "a bridge",
        f"ip link add br9 type bridge && ip link set {NIC} master br9 && ip link set br9 up && "
        f"ip addr add {ADDRESS}/24 dev br9",
        f"br9 is on top of {NIC}; br9 has the address {ADDRESS}",
        "ip link del br9",
    ),
    Way(
        "a veth whose other end is in a bridge with the NIC",
        f"ip link add br9 type bridge && ip link set {NIC} master br9 && ip link set br9 up && "
        "ip link add m0 type veth peer name m1 && ip link set m1 master br9 up && "
        f"ip link set m0 up && ip addr add {ADDRESS}/24 dev m0",
        f"br9 is on top of {NIC}; m1 is a port of br9; m1 is the other end of m0; m0 has the "
        "address",
        "ip link del m0; ip link del br9",
    ),
    Way(
        "a macvlan",
        f"ip link add link {NIC} name mv0 type macvlan mode bridge && ip link set mv0 up && "
        f"ip addr add {ADDRESS}/24 dev mv0",
        f"mv0 is on top of {NIC}; mv0 has the address {ADDRESS}",
        "ip link del mv0",
    ),
    Way(
        "a VXLAN tunnel",
        f"ip addr add {ADDRESS}/24 dev {NIC} && ip link add vx0 type vxlan id 9 dstport 4789 "
        f"local {ADDRESS} remote 10.0.96.254 && ip link set vx0 up && "
        "ip addr add 10.9.9.2/24 dev vx0",
        f"{NIC} is the way to 10.0.96.254, the far end of vx0; vx0 has the address 10.9.9.2",
        f"ip link del vx0; ip addr del {ADDRESS}/24 dev {NIC}",
        address="10.9.9.2",
        fabric="ip link add vx0 type vxlan id 9 dstport 4789 local 10.0.96.254 "
        f"remote {ADDRESS} && ip link set vx0 up && ip addr add 10.9.9.1/24 dev vx0",
        fabric_removed="ip link del vx0",
    ),
    Way(
        "a program that relays to the host itself",
        _relay(_ONE_PROCESS),
        f"{NIC} is the way to 10.0.96.254, by which python3 on the host carries the ssh session",
        _NO_RELAY,
        port=2300,
    ),
    Way("a program of two processes", _relay(_TWO_PROCESSES), "", _NO_RELAY, port=2300),
    Way(
        "a router in another namespace",
        "unshare -n sleep 600 </dev/null >/dev/null 2>&1 & r=$!; sleep 0.2\n"
        f"ip link add br9 type bridge && ip link set {NIC} master br9 && ip link set br9 up && "
        "ip link add m0 type veth peer name m1 netns $r && "
        "ip link add r1 type veth peer name r0 netns $r && ip link set r1 master br9 up && "
        "ip link set m0 up && ip addr add 10.9.9.2/24 dev m0 && "
        f"nsenter -t $r -n sh -c 'ip link set m1 up; ip link set r0 up; "
        f"ip addr add 10.9.9.1/24 dev m1; ip addr add {ADDRESS}/24 dev r0; "
        "echo 1 >/proc/sys/net/ipv4/ip_forward' && "
        "ip route add 10.0.96.254/32 via 10.9.9.1 dev m0",
        "",
        "pkill -f 'sleep 60[0]'; ip link del br9; ip link del m0; ip link del r1",
        address="10.9.9.2",
        fabric=f"ip route add 10.9.9.0/24 via {ADDRESS}",
        fabric_removed=f"ip route del 10.9.9.0/24 via {ADDRESS}",
    ),
)


@pytest.fixture(scope="module")
def peers(bench: Benched) -> Mapping[str, Snapshot]:
    """What the other hosts say; and a second sshd on the DUT, that listens on all its addresses."""
    assert bench.hosts["dut"].run(_SSHD).ok
    return {role: take(host, bench.wanted[role]) for role, host in bench.hosts.items()}


@contextmanager
def _connected(bench: Benched, way: Way, folder: Path) -> Iterator[Host]:
    """The DUT by another way; everything of it is gone afterwards."""
    dut = bench.hosts["dut"]
    text = (bench.deployment.bench.path.parent / "ssh_config").read_text()
    fabric = re.search(r"door\.py (\d+)", text)
    assert fabric is not None
    enter = ["nsenter", "-t", fabric[1], "-n", "sh", "-c"]
    config = folder / "ssh_config"
    config.write_text(
        text.replace("\nHost ", "\nHost by ", 1)
        + f"Host by\n    HostName {way.address}\n    Port {way.port}\n    HostKeyAlias lb01\n"
    )
    try:
        made = dut.run(way.made)
        assert made.ok, made.stderr
        _here(enter, f"ip neigh flush all; {way.fabric or ':'}")
        deadline = time.monotonic() + 10
        while dut.run(f"ss -ltn | grep -q ':{way.port} '").exit_status:
            assert time.monotonic() < deadline, "nothing listens on the DUT"
        with connect("dut", "by", config) as by:
            yield by
    finally:
        _here(enter, way.fabric_removed)
        dut.run(way.removed)


def _here(enter: list[str], text: str) -> None:
    if text:
        subprocess.run([*enter, text], check=True)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name.replace(" ", "-"))
def test_a_nic_that_ssh_goes_by_is_refused(
    bench: Benched, peers: Mapping[str, Snapshot], way: Way, tmp_path: Path
) -> None:
    sections = bench.wanted["dut"]
    before = take(bench.hosts["dut"], sections)
    with _connected(bench, way, tmp_path) as by:
        seen = take(by, sections)
        found = refusals(bench.deployment, {**peers, "dut": seen})
        shown = [one for one in found if f"({NIC}) to DPVS, but " in one]
        if way.words:
            assert any(way.words in one for one in shown), found
            return
        assert shown == [], "found without a rehearsal"
        with lock.acquire(by, "the test"):
            gate = WriteGate(by, WriteMode.WRITABLE, run="rehearsal")
            (refused,) = rehearse(gate, bench.deployment.bench.dut.nics, seen)
            assert f"the ssh session stalls while {NIC} is down" in refused
            assert differences(seen, take(by, sections)) == ()
    assert differences(before, take(bench.hosts["dut"], sections)) == ()


@pytest.fixture
def network(bench: Benched) -> Iterator[Host]:
    """The DUT with much on its NICs that a link that goes down would lose."""
    dut = bench.hosts["dut"]
    made = dut.run(
        f"ip link add br9 type bridge && ip link set br9 up && ip link set {NIC} master br9 && "
        f"ip link set {NIC} type bridge_slave cost 17 && "
        "ip addr add 10.1.2.3/24 dev eth3 && ip addr add 2001:db8:9::5/64 dev eth3 nodad && "
        "ip route add 10.9.0.0/16 via 10.1.2.1 dev eth3 metric 7 && "
        "ip route add 10.8.0.0/16 dev eth3 table 77 && "
        "ip -6 route add 2001:db8:a::/48 via 2001:db8:9::1 dev eth3 && ip link set eth5 down"
    )
    assert made.ok, made.stderr
    yield dut
    dut.run(
        "ip addr flush dev eth3; ip route flush table 77; ip link del br9; ip link set eth5 up; "
        "ip link set eth3 down; ip link set eth3 up"
    )


def _state(dut: Host) -> str:
    """All that is to be as before; without numbers that only count or tick."""
    said = dut.run(
        "for n in eth2 eth3 eth4 eth5; do ip -d -o link show dev $n; ip -o addr show dev $n; "
        "ip route show table all dev $n; ip -6 route show table all dev $n; done"
    ).stdout
    return re.sub(r"_timer +\S+|^\d+:|@if\d+|qdisc \w+", "", said, flags=re.MULTILINE)


def _nics(bench: Benched) -> tuple[Nic, ...]:
    return bench.deployment.bench.dut.nics


def test_nics_that_ssh_does_not_go_by_are_as_before(bench: Benched, network: Host) -> None:
    first = _settled(network)
    seen = take(network, bench.wanted["dut"])
    with lock.acquire(network, "the test"):
        gate = WriteGate(network, WriteMode.WRITABLE, run="rehearsal")
        begin = time.monotonic()
        assert rehearse(gate, _nics(bench), seen) == []
        assert time.monotonic() - begin < rehearsal.TOGETHER, "it waited for no question"
        assert _settled(network) == first
    assert not network.run(f"ls -R {journal.ROOT}").ok


def _settled(dut: Host) -> str:
    """The state once no bridge port is on its way to forward, nor an address tentative."""
    deadline = time.monotonic() + 40
    while re.search(r"state (listening|learning)|tentative", state := _state(dut)):
        assert time.monotonic() < deadline, state
        time.sleep(0.2)
    return state


def test_a_member_of_a_bridge_is_one_again_after_dpvs_had_it(bench: Benched, network: Host) -> None:
    first = _settled(network)
    wanted = [one for one in bench.changes("dut") if one.id.startswith(("module.", "bind."))]
    with lock.acquire(network, "the test"):
        gate = WriteGate(network, WriteMode.WRITABLE, run="binding")
        assert first_failure(gate.apply(wanted)) is None
        assert not network.run(f"ip link show dev {NIC}").ok
        assert all(one.ok for one in gate.undo())
    assert _settled(network) == first


def test_killed_in_the_rehearsal(bench: Benched, network: Host, tmp_path: Path) -> None:
    """At each point of it, and of its undo: the host puts the links up, --restore all else."""
    first = _settled(network)
    config = bench.deployment.bench.ssh_config_path
    assert config is not None
    killer = Killer(config, tmp_path / "log")
    change = rehearsal.down([NIC, "eth3", "eth4"], ["br9"], 1)
    try:
        for name, text in points(change.apply).items():
            killer.kill_applying(network, f"kill-{name}", [replace(change, apply=text)])
            _restored(network)
            assert _settled(network) == first, name
        lock.acquire(network, "the test", lease=0)
        gate = WriteGate(network, WriteMode.WRITABLE, run="up")
        assert first_failure(gate.apply([change])) is None
        (left,) = journal.leftovers(network)
        (entry,) = left.entries
        undo = recorded_undo(network, "up", entry.number)
        for text in points(undo).values():
            edit_undo(network, "up", entry.number, text)
            killer.kill_undoing(network, "up")
        edit_undo(network, "up", entry.number, undo)
        _restored(network)
        assert _settled(network) == first
    finally:
        killer.close()


def _restored(dut: Host) -> None:
    said: list[str] = []
    with lock.acquire(dut, "the test", lease=60):
        assert restore({"dut": dut}, said.append), said
