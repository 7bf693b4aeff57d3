"""dpvs.conf: what is taken, what is warned about, what ends the device and how.

The lines are those that a real 1.10.2 was seen to log for the same text.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from softlab.simulated import conftree, lcores
from softlab.simulated.conf import Configuration, Crash, Reader, tokens_of
from softlab.simulated.versions import Version
from tests.softlab.simulated.bench import Bench


def _taken(what: str, value: str) -> bool:
    return True


def _read(folder: Path, text: str, version: str = "1.10.2") -> tuple[Configuration, list[str]]:
    """The configuration, and the lines logged about it."""
    file = folder / "dpvs.conf"
    file.write_text(text, newline="")
    lines: list[str] = []

    def say(level: str, module: str, said: str) -> None:
        lines.append(f"{module}: {said}")

    reader = Reader(Version(version), conftree.tree(Version(version)), say, _taken)
    return reader.read(str(file)), lines[1:]


def _in(block: str, line: str) -> str:
    return f"{block} {{\n    {line}\n}}\n"


def _device(line: str) -> str:
    return f"netif_defs {{\n device dpdk0 {{\n {line}\n }}\n}}\n"


_LINES = {
    "sa_pool": [
        ("pool_hash_size 16", []),
        ("pool_hash_size 1000", ["SAPOOL: sa_pool_hash_size_handler: invalid pool_hash_size"]),
        ("flow_enable off", []),
        ("flow_enable maybe", ["SAPOOL: sapool_filter_enable = on"]),
    ],
    "neigh_defs": [
        ("timeout 60", ["NEIGHBOUR: arp_reachable_timeout = 60"]),
        (
            "timeout 5000",
            [
                "NEIGHBOUR: invalid arp_reachable_timeout config 5000,"
                "                 using default 60"
            ],
        ),
        (
            "unres_queue_length 5",
            ["NEIGHBOUR: invalid arp_unres_qlen config 5, using default 128"],
        ),
    ],
    "netif_defs": [
        ("pktpool_size 50000", ["NETIF: pktpool_size = 32767 (round to 2^n-1)"]),
        ("pktpool_size abc", ["NETIF: invalid pktpool_size abc, using default 65535"]),
        ("pktpool_cache 5", ["NETIF: invalid pktpool_cache_size 5, using default 256"]),
        ("pktpool_sise 1", ["CFG_FILE: not supported keyword -- pktpool_sise"]),
    ],
    "timer_defs": [("<init> schedule_interval 500 # us", ["DTIMER: sched_interval = 500"])],
}


@pytest.mark.parametrize(
    ("block", "line", "said"),
    [(block, line, said) for block, cases in _LINES.items() for line, said in cases],
)
def test_lines(tmp_path: Path, block: str, line: str, said: list[str]) -> None:
    assert _read(tmp_path, _in(block, line))[1] == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mtu 9000", "NETIF: dpdk0:mtu = 9000"),
        ("mtu 9001", "NETIF: invalid dpdk0:MTU 9001, using default 1500"),
        ("rss ip|tcp", "NETIF: dpdk0:rss = ip|tcp"),
        ("rss foo", "NETIF: invalid dpdk0:rss foo, using default rss_tcp"),
    ],
)
def test_lines_of_a_device(tmp_path: Path, line: str, said: str) -> None:
    text = _device(line) if not line.startswith("rss") else _device(f"rx {{\n {line}\n }}")
    assert _read(tmp_path, text)[1] == ["NETIF: netif device config: dpdk0", said]


def test_words() -> None:
    assert tokens_of('  <init> log_level  "IN FO" <x> ! rest') == ["log_level", "IN FO"]
    assert tokens_of("# all of it") == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ends_of_lines(tmp_path: Path, end: str) -> None:
    text = _in("ipv4_defs", "default_ttl 70").replace("\n", end)
    assert _read(tmp_path, text)[0].default_ttl == 70


def test_a_brace_on_the_next_line(tmp_path: Path) -> None:
    assert _read(tmp_path, "ipv4_defs\n{\n default_ttl 70\n}\n")[0].default_ttl == 70


def test_keyword_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(Crash) as crash:
        _read(tmp_path, _in("ipv4_defs", "default_ttl"))
    assert crash.value.number == signal.SIGABRT


def test_keywords_of_other_versions(tmp_path: Path) -> None:
    """1.8 has flow director settings in each device, and no switch for kni."""
    fdir = "fdir {\n mode perfect\n }"
    unknown = "CFG_FILE: not supported keyword -- "
    assert f"{unknown}fdir" in _read(tmp_path, _device(fdir))[1]
    assert "NETIF: dpdk0:fdir_mode = perfect" in _read(tmp_path, _device(fdir), "1.8.10")[1]
    kni = _in("global_defs", "kni off")
    assert _read(tmp_path, kni)[1] == ["CFG_FILE: kni = off"]
    assert _read(tmp_path, kni, "1.8.10")[1] == [f"{unknown}kni"]


def test_no_file(tmp_path: Path) -> None:
    said: list[str] = []

    def say(level: str, module: str, text: str) -> None:
        said.append(text)

    reader = Reader(Version("1.10.2"), conftree.tree(Version("1.10.2")), say, _taken)
    assert reader.read(str(tmp_path / "none")) == Configuration()
    assert said == []


# -- workers against ports -----------------------------------------------------------------------


def _workers(folder: Path, *workers: str) -> Configuration:
    """Each worker is ``CPU PORT:RX/TX ...``."""
    text = "netif_defs {\n device dpdk0 {\n }\n device dpdk1 {\n }\n}\nworker_defs {\n"
    text += " worker cpu0 {\n type master\n cpu_id 0\n }\n"
    for number, worker in enumerate(workers, 1):
        cpu, *ports = worker.split()
        text += f" worker cpu{number} {{\n type slave\n cpu_id {cpu}\n"
        for port in ports:
            name, _, queues = port.partition(":")
            rx, _, tx = queues.partition("/")
            text += f" port {name} {{\n"
            text += f" rx_queue_ids {rx.replace(',', ' ')}\n" if rx else ""
            text += f" tx_queue_ids {tx.replace(',', ' ')}\n" if tx else ""
            text += " }\n"
        text += " }\n"
    return _read(folder, text + "}\n")[0]


@pytest.mark.parametrize(
    ("workers", "code"),
    [
        (["1 dpdk0:0/0 dpdk1:0/0"], 0),
        (["1 dpdk0:0/0 dpdk1:0/0", "2 dpdk0:1/1 dpdk1:1/1"], 0),
        (["1 dpdk0:0/0 dpdk1:0/0", "2 dpdk0:0/1 dpdk1:1/1"], lcores.REPEATED_RX),
        (["1 dpdk0:0/0 dpdk1:0/0", "2 dpdk0:1/0 dpdk1:1/1"], lcores.REPEATED_TX),
        (["1 dpdk0:0/0 dpdk1:0/0", "2 dpdk0:2/1 dpdk1:1/1"], lcores.DISCONTINUOUS),
        (["1 dpdk0:5/0 dpdk1:0/0"], lcores.DISCONTINUOUS),
        (["1 dpdk0:0/0 dpdk1:0/0", "2 dpdk0:1/ dpdk1:1/1"], lcores.WRONG_TX),
        (["1 dpdk0:0/0 dpdk1:0/0", "2 dpdk0:1/1"], lcores.WRONG_TX),
        ([], lcores.NO_WORKERS),
    ],
)
def test_queues(tmp_path: Path, workers: list[str], code: int) -> None:
    assert lcores.check(_workers(tmp_path, *workers), 2, 8)[0] == code


def test_more_ports_than_there_are(tmp_path: Path) -> None:
    config = _workers(tmp_path, "1 dpdk0:0/0 dpdk1:0/0")
    assert lcores.check(config, 1, 8)[0] == lcores.PORTS_NOT_ENOUGH


@pytest.mark.parametrize(
    ("worker", "number"),
    [
        ("1 dpdk7:0/0", signal.SIGSEGV),
        ("99 dpdk0:0/0", signal.SIGABRT),
        ("1 dpdk0:0/0", None),
    ],
)
def test_what_the_device_dies_of(tmp_path: Path, worker: str, number: int | None) -> None:
    crash = lcores.crash(_workers(tmp_path, worker))
    assert (crash.number if crash else None) == number


def test_two_on_one_lcore(tmp_path: Path) -> None:
    assert lcores.twice_used(_workers(tmp_path, "1 dpdk0:0/0", "2 dpdk0:1/1"), 0) is None
    assert lcores.twice_used(_workers(tmp_path, "0 dpdk0:0/0"), 0)
    assert lcores.twice_used(_workers(tmp_path, "1 dpdk0:0/0", "1 dpdk0:1/1"), 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-1", {0: {0}, 1: {1}}),
        ("0@0,1@1,2@1", {0: {0}, 1: {1}, 2: {1}}),
        ("(0,1)@0", {0: {0}, 1: {0}}),
        ("1@(2,3)", {1: {2, 3}}),
    ],
)
def test_lcores_of_eal(text: str, expected: dict[int, set[int]]) -> None:
    assert lcores.of_eal({"--lcores": text}, 8) == expected


# -- the whole device ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("conf"), "1.10.2")
    try:
        yield made
    finally:
        made.close()


def _end(machine: Bench, **conf: object) -> tuple[int, str]:
    """Status and last line of the log of a device that ends at once."""
    machine.log.unlink(missing_ok=True)
    status = machine.launch(**conf).wait(10)  # type: ignore[arg-type]
    return status, machine.log.read_text().splitlines()[-1]


def test_worker_on_no_lcore_of_eal(machine: Bench) -> None:
    status, last = _end(machine, replace=("        cpu_id 1\n", "        cpu_id 5\n"))
    assert status == 1
    assert last == (
        "netif_lcore_init: lcore_index_init failed (cause: non-EAL thread lcore), exit ..."
    )


def test_a_port_that_no_device_has(machine: Bench) -> None:
    """The device dies by a signal, with a log that ends in the middle."""
    status, last = _end(machine, replace=("port dpdk1 {", "port dpdk7 {"))
    assert status == -signal.SIGSEGV
    assert "disabled:" in last


def test_worker_and_master_on_one_lcore(machine: Bench) -> None:
    status, _ = _end(machine, replace=("        cpu_id 1\n", "        cpu_id 0\n"))
    assert status == -signal.SIGABRT
    said = (machine.folder / "dpvs.out").read_text().splitlines()[-1]
    assert said.endswith("Assertion `g_lcore_role[cid] == LCORE_ROLE_IDLE' failed.")


def test_debug(machine: Bench) -> None:
    """At DEBUG, the article's level, addresses are logged by each lcore."""
    machine.log.unlink(missing_ok=True)
    machine.start(replace=("log_level INFO", "log_level DEBUG"))
    machine.lb.run("dpip addr add 10.0.0.100/32 dev dpdk1")
    added = "ifa_entry_add: add ifaddr 10.0.0.100"
    assert machine.log.read_text().splitlines()[-2:] == [f"IFA: [00] {added}", f"IFA: [01] {added}"]
