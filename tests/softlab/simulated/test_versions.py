"""What is different in the other versions that can be emulated.

1.9.10 against its recordings; 1.8.10 against what a real build was seen to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.softlab.simulated.bench import Bench
from tests.softlab.simulated.hosts import until
from tests.softlab.simulated.pcaps import RECORDINGS

_NOT_BEFORE_1_9 = (
    "    <init> kni off\n",
    "    lldp off\n",
    "    <init> fdir_mode perfect\n",
    "ipset_defs {\n    <init> ipset_hash_pool_size 65536\n}\n",
    "            oneway 60\n",
    "    <init> flow_enable off\n",
)


@pytest.fixture(scope="module")
def v19(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """1.9.10 after the four requests of its recordings."""
    made = Bench(tmp_path_factory.mktemp("v19"), "1.9.10")
    try:
        made.start()
        made.serve()
        made.configure()
        for port in (60372, 60376, 60388, 60400):
            made.client.run(f"curl -sS -m 5 --local-port {port} http://10.0.0.100/")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    "name",
    [
        "ipvsadm-ln", "ipvsadm-lnc", "dpip-V", "dpip-addr-show", "dpip-link-show",
        "dpip-route-show", "err-addr-add-existing",
    ],
)  # fmt: skip
def test_text_of_1_9(v19: Bench, name: str) -> None:
    recording = (RECORDINGS / "v1.9.10" / f"{name}.txt").read_text()
    printed = v19.lb.recorded(recording.splitlines()[0].removeprefix("$ "))
    if name == "ipvsadm-lnc":
        # The device's hash table has a seed of its own at each start.
        assert sorted(printed.splitlines()) == sorted(recording.splitlines())
    else:
        built = r"build on \S+"
        assert re.sub(built, "", printed) == re.sub(built, "", recording)


def _start_18(bench: Bench, carrier: str) -> None:
    """As 1.8 needs it: a configuration of its time, and rte_kni."""
    bench.play(("l0", "w0"), 4 << 30, ("/dev/kni",))
    bench.lb.run(
        "mount -t tmpfs tmpfs /sys/module && mkdir -p /sys/module/rte_kni/parameters &&"
        f"echo {carrier} > /sys/module/rte_kni/parameters/carrier"
    )
    bench.start(without=_NOT_BEFORE_1_9)


@pytest.fixture(scope="module")
def v18(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("v18"), "1.8.10")
    try:
        _start_18(made, "on")
        made.serve()
        made.configure()
        yield made
    finally:
        made.close()


def test_files_of_1_8(v18: Bench) -> None:
    """The names of its files are fixed, and it has no options for them."""
    assert "dpvs_ctrl" in v18.lb.run("ls /var/run")
    assert "dpvs.pid" in v18.lb.run("ls /var/run")
    assert v18.lb.recorded("dpvs -c /tmp/x.conf").endswith("[exit 1]\n")
    assert v18.lb.run("dpip -V") == "dpip-v1.0.0\n"
    assert v18.lb.run("ipvsadm -v").endswith("IPVS v1.8.8)\n")


def test_threads_of_1_8(v18: Bench) -> None:
    pid = v18.lb.run("pgrep -x dpvs").split()[0]
    names = v18.lb.run(f"cat /proc/{pid}/task/*/comm").split()
    assert {"dpvs", "lcore-slave-1", "eal-intr-thread"} <= set(names)


def test_tools_of_1_8(v18: Bench) -> None:
    """The header has no version; there is neither LLDP nor an address of the device's own."""
    assert "IP Virtual Server version 0.0.0 (size=0)" in v18.lb.run("ipvsadm -ln")
    assert "lldp" not in v18.lb.run("dpip link show")
    assert "inet6" not in v18.lb.run("dpip addr show")
    assert "(null)" in v18.lb.run("ipvsadm -Sn")
    assert v18.lb.recorded("dpip route flush dev dpdk9").splitlines()[1:] == [
        "missing prefix",
        "dpip: invalid parameter",
        "[exit 1]",
    ]


def test_server_port_of_1_8(v18: Bench) -> None:
    """A server given without a port has the service's."""
    v18.lb.run("ipvsadm -a -t 10.0.0.100:80 -r 192.168.100.4 -b")
    assert "192.168.100.4:80 " in v18.lb.run("ipvsadm -ln")
    v18.lb.run("ipvsadm -d -t 10.0.0.100:80 -r 192.168.100.4")
    assert "192.168.100.4" not in v18.lb.run("ipvsadm -ln")


def test_server_port_since_1_9_4(v19: Bench) -> None:
    """A server given without a port has port 0."""
    v19.lb.run("ipvsadm -A -t 10.0.0.100:81 -s rr")
    v19.lb.run("ipvsadm -a -t 10.0.0.100:81 -r 192.168.100.4 -b")
    assert "192.168.100.4:0 " in v19.lb.run("ipvsadm -ln -t 10.0.0.100:81")
    v19.lb.run("ipvsadm -D -t 10.0.0.100:81")


def test_client_address_on_syn(v18: Bench) -> None:
    """1.8 puts TOA on the SYN, too, and begins with the first server."""
    capture = v18.folder / "rs1.txt"
    v18.rs1.start("tcpdump --immediate-mode -l -nn -x -i r0 dst port 80", capture)
    until("tcpdump", lambda: "listening" in capture.read_text())
    answers = [
        v18.client.run(f"curl -sS -m 5 --local-port {port} http://10.0.0.100/")
        for port in (40001, 40002)
    ]
    assert [answer[:3] for answer in answers] == ["rs2", "rs1"]
    option = "fe08 9c42 0a00 0030"
    joined = re.sub(r"\n\t0x....: ", "", until("SYN", capture.read_text))  # type: ignore[arg-type]
    syn = next(line for line in joined.splitlines() if "Flags [S]" in line)
    assert option in syn


def test_kni_of_1_8(v18: Bench) -> None:
    v18.lb.run("ip link set dpdk0.kni up")
    assert "LOWER_UP" in v18.lb.run("ip link show dpdk0.kni")


def test_kni_without_carrier(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With rte_kni loaded without carrier=on a kni never gets carrier."""
    made = Bench(tmp_path_factory.mktemp("off"), "1.8.10")
    try:
        _start_18(made, "off")
        made.lb.run("ip link set dpdk0.kni up")
        assert "NO-CARRIER" in made.lb.run("ip link show dpdk0.kni")
    finally:
        made.close()


def test_kni_without_its_module(tmp_path_factory: pytest.TempPathFactory) -> None:
    """1.8 always has knis; it ends where it cannot make them."""
    made = Bench(tmp_path_factory.mktemp("nokni"), "1.8.10")
    try:
        made.play(("l0", "w0"), 4 << 30)
        process = made.launch(without=_NOT_BEFORE_1_9)
        assert process.wait(10) == 1
        assert made.log.read_text().splitlines()[-4:] == [
            "KNI: Can not open /dev/kni",
            "KNI: KNI subsystem has not been initialized. Invoke rte_kni_init() first",
            "EAL: Error - exiting with code: 1",
            "add KNI port fail, exiting...",
        ]
    finally:
        made.close()
