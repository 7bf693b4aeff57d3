"""What is derived once from topology and bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]


@pytest.fixture
def deployment() -> Deployment:
    return deploy(
        load_topology(ROOT / "topologies/fnat-two-arm.yaml"),
        load_bench(ROOT / "benches/lb01.example.yaml"),
    )


def test_ports_follow_the_pci_order_not_the_order_of_the_file(deployment: Deployment) -> None:
    reversed_bench = deployment.bench.model_copy(
        update={
            "dut": deployment.bench.dut.model_copy(
                update={"nics": tuple(reversed(deployment.bench.dut.nics))}
            )
        }
    )
    for placed in (deployment, deploy(deployment.topology, reversed_bench)):
        assert [(p.name, p.link) for p in placed.ports] == [("dpdk0", "lan"), ("dpdk1", "wan")]


def test_icmp_goes_to_the_last_worker_where_there_are_two(deployment: Deployment) -> None:
    assert [(w.queue, w.icmp_redirect) for w in deployment.workers] == [(0, False), (1, True)]


def test_routes_are_those_of_the_article(deployment: Deployment) -> None:
    listed = {(str(r.destination), r.port, r.scope) for r in deployment.routes}
    assert {
        ("192.168.229.204/32", "dpdk0", "host"),
        ("10.0.96.204/32", "dpdk1", "host"),
        ("10.0.96.0/24", "dpdk1", "link"),
        ("192.168.229.0/24", "dpdk0", "link"),
        ("0.0.0.0/0", "dpdk1", "global"),
        ("10.0.96.28/32", "dpdk1", "kni_host"),
    } <= listed


def test_without_kni_no_kni_route_is_expected(deployment: Deployment) -> None:
    bare = deploy(deployment.topology, deployment.bench, kni=False)
    assert not [r for r in bare.routes if r.scope == "kni_host"]


def test_a_lip_shared_by_two_services_is_expected_once(deployment: Deployment) -> None:
    lips = [a for a in deployment.addresses if a.use == "lip"]
    assert [str(lip.address) for lip in lips] == ["192.168.229.204", "fd00:229::204"]


def test_targets_are_of_the_family_of_the_local_addresses(deployment: Deployment) -> None:
    web6 = deployment.topology.service("web6")
    assert [str(t.address) for t in deployment.targets(web6)] == ["fd00:229::1", "fd00:229::2"]
