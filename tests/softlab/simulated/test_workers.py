"""Several workers: each serves its queue of every port, has its share of everything, and the
tools add it up."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.softlab.simulated.bench import Bench

_ICMP_CORE = ("        cpu_id 2\n", "        cpu_id 2\n        icmp_redirect_core\n")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Two workers that share a cpu, with the article's service, 20 requests and 5 pings behind
    them."""
    made = Bench(tmp_path_factory.mktemp("workers"), "1.10.2")
    try:
        made.eal = made.eal.replace("iface=l0", "iface=l0,qpairs=2")
        made.eal = made.eal.replace("iface=w0", "iface=w0,qpairs=2")
        made.start(
            lcores="--lcores 0@0,1@1,2@1 --main-lcore 0",
            workers=2,
            redirect="        <init> redirect on\n",
            replace=_ICMP_CORE,
        )
        made.serve()
        made.configure()
        for port in range(40000, 40020):
            made.client.run(f"curl -sS -m 5 --local-port {port} http://10.0.0.100/")
        made.client.run("ping -c 5 -i 0.05 -W 2 10.0.0.100")
        yield made
    finally:
        made.close()


def test_queues(bench: Bench) -> None:
    assert bench.lb.run("dpip link show cpu") == (
        "<< Controll Plane >>\n"
        "1: cpu0: socket 0\n"
        "    queues none\n"
        "<< Data Plane >>\n"
        "2: cpu1: socket 0\n"
        "    queues dpdk0:rx0       dpdk0:tx0       dpdk1:rx0       dpdk1:tx0       \n"
        "3: cpu2: socket 0\n"
        "    queues dpdk0:rx1       dpdk0:tx1       dpdk1:rx1       dpdk1:tx1       \n"
    )
    lines = bench.lb.run("dpip -v link show dpdk0").splitlines()
    at = lines.index("    Queue Configuration:")
    assert [line.split() for line in lines[at + 1 : at + 3]] == [
        ["rx0-tx0", "cpu1-cpu1"],
        ["rx1-tx1", "cpu2-cpu2"],
    ]


def test_threads(bench: Bench) -> None:
    """Threads have the real names and stay on their cpus."""
    pid = bench.lb.run("pgrep -x dpvs").split()[0]
    shown = bench.lb.run(
        f"for t in /proc/{pid}/task/*; do"
        " echo $(cat $t/comm) $(sed -n 's/^Cpus_allowed_list:.//p' $t/status); done"
    )
    threads = dict(line.split() for line in shown.splitlines())
    assert threads["dpvs"] == "0"
    assert threads["dpdk-worker1"] == threads["dpdk-worker2"] == "1"


def _count(bench: Bench, command: str, pattern: str) -> int:
    found = re.search(pattern, bench.lb.run(command), re.MULTILINE)
    assert found, f"{command}: no {pattern!r}"
    return int(found[1])


def test_counters_add_up(bench: Bench) -> None:
    """A service's connections are those of its workers; both workers have some."""
    service = r"^TCP +10\.0\.0\.100:80 +(\d+)"
    each = [_count(bench, f"ipvsadm -ln --stats --cpu {n}", service) for n in (1, 2)]
    assert sum(each) == _count(bench, "ipvsadm -ln --stats", service) == 20
    assert min(each) >= 3


def test_connections_name_their_worker(bench: Bench) -> None:
    lines = bench.lb.run("ipvsadm -lnc").splitlines()
    assert {line[:3] for line in lines} == {"[1]", "[2]"}
    assert len(lines) == 20


def test_pools_are_shared_out(bench: Bench) -> None:
    """Each worker has the source ports of its parity; the tool adds them up."""
    whole = bench.lb.run("dpip -s addr show dev dpdk0")
    used, free = (int(re.search(rf"sa_{word} (\d+)", whole)[1]) for word in ("used", "free"))  # type: ignore[index]
    assert used == 20
    assert used + free == 1032176
    each = re.findall(r"sa_used (\d+)", bench.lb.run("dpip -s -v addr show dev dpdk0"))
    assert len(each) == 3
    assert sum(int(number) for number in each[1:]) == 20
    ports: dict[str, set[int]] = {"[1]": set(), "[2]": set()}
    for line in bench.lb.run("ipvsadm -lnc").splitlines():
        found = re.search(r"192\.168\.100\.200:(\d+)", line)
        assert found
        ports[line[:3]].add(int(found[1]) % 2)
    assert sorted(ports.values()) == [{0}, {1}]


def test_neighbours_per_worker(bench: Bench) -> None:
    """Each worker has its own view of each neighbour."""
    shown = bench.lb.run("dpip neigh show")
    for number in (1, 2):
        assert re.search(rf"10\.0\.0\.48 .* core: {number} ", shown)
        assert re.search(rf"192\.168\.100\.2 .* core: {number} ", shown)


def test_icmp_has_its_worker(bench: Bench) -> None:
    """With icmp_redirect_core all pings are one worker's."""
    packets = r"obytes +\n +(\d+)"

    def received(cpu: int) -> int:
        return _count(bench, f"dpip -s link show cpu{cpu}", packets)

    before = received(1), received(2)
    bench.client.run("ping -c 20 -i 0.02 -W 2 10.0.0.100")
    assert received(2) - before[1] >= 20
    assert received(1) - before[0] < 10


def test_more_queues_than_the_port_has(bench: Bench) -> None:
    """A software port has as many queue pairs as it was given; more end the device."""
    conf = f"-c {bench.folder}/dpvs.conf -p {bench.folder}/b.pid -x {bench.folder}/b.ipc"
    eal = bench.eal.replace(",qpairs=2", "")
    bench.lb.run(f"dpvs {conf} -- --lcores 0@0,1@1,2@1 {eal}", check=False)
    assert bench.log.read_text().splitlines()[-1] == (
        "netif_port_start: dpdk0 supports 1 rx-queues and 1 tx-queues at max, "
        "but 2 rx-queues and 2 tx-queues are configured."
    )
