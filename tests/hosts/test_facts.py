"""Typed facts: from what a real host says, from what the article's hosts say, and from nonsense."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.hosts import collect, facts, iproute, netfacts, processes, survey
from dpvs_acceptance.hosts.batch import batch
from dpvs_acceptance.hosts.boot_files import read_boot_files
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.facts import FactError
from dpvs_acceptance.hosts.snapshot import Snapshot, take

_READERS: dict[str, Callable[[str], Any]] = {
    "cpu": facts.cpus,
    "numa": facts.numa_nodes,
    "hugepages": facts.hugepages,
    "/proc/mounts": facts.mounts,
    "file modes": facts.files,
    "file digests": facts.digests,
    "boot files": read_boot_files,
    "tools": facts.tools,
    "modinfo": facts.module_infos,
    "sysctl": facts.sysctls,
    "net devices": netfacts.net_devices,
    "pci net": netfacts.pci_devices,
    "ip addr": iproute.addresses,
    "ip link": iproute.links,
    "ip -4 route": lambda text: iproute.routes(text, 4),
    "ip -6 route": lambda text: iproute.routes(text, 6),
    "ip neigh": iproute.neighbours,
    "processes": processes.process_list,
    "dpvs process": processes.process_details,
}


@pytest.fixture(scope="module")
def snapshot(host: Host) -> Snapshot:
    paths = survey.DutPaths()
    return take(host, survey.dut(paths) | survey.real_server())


@pytest.mark.parametrize("section", _READERS)
def test_what_this_machine_says_is_understood(snapshot: Snapshot, section: str) -> None:
    _READERS[section](snapshot.get(section).stdout)


def test_this_machine_as_it_is(snapshot: Snapshot, host: Host) -> None:
    devices = netfacts.net_devices(snapshot.text("net devices"))
    here = {device.name for device in Path("/sys/class/net").iterdir()}
    assert set(devices) <= here
    assert {"lo"} <= set(devices)
    assert devices["lo"].mtu == 65536
    assert facts.cpus(snapshot.text("cpu")).online == set(range(os.cpu_count() or 0))
    assert facts.tools(snapshot.text("tools"))["dpvs"].path is None
    addresses = iproute.addresses(snapshot.text("ip addr"))
    assert iproute.Address("lo", ip_interface("127.0.0.1/8"), "host") in addresses
    commands = [one.command for one in processes.process_list(snapshot.text("processes"))]
    assert any(command.startswith("sshd:") for command in commands)


@pytest.mark.parametrize(
    ("json_command", "line_command", "read"),
    [
        ("ip -j addr", "ip -o addr", iproute.addresses),
        ("ip -j link", "ip -o link", iproute.links),
        ("ip -j -4 route", "ip -4 route", lambda text: iproute.routes(text, 4)),
        ("ip -j -6 route", "ip -6 route", lambda text: iproute.routes(text, 6)),
        ("ip -j neigh", "ip neigh", iproute.neighbours),
    ],
)
def test_lines_and_json_of_iproute2_say_the_same(
    host: Host, json_command: str, line_command: str, read: Callable[[str], object]
) -> None:
    setting = """\
sysctl -qw net.ipv6.conf.default.addr_gen_mode=1
ip link add play0 type veth peer name play1; ip link add br9 type bridge
ip link set play1 master br9; ip link set br9 mtu 1400
for d in play1 play0 br9; do ip link set $d up; done
for d in play1 play0 br9; do until ip link show $d | grep -q ' state UP '; do :; done; done
ip addr add 192.0.2.1/24 dev play0; ip addr add 198.51.100.1 peer 198.51.100.2/32 dev play0
ip -6 addr add 2001:db8::1/64 dev play0 nodad
ip route add 203.0.113.0/24 via 192.0.2.254 dev play0 metric 7 src 192.0.2.1
ip route add blackhole 203.0.114.0/24; ip route add default via 192.0.2.254 dev play0
ip -6 route add 2001:db8:1::/48 via 2001:db8::fe dev play0
ip -6 route add unreachable 2001:db8:2::/48
ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev play0 nud permanent
ip neigh add 192.0.2.8 dev play0 nud failed
"""
    inner = f"{setting}{json_command}; echo ====; {line_command}"
    result = host.run("exec unshare --net sh", stdin=inner.encode())
    assert not result.stderr
    as_json, as_lines = result.stdout.split("====\n")
    assert as_json.lstrip().startswith("[")
    assert read(as_json)
    assert read(as_lines) == read(as_json)


def test_process_in_full(host: Host, nap: str, tmp_path: Path) -> None:
    name = f"play-{os.getpid()}"
    script = (
        f"ulimit -Sn 655; cp /bin/sleep {tmp_path}/{name}; "
        f"setsid {tmp_path}/{name} '{nap}' </dev/null >/dev/null 2>&1 & "
        f"until pid=$(pidof {name}); do :; done; echo $pid; "
        f"{collect.process_details(name)}\nkill $pid"
    )
    pid, _, text = host.run(script).stdout.partition("\n")
    (process,) = processes.process_details(text)
    assert process.pid == int(pid)
    assert process.name == name
    assert process.exe == f"{tmp_path}/{name}"
    assert process.arguments == (f"{tmp_path}/{name}", nap)
    assert process.open_files == 655
    assert process.limits["Max stack size"][1] is None
    assert process.started > 0
    assert process.status["Threads"] == "1"
    (thread,) = process.threads
    assert (thread.id, thread.name) == (process.pid, name)
    assert thread.cpus <= set(range(4096))
    assert thread.cpus


@pytest.mark.parametrize("folder", ["tree", "dpdk-stable-9.11.0", "dpdk-9.11.0", "dpdk-9.11"])
def test_patches_of_a_tree(host: Host, tmp_path: Path, folder: str) -> None:
    script = f"""\
cd {tmp_path}; mkdir -p tree patch/{folder} patch/dpdk-1.1; touch patch/dpdk-1.1/other.patch
seq 20 >tree/a; seq 20 >tree/b; seq 20 >tree/c
for f in a b c; do cp -r tree new; sed -i "s/^10$/ten/" new/$f
diff -u tree/$f new/$f >patch/{folder}/000$f.patch; rm -r new; done
patch -s -p1 -d tree <patch/{folder}/000a.patch; seq 100 120 >tree/c; echo 9.11.0 >tree/VERSION
{collect.patches(str(tmp_path), f"{tmp_path}/tree")}
ls"""
    result = host.run(script)
    assert not result.stderr
    text, beside, files = result.stdout.rpartition("VERSION\na\nb\nc\n")
    assert (bool(beside), files) == (True, ""), "nothing was written beside the tree's files"
    found = facts.patches(text)
    assert [(one.name, one.state) for one in found] == [
        ("000a.patch", "applied"),
        ("000b.patch", "missing"),
        ("000c.patch", "unclear"),
    ]
    assert "hunk" in found[2].why


def test_tree_without_patches_says_so(host: Host, tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("17.05\n")
    section = batch(host, {"a": collect.patches("/opt/none", str(tmp_path))})["a"]
    assert section.exit_status == 3
    assert section.stderr == "no patches for DPDK 17.05 in /opt/none/patch\n"


def test_the_articles_machine() -> None:
    """Hardware as in the seed: two nodes, 28672 pages each, an 82599 taken by igb_uio."""
    (one, two) = facts.hugepages(
        "node0/hugepages/hugepages-2048kB/nr_hugepages:28672\n"
        "node1/hugepages/hugepages-2048kB/nr_hugepages:28672\n"
        "node0/hugepages/hugepages-2048kB/free_hugepages:1024\n"
        "node1/hugepages/hugepages-2048kB/free_hugepages:0\n"
    )
    assert one == facts.HugepagePool(node=0, size_kb=2048, total=28672, free=1024)
    assert (two.node, two.free) == (1, 0)
    pci = netfacts.pci_devices(
        "device 0000:04:00.0\n class 0x020000\n vendor 0x8086\n device 0x10fb\n"
        " subsystem_vendor 0x8086\n subsystem_device 0x0003\n numa_node 0\n driver igb_uio\n"
        " iommu_group 31\n"
        "device 0000:01:00.0\n class 0x020000\n vendor 0x14e4\n device 0x165f\n numa_node -1\n"
        " driver tg3\n interface em1\n"
    )
    nic = pci["0000:04:00.0"]
    assert (nic.model, nic.driver, nic.numa_node) == ("8086:10fb", "igb_uio", 0)
    assert (nic.iommu_group, nic.interfaces) == (31, ())
    assert pci["0000:01:00.0"].interfaces == ("em1",)
    assert pci["0000:01:00.0"].numa_node is None
    devices = netfacts.net_devices(
        "device eth2\n address 02:00:00:04:00:00\n ifindex 4\n mtu 1500\n operstate up\n"
        " carrier 1\n speed 10000\n duplex full\n flags 0x1003\n link ../../../0000:04:00.0\n"
        " path /sys/devices/pci0000:00/0000:00:02.0/0000:04:00.0\n driver ixgbe\n"
        "device dpdk0.kni\n address 02:00:00:82:00:00\n ifindex 9\n mtu 1500\n operstate down\n"
        " speed -1\n flags 0x1002\n"
        "device bond0.100\n address 02:00:00:82:00:00\n ifindex 10\n mtu 1500\n operstate down\n"
        " speed 4294967295\n master br0\n carrier 0\n flags 0x1003\n"
        "device ens1\n address 02:00:00:01:00:00\n ifindex 11\n mtu 9000\n flags 0x1003\n"
        " link ../../../10000:01:00.0\n path /sys/devices/pci10000:00/10000:00:02.0/10000:01:00.0\n"
    )
    # `operstate down` is also said of an interface that is up and has no carrier.
    assert [devices[name].up for name in ("eth2", "dpdk0.kni", "bond0.100")] == [True, False, True]
    assert devices["ens1"].pci == "10000:01:00.0"
    assert devices["eth2"].pci == "0000:04:00.0"
    assert (devices["eth2"].speed, devices["eth2"].driver) == (10000, "ixgbe")
    assert (devices["dpdk0.kni"].pci, devices["dpdk0.kni"].carrier) == (None, None)
    assert (devices["bond0.100"].speed, devices["bond0.100"].master) == (None, "br0")
    loaded = facts.modules(
        "Module                  Size  Used by\n"
        "rte_kni                28122  1 \n"
        "uio                    19338  3 igb_uio,uio_pci_generic\n"
        "toa                    16384  0 [permanent]\n"
    )
    assert loaded["uio"].used_by == ("igb_uio", "uio_pci_generic")
    assert loaded["rte_kni"].references == 1
    assert facts.cpus("smt/active:1\nonline:0-3\ncpu0/topology/thread_siblings_list:0,2\n") == (
        facts.Cpus(True, frozenset(range(4)), frozenset(), (frozenset({0, 2}),))
    )


def test_centos_7_has_no_json() -> None:
    (loop, first, second) = iproute.addresses(
        r"1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever"
        "\n"
        r"2: em1    inet 192.0.2.7/24 brd 192.0.2.255 scope global em1\       valid_lft forever "
        "preferred_lft forever\n"
        r"2: em1    inet6 fe80::1/64 scope link noprefixroute \       valid_lft forever preferred"
    )
    assert (loop.dev, first.dev, second.scope) == ("lo", "em1", "link")
    assert first.address == ip_interface("192.0.2.7/24")
    routes = iproute.routes(
        "default via 192.0.2.1 dev em1 proto static metric 100 \n"
        "unreachable 198.51.100.0/24 \n"
        "192.0.2.0/24 dev em1 proto kernel scope link src 192.0.2.7 metric 100 \n",
        4,
    )
    assert routes[0].destination == ip_network("0.0.0.0/0")
    assert routes[0].gateway == ip_address("192.0.2.1")
    assert str(routes[0]) == "0.0.0.0/0 via 192.0.2.1 dev em1 metric 100"
    assert str(routes[1]) == "unreachable 198.51.100.0/24"
    assert routes[2].source == ip_address("192.0.2.7")
    several = '[{"dst":"default","flags":[],"nexthops":[{"gateway":"192.0.2.1","dev":"a"},'
    several += '{"via":{"family":"inet6","host":"fe80::1"},"dev":"b"}]}]'
    assert [str(one) for one in iproute.routes(several, 4)] == [
        "0.0.0.0/0 via 192.0.2.1 dev a",
        "0.0.0.0/0 via fe80::1 dev b",
    ]


@given(st.frozensets(st.integers(0, 300)))
def test_cpu_lists_come_back(numbers: frozenset[int]) -> None:
    ordered = sorted(numbers)
    parts: list[list[int]] = []
    for number in ordered:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    text = ",".join(f"{a}-{b}" if a != b else f"{a}" for a, b in parts)
    assert facts.cpu_list(text + "\n") == numbers


_WORD = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1).filter(
    lambda word: not word.startswith("#")
)


@given(st.lists(st.tuples(_WORD, st.text(min_size=1), _WORD), max_size=5))
def test_mounts_come_back(wanted: list[tuple[str, str, str]]) -> None:
    def escaped(text: str) -> str:
        return "".join(
            f"\\{ord(c):03o}" if ord(c) < 256 and (c.isspace() or c in "\\") else c for c in text
        )

    usable = [w for w in wanted if all(not c.isspace() or ord(c) < 256 for c in w[1])]
    text = "".join(
        f"{escaped(device)} {escaped(point)} {escaped(kind)} rw,noatime 0 0\n"
        for device, point, kind in usable
    )
    if len(text.splitlines()) != len(usable):
        return  # a separator of lines that the kernel escapes and this rendering does not
    assert [(m.device, m.point, m.type) for m in facts.mounts(text)] == usable


@pytest.mark.parametrize("section", [s for s in _READERS if s != "ip neigh"])
def test_a_line_that_is_not_understood_is_quoted(snapshot: Snapshot, section: str) -> None:
    text = snapshot.get(section).stdout
    strange = text + ("" if text.endswith("\n") or not text else "\n") + "\x01strange\n"
    with pytest.raises(FactError, match=r"strange|JSON"):
        _READERS[section](strange)


@given(st.sampled_from(sorted(_READERS)), st.text())
def test_nonsense_is_a_fact_error_or_facts(section: str, text: str) -> None:
    with contextlib.suppress(FactError):
        _READERS[section](text)


def test_a_stopped_process_is_still_described(host: Host, tmp_path: Path) -> None:
    """What the survey reads of processes comes from /proc alone and never waits for them."""
    name = f"stop-{os.getpid()}"
    script = (
        f"cp /bin/sleep {tmp_path}/{name}; "
        f"setsid {tmp_path}/{name} 60 </dev/null >/dev/null 2>&1 & "
        f"until pid=$(pidof {name}); do :; done; kill -s STOP $pid; "
        f"until grep -q '^State:.T' /proc/$pid/status; do :; done; "
        f"{collect.process_details(name)}\nkill -s KILL $pid"
    )
    section = batch(host, {"a": script})["a"]
    (process,) = processes.process_details(section.stdout)
    assert process.status["State"].startswith("T")
