"""For what a check runs, on the project's own topologies."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.topology import Topology, load_topology
from dpvs_acceptance.testbed.selecting import (
    Selector,
    clients,
    families,
    inner_hosts,
    links,
    paths,
    rules,
    servers,
    services,
    vips,
)

ROOT = Path(__file__).parents[2]


def topology(name: str) -> Topology:
    return load_topology(ROOT / "topologies" / f"{name}.yaml")


@pytest.mark.parametrize(
    ("selector", "name", "wanted"),
    [
        (clients, "fnat-two-arm", ["client1", "client2"]),
        (clients.having(remote=True), "fnat-two-arm", ["client2"]),
        (clients.one, "fnat-two-arm", ["client1"]),
        (servers, "fnat-two-arm", ["rs1", "rs2"]),
        (services, "fnat-two-arm", ["web", "web6", "echo"]),
        (services.having(toa=True), "fnat-two-arm", ["web", "web6"]),
        (services.having(protocol=("tcp", "udp"), family=4), "fnat-two-arm", ["web", "echo"]),
        (services.having(mode="dr"), "fnat-two-arm", []),
        (services.having(family=4).having(protocol="udp"), "fnat-two-arm", ["echo"]),
        (services.one_per("family"), "fnat-two-arm", ["web", "web6"]),
        (services.one_per("mode"), "fnat-two-arm", ["web"]),
        (vips.having(family=6), "fnat-two-arm", ["2001:db8:96::204"]),
        (links, "fnat-two-arm", ["wan", "lan"]),
        (families.having(family=6), "fnat-two-arm", ["IPv6"]),
        (inner_hosts, "fnat-two-arm", []),
        (rules, "fnat-two-arm", []),
    ],
)
def test_a_selection_is_what_the_topology_has_of_it(
    selector: Selector, name: str, wanted: list[str]
) -> None:
    assert [one.name for one in selector.of(topology(name))] == wanted


def test_services_that_change_the_family_or_proxy_syns_are_not_plain() -> None:
    nat64, proxied = topology("nat64"), topology("synproxy")
    assert services.having(nat64=True).of(nat64)
    assert not services.having(nat64=True, toa=True).of(nat64)
    assert services.having(synproxy=True).of(proxied)
    assert not services.having(synproxy=True, plain=True).of(proxied)


def test_hosts_behind_snat_are_no_clients_of_the_vips() -> None:
    snat = topology("snat-two-arm")
    inner = {one.name for one in inner_hosts.of(snat)}
    assert inner
    assert not inner & {one.name for one in clients.of(snat)}
    assert {one.facts["protocol"] for one in rules.of(snat)} >= {"tcp", "udp", "icmp"}


def test_paths_are_those_between_ports_and_within_one() -> None:
    two_arms = [
        one.facts["crossing"] for one in paths.having(family=4).of(topology("fnat-two-arm"))
    ]
    one_arm = [one.facts["crossing"] for one in paths.having(family=4).of(topology("checklist"))]
    assert (two_arms, one_arm) == (["another port"], ["the same port"])


def test_a_vlan_is_a_fact_of_its_link_and_of_its_vips() -> None:
    vlan = topology("vlan")
    on_vlan = {one.name for one in links.having(vlan=True).of(vlan)}
    assert on_vlan
    assert {one.facts["link"] for one in vips.having(vlan=True).of(vlan)} <= on_vlan


def test_a_fact_that_the_kind_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError, match="colour"):
        services.having(colour="green").of(topology("fnat-two-arm"))
