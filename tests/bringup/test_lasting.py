"""What is told to a DPVS that stays up is taken back command by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.bringup.daemon import ENDS_WITH_DPVS
from dpvs_acceptance.bringup.lasting import STAGES, DpvsChange, lasting, taken_back
from dpvs_acceptance.bringup.plan import make_plan
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]
BIN = "/opt/dpvs/bin"


@pytest.mark.parametrize(
    ("commands", "undone"),
    [
        (
            [
                f"{BIN}/ipvsadm -A -t 10.0.0.1:80 -s rr",
                f"{BIN}/ipvsadm -a -t 10.0.0.1:80 -r 2:80 -b",
            ],
            [f"{BIN}/ipvsadm -d -t 10.0.0.1:80 -r 2:80", f"{BIN}/ipvsadm -D -t 10.0.0.1:80"],
        ),
        (
            [f"{BIN}/ipvsadm --add-laddr -z 10.0.0.9 -t 10.0.0.1:80 -F dpdk0"],
            [
                f"{BIN}/ipvsadm --del-laddr -z 10.0.0.9 -t 10.0.0.1:80 -F dpdk0",
                f"{BIN}/dpip addr del 10.0.0.9/32 dev dpdk0",
            ],
        ),
        (
            [f"{BIN}/dpip addr add 10.0.0.1/32 dev dpdk0"],
            [f"{BIN}/dpip addr del 10.0.0.1/32 dev dpdk0"],
        ),
        (
            [f"{BIN}/dpip -6 route add default via 2001:db8::1 dev dpdk0"],
            [f"{BIN}/dpip -6 route del default via 2001:db8::1 dev dpdk0"],
        ),
        (
            ["ip link set dpdk0.kni up", "ip addr replace 10.0.0.8/24 dev dpdk0.kni nodad"],
            ["ip addr del 10.0.0.8/24 dev dpdk0.kni", "ip link set dpdk0.kni down"],
        ),
    ],
)
def test_each_command_has_its_inverse_last_first(commands: list[str], undone: list[str]) -> None:
    assert taken_back(commands) == "; ".join([*undone, ":"])


@pytest.mark.parametrize("name", ["fnat-two-arm", "services-200"])
def test_all_that_is_told_to_dpvs_can_be_taken_back(name: str) -> None:
    """And that alone is changed: what stays up keeps the undo that ends DPVS."""
    topology = load_topology(ROOT / "topologies" / f"{name}.yaml")
    bench = load_bench(ROOT / "benches" / "lb01.example.yaml")
    plan = make_plan(deploy(topology, bench), facts(Version.parse(bench.dut.dpvs.version)))
    told = [one for s in plan.dut if s.name not in STAGES for one in s.changes]
    assert told
    assert {one.undo for one in told} == {ENDS_WITH_DPVS}
    for one, other in zip(told, lasting(told), strict=True):
        assert isinstance(one, DpvsChange)
        assert other.undo not in (ENDS_WITH_DPVS, "", None), one.id
        assert (other.apply, other.id) == (one.apply, one.id)
    peers = [one for s in plan.peers for one in s.changes]
    assert lasting(peers) == tuple(peers)


def test_a_change_without_an_inverse_keeps_its_undo() -> None:
    plain = Change(id="a", title="a", undo="x", apply="y")
    odd = DpvsChange(id="b", title="b", undo=ENDS_WITH_DPVS, apply="dpip link set dpdk0 promisc on")
    assert lasting([plain, odd]) == (plain, odd)
