"""UDP through the device, end to end: the client's address first, then the datagrams alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.softlab.simulated.bench import Bench
from tests.softlab.simulated.hosts import until
from tests.softlab.simulated.pcaps import RECORDINGS

_SEND = """
import socket, sys
vip, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
family = socket.AF_INET6 if ":" in vip else socket.AF_INET
link = socket.socket(family, socket.SOCK_DGRAM)
link.bind(("", port))
link.connect((vip, 8053))
link.settimeout(0.4)
for number in range(count):
    link.send(f"msg{number}".encode())
    try:
        print(link.recv(100).decode(), end="")
    except TimeoutError:
        print("nothing")
"""


def _send(bench: Bench, port: int, count: int, vip: str = "10.0.0.100") -> list[str]:
    script = bench.folder / "send.py"
    script.write_text(_SEND)
    return bench.client.run(f"python3 {script} {vip} {port} {count}").splitlines()


def _recording(name: str) -> str:
    return (RECORDINGS / "v1.10.2" / f"{name}.txt").read_text()


def _sorted(text: str) -> list[str]:
    return sorted(text.splitlines())


def _bench(folder: Path, uoa: str) -> Iterator[Bench]:
    made = Bench(folder, "1.10.2")
    try:
        made.start(uoa=uoa)
        made.serve()
        made.configure()
        made.configure_udp()
        yield made
    finally:
        made.close()


@pytest.fixture
def opp(tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(tmp_path, "opp")


@pytest.fixture
def ipo(tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(tmp_path, "ipo")


def test_private_protocol(opp: Bench) -> None:
    """The first three go in a protocol that these servers do not know, the others arrive."""
    assert _send(opp, 38613, 5) == [
        "nothing",
        "nothing",
        "nothing",
        "rs1 saw 192.168.100.200:1025 msg3",
        "rs1 saw 192.168.100.200:1025 msg4",
    ]
    assert _send(opp, 47362, 3) == ["nothing"] * 3
    assert opp.lb.recorded("ipvsadm -ln --stats") == _recording("udp-ipvsadm-ln-stats")
    assert _sorted(opp.lb.recorded("ipvsadm -lnc")) == _sorted(_recording("udp-ipvsadm-lnc"))


def test_ip_option(ipo: Bench) -> None:
    """With the option every datagram arrives; the first three carry the client's address."""
    capture = ipo.folder / "rs1.txt"
    ipo.rs1.start("tcpdump --immediate-mode -l -nn -x -i r0 udp", capture)
    until("tcpdump", lambda: "listening" in capture.read_text())
    assert _send(ipo, 38163, 5) == [f"rs1 saw 192.168.100.200:1025 msg{n}" for n in range(5)]
    assert _send(ipo, 57806, 1) == ["rs2 saw 192.168.100.200:1025 msg0"]
    recorded = _recording("udp-ipo-ipvsadm-lnc")
    assert _sorted(ipo.lb.recorded("ipvsadm -lnc")) == _sorted(recorded)
    # Code 31, length 8, the client's port and address; then the UDP header.
    option = "1f08 9513 0a00 0030 0401 1f75 000c"
    until("five requests", lambda: capture.read_text().count("0401 1f75") == 5)
    seen = re.sub(r"\n\t0x....: ", "", capture.read_text())
    assert seen.count(option) == 3


def test_ipv6(opp: Bench) -> None:
    opp.lb.run("dpip -6 addr add 2001:db8:1::100/128 dev dpdk1")
    opp.lb.run("dpip -6 route add 2001:db8:1::/64 dev dpdk1")
    opp.lb.run("dpip -6 route add fd00:100::/64 dev dpdk0")
    opp.configure_udp("2001:db8:1::100")
    answers = _send(opp, 40000, 5, "2001:db8:1::100")
    assert answers == ["nothing"] * 3 + [f"rs1 saw fd00:100::200:1025 msg{n}" for n in (3, 4)]


def test_ipv6_clients_of_ipv4_servers(opp: Bench) -> None:
    opp.lb.run(
        "dpip -6 addr add 2001:db8:1::64/128 dev dpdk1 &&"
        "dpip -6 route add 2001:db8:1::/64 dev dpdk1 &&"
        "ipvsadm -A -u [2001:db8:1::64]:8053 -s rr &&"
        "ipvsadm -a -u [2001:db8:1::64]:8053 -r 192.168.100.2:8053 -b;"
        "ipvsadm --add-laddr -z 192.168.100.200 -u [2001:db8:1::64]:8053 -F dpdk0",
    )
    answers = _send(opp, 40000, 5, "2001:db8:1::64")
    assert answers == ["nothing"] * 3 + [f"rs1 saw 192.168.100.200:1025 msg{n}" for n in (3, 4)]
