"""A topology that a forwarding mode does not support gives one sentence, with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import load_topology
from reports.topologies import documented
from tests.model.test_bad_declarations import ROOT, written

OWN = '    own: {address: 10.0.96.12, address6: "2001:db8:96::12"}\n'
SERVERS = "    real_servers: [{name: rs1, port: 80}"


@pytest.mark.parametrize("path", documented(), ids=lambda p: p.stem)
def test_each_topology_that_comes_with_the_suite_is_whole(path: Path) -> None:
    topology = load_topology(path)
    assert topology.name == path.stem
    assert topology.vip_clients or not topology.services


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "words"),
    [
        (
            "dr-one-arm",
            OWN,
            "",
            "services.0.real_servers.0.name",
            "DPVS has no IPv4 address on link wan",
        ),
        (
            "tunnel-one-arm",
            OWN,
            "",
            "services.0.real_servers.0.name",
            "the source address of the tunnel",
        ),
        ("nat-one-arm", OWN, "", "services.0.real_servers.0.name", "need it as their next hop"),
        (
            "dr-one-arm",
            SERVERS,
            "    local_addresses: [10.0.96.241]\n" + SERVERS,
            "services.0.local_addresses",
            "'web' is DR: only FullNAT has local addresses (LIP)",
        ),
        ("dr-one-arm", "port: 80}", "port: 8080}", "real_servers.0.port", "does not change"),
        ("tunnel-one-arm", "port: 80}", "port: 81}", "real_servers.0.port", "must listen on 80"),
        (
            "dr-one-arm",
            ', address6: "2001:db8:96::151"',
            "",
            "services.1.real_servers",
            "rs1 has no IPv6 address: only FullNAT can have IPv4 real servers behind an IPv6 VIP",
        ),
        (
            "fnat-two-arm-ipv6",
            ', address6: "fd00:229::1"',
            "",
            "services.0.real_servers",
            "uses IPv6 to its real servers, but rs1 has no IPv6 address",
        ),
        (
            "fnat-one-arm",
            "[10.0.96.241, 10.0.96.242]",
            '["2001:db8:96::241"]',
            "services.0.local_addresses",
            "IPv6 real servers behind an IPv4 VIP",
        ),
        (
            "fnat-one-arm",
            "[10.0.96.241, 10.0.96.242]",
            '[10.0.96.241, "2001:db8:96::241"]',
            "services.0.local_addresses",
            "has LIPs of both families",
        ),
        (
            "synproxy",
            "protocol: tcp",
            "protocol: udp",
            "services.0.synproxy",
            "synproxy requires TCP and FullNAT",
        ),
        (
            "synproxy",
            "name: web6",
            "name: web",
            "services.1.name",
            "two services have the name 'web'",
        ),
        ("nat-one-arm", "address: 10.0.96.12,", "address: 10.9.9.9,", "wan.own", "10.9.9.9 is not"),
        ("vlan", "vlan: 96", "vlan: 4095", "links.wan.vlan", "expected at most 4094"),
        (
            "snat-two-arm",
            "sources: [192.168.229.0, 192.168.229.255]",
            "sources: [192.168.229.9, 192.168.229.1]",
            "snat.0.sources",
            "192.168.229.9 is above the last, 192.168.229.1",
        ),
        (
            "snat-two-arm",
            "sources: [192.168.229.0, 192.168.229.255]",
            "sources: [192.168.230.0, 192.168.230.255]",
            "snat.0.sources",
            "no client has an address from 192.168.230.0",
        ),
        ("snat-two-arm", "outgoing: wan", "outgoing: wam", "snat.0.outgoing", "no link 'wam'"),
        ("snat-two-arm", "outgoing: wan", "outgoing: lan", "snat.0.pool", "not in a network of la"),
        (
            "snat-two-arm",
            "{address: 10.0.96.210}",
            "{address: 10.0.97.210}",
            "snat.0.pool.0",
            "10.0.97.210 is not in a network of wan",
        ),
        (
            "snat-two-arm",
            "    own: {address: 192.168.229.12}",
            "   ",
            "clients.client1.link",
            "DPVS has no address on link lan",
        ),
        (
            "checklist",
            "{link: lan, address: 192.168.229.101}",
            "{link: wan, address: 10.0.96.9}",
            "snat.0.sources",
            "no client has an address from 192.168.229.0",
        ),
    ],
)
def test_what_a_mode_cannot_do_is_said(
    tmp_path: Path, name: str, old: str, new: str, key: str, words: str
) -> None:
    path, _ = written(tmp_path, ROOT / f"topologies/{name}.yaml", old, new)
    with pytest.raises(DeclarationError) as caught:
        load_topology(path)
    assert key in str(caught.value)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")
