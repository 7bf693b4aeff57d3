"""A check's own changes of DPVS, on a real host with tools that keep their tables in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from dpvs_acceptance.bringup.refusal import lacking_option
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.testbed.readings import Look
from dpvs_acceptance.testbed.tools import Tools
from dpvs_acceptance.verdict.causes import NotSupported, NotTested

ROOT = Path(__file__).parents[2]
V1_10_2 = facts(Version.parse("1.10.2"))
ADD = "dpip addr add 192.0.2.1/32 dev dpdk3"
# One table, the addresses; `broken` in it makes deleting do nothing.
DPIP = r"""#!/bin/sh
cd %s; touch addresses
case "$*" in
"link show") echo "1: dpdk0: socket 0 mtu 1500 rx-queue 1 tx-queue 1
    UP 10000 Mbps full-duplex fixed-nego lldp
    addr 02:00:00:00:02:01 OF_TX_FAST_FREE " ;;
*vlan*) echo "dpip: invalid object, use \`-h' for help." >&2; exit 1 ;;
"addr add "*) grep -qx "$3 $5" addresses && {
    echo "[sockopt_msg_recv] errcode set in socket msg#47 header: already exist(-3)" >&2
    echo "dpip: already exist" >&2; exit 1; }
    echo "$3 $5" >>addresses ;;
"addr del "*) [ -e broken ] || sed -i "\:^$3 $5$:d" addresses ;;
*"addr show"*) while read -r a d; do
    printf 'inet %%s scope global %%s\n     valid_lft forever preferred_lft forever\n' "$a" "$d"
    done <addresses ;;
esac
"""
IPVSADM = r"""#!/bin/sh
case "$*" in
-ln) echo "IP Virtual Server version 1.10.2 (size=0)"
    echo "Prot LocalAddress:Port Scheduler Flags"
    echo "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn" ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, text in (("dpip", DPIP % tmp_path), ("ipvsadm", IPVSADM)):
        path = tmp_path / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
    return tmp_path


@pytest.fixture
def make(host: Host, home: Path) -> Iterator[Callable[..., Tools]]:
    data = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())
    data["dut"]["dpvs"] |= {"version": "1.10.2", "home": str(home), "conf": str(home / "conf")}
    (home / "bench.yaml").write_text(yaml.safe_dump(data))
    bench = load_bench(home / "bench.yaml")
    topology = load_topology(ROOT / "topologies/fnat-two-arm.yaml")
    deployment = deploy(topology, bench)
    look = Look(host, bench, topology, V1_10_2)

    def operator(mode: WriteMode = WriteMode.WRITABLE) -> Tools:
        gate = WriteGate(host, mode, run="run-1")
        return Tools(host, gate, deployment, V1_10_2, look, [])

    with lock.acquire(host, "the test"):
        yield operator
    # The run's own mark stays until the run ends; no change is left in its journal.
    found = host.run(f"find {journal.ROOT} -name '*.undo'; rm -rf {journal.ROOT}")
    assert found.stdout == ""


def _table(home: Path) -> list[str]:
    path = home / "addresses"
    return path.read_text().splitlines() if path.exists() else []


def test_what_a_check_did_is_taken_back(make: Callable[..., Tools], home: Path) -> None:
    operator = make()
    operator.run(ADD)
    operator.refuses("addr add, existing", ADD)
    assert _table(home) == ["192.0.2.1/32 dpdk3"]
    assert operator.undo() == []
    assert _table(home) == []


def test_what_is_left_is_told(make: Callable[..., Tools], home: Path) -> None:
    operator = make()
    operator.run(ADD)
    (home / "broken").touch()
    assert operator.undo() == ["left over: address 192.0.2.1/32 on dpdk3 scope global"]


def test_what_was_lost_is_told(make: Callable[..., Tools], home: Path) -> None:
    (home / "addresses").write_text("10.0.0.1/32 dpdk0\n")
    operator = make()
    operator.run("dpip addr del 10.0.0.1/32 dev dpdk0", undo="dpip addr show")
    assert operator.undo() == ["lost: address 10.0.0.1/32 on dpdk0 scope global"]


def test_an_undo_is_known_before_the_change(
    make: Callable[..., Tools], host: Host, home: Path
) -> None:
    operator = make()
    operator.run(ADD)
    (left,) = journal.leftovers(host)
    assert [entry.title for entry in left.entries] == [f"a check: {ADD}"]
    kept = host.run(f"cat {journal.ROOT}/journal/run-1/*.undo").stdout
    assert "addr del 192.0.2.1/32 dev dpdk3" in kept
    with pytest.raises(ValueError, match="no inverse known for 'dpip link set dpdk0"):
        operator.attempt("dpip link set dpdk0 promisc on")
    # As --restore does it, which knows nothing of checks.
    assert all(one.ok for one in journal.undo(host, "run-1"))
    assert _table(home) == []
    assert operator.undo() == []


def test_nothing_is_changed_where_nothing_may_be(make: Callable[..., Tools], home: Path) -> None:
    operator = make(WriteMode.READ_ONLY)
    with pytest.raises(NotTested, match="--attach allows no changes"):
        operator.run(ADD)
    with pytest.raises(NotTested, match="--attach allows no changes"):
        operator.configure("ipv4_defs/forwarding", "on", log="{}")
    assert operator.query("dpip addr show").words == ""
    assert operator.undo() == []
    assert _table(home) == []


def test_what_a_tool_does_not_know_is_not_supported(make: Callable[..., Tools]) -> None:
    operator = make()
    with pytest.raises(NotSupported, match=r"`dpip vlan show`: dpip: invalid object"):
        operator.query("dpip vlan show")
    with pytest.raises(NotSupported, match="invalid object"):
        operator.run("dpip vlan add dpdk3.9 link dpdk3 id 9")
    assert operator.undo() == []


def test_a_tool_that_refuses_one_command_and_has_the_object_is_a_failure(
    make: Callable[..., Tools], home: Path
) -> None:
    dpip = home / "bin" / "dpip"
    dpip.write_text(dpip.read_text().replace("*vlan*)", "*'vlan add'*)"))
    operator = make()
    with pytest.raises(AssertionError, match=r"without a word; seen exit 1, .*invalid object"):
        operator.run("dpip vlan add dpdk3.9 link dpdk3 id 9")
    assert operator.undo() == []


def test_a_bring_up_is_excused_only_by_what_a_tool_lacks(host: Host, home: Path) -> None:
    add = f"{home}/bin/dpip vlan add dpdk3.9 link dpdk3 id 9"
    said = "dpip: invalid object, use `-h' for help."
    assert lacking_option(host, add, said).splitlines() == [
        f"`dpip vlan add dpdk3.9 link dpdk3 id 9`: {said}",
        f"probed: `dpip vlan help`: {said}, while `dpip link show` works",
    ]
    dpip = home / "bin" / "dpip"
    dpip.write_text(dpip.read_text().replace("*vlan*)", "*'vlan add'*)"))
    assert lacking_option(host, add, said) == ""
    assert lacking_option(host, add, "dpip: not exist") == ""


def test_a_command_that_ends_otherwise_is_told_as_it_was_typed(
    make: Callable[..., Tools],
) -> None:
    operator = make()
    with pytest.raises(
        AssertionError, match=r"`dpip addr add 192\.0\.2\.1/32 dev dpdk3`: expected "
    ):
        operator.refuses("addr add, existing", ADD)
    operator.undo()
    operator.run(ADD)
    with pytest.raises(AssertionError, match=r"without a word; seen exit 1, .*already exist"):
        operator.run(ADD)
    assert operator.undo() == []


# What DPVS does of it: it tells of the signal, then of each keyword that it knows, from the file.
RELOADING = r"""
cd %s; touch log
(trap 'echo "CFG_FILE: Got signal SIGHUP." >>log
    echo "CFG_FILE: Opening configuration file" >>log; cp conf seen
    ! grep -q defence_udp_drop conf || echo "IPVS: defence_udp_drop ON" >>log' HUP
touch ready; n=0; while [ $n -lt 3000 ]; do n=$((n+1)); sleep 0.02; done) >/dev/null 2>&1 &
echo $! >pid; cp pid process
(trap '' HUP; exec sleep 60) >/dev/null 2>&1 &
echo $! >deaf; until [ -e ready ]; do sleep 0.02; done
"""
DEFENCE = "ipvs_defs/udp/defence_udp_drop"


@pytest.fixture
def reloading(make: Callable[..., Tools], host: Host, home: Path) -> Iterator[Tools]:
    (home / "conf").write_text("global_defs {\n}\n")
    operator = make()
    operator._paths = (str(home / "conf"), str(home / "pid"), str(home / "log"))
    host.run(RELOADING % home)
    yield operator
    host.run(f"kill $(cat {home}/process {home}/deaf)")


def test_a_keyword_is_set_and_read_and_taken_back(reloading: Tools, home: Path) -> None:
    before = (home / "conf").read_text()
    reloading.configure(DEFENCE, log="defence_udp_drop ON")
    added = "\nipvs_defs {\nudp {\ndefence_udp_drop\n}\n}\n"
    assert (home / "seen").read_text() == before + added
    assert reloading.undo() == []
    assert (home / "conf").read_text() == (home / "seen").read_text() == before


def test_a_keyword_that_the_log_does_not_tell_of_is_not_supported(
    reloading: Tools, home: Path
) -> None:
    with pytest.raises(NotSupported, match=r"defence_tcp_drop, then SIGHUP.*not logged in time"):
        reloading.configure("ipvs_defs/tcp/defence_tcp_drop", log="defence_tcp_drop ON")
    assert reloading.undo() == []
    assert (home / "conf").read_text() == (home / "seen").read_text() == "global_defs {\n}\n"


def test_a_dpvs_that_reads_nothing_again_is_not_waited_for(reloading: Tools, home: Path) -> None:
    (home / "pid").write_text((home / "deaf").read_text())
    with pytest.raises(NotSupported, match="no SIGHUP"):
        reloading.configure(DEFENCE, log="defence_udp_drop ON")
    assert reloading.undo() == []
    assert (home / "conf").read_text() == "global_defs {\n}\n"
