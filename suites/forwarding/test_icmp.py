"""The VIP answers ICMP echo (seed 3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable, NotTested

COUNT = 20

pytestmark = pytest.mark.traffic


@pytest.mark.requirement("S29", "IP4-04")
def test_the_vip_answers_icmp_echo(
    scene: Scene, captures: Path, client_name: str, vip4: str
) -> None:
    """Steps: 20 echo requests from the client, captured there.

    Verify: each answered once, from the port's MAC (or the client's router's), payload and
    checksums right. The round-trip times are kept as evidence.
    """
    _ping(scene, captures, client_name, vip4)


@pytest.mark.requirement("S35", "IP6-04")
def test_the_ipv6_vip_answers_icmp_echo(
    scene: Scene, captures: Path, client_name: str, vip6: str
) -> None:
    """Steps: as for IPv4, with ICMPv6. Verify: the same."""
    _ping(scene, captures, client_name, vip6)


@pytest.mark.requirement("S29")
def test_nobody_else_is_answered_for(
    scene: Scene, captures: Path, deployment: Deployment, vip4: str
) -> None:
    """Steps: ask by ARP, on the VIP's own link, for the VIP and for an address that nobody has.

    Verify: the port answers for the VIP (the positive control), and not for the other.
    """
    topology = deployment.topology
    link = next(name for name, vips in topology.vips.items() if vip4 in map(str, vips))
    on_link = [name for name, client in topology.clients.items() if client.link == link]
    if not on_link:
        raise NotTested(f"no client of the bench is on the VIP's own link {link}")
    station, mac = scene.stations[on_link[0]], deployment.port(link).nic.mac
    others = (str(a) for a in reversed(list(topology.links[link].network.hosts())))
    nobody = next(a for a in others if a not in _owned(deployment))
    with scene.watch(on_link[0], captures):
        seen, answered = station.resolve(vip4), station.resolve(nobody, deadline=0.5)
    if mac not in seen:
        raise Inconclusive(
            f"ARP for the VIP {vip4} is answered by {seen or 'nobody'}, not by {mac}"
        )
    assert mac not in answered, f"{mac} answers ARP for {nobody}, which is not its address"


@pytest.mark.requirement("S25")
def test_the_vip_is_on_no_other_link(
    scene: Scene, captures: Path, deployment: Deployment, vip4: str
) -> None:
    """Steps: ask by ARP, on the link of the real servers, for a LIP and for the VIP.

    Verify: the lan port answers for the LIP (the positive control), and not for the VIP: dpvs
    answers on the port that has the address, and on that alone.
    """
    lip = next(o for o in deployment.addresses if o.use == "lip" and o.address.version == 4)
    mac = deployment.lip_port(lip.address).nic.mac
    if mac == next(p.nic.mac for p in deployment.ports if p.name == _port_of(deployment, vip4)):
        raise NotApplicable("VIP and LIP are on one port: there is no other link")
    name = next(iter(deployment.topology.real_servers))
    station = scene.stations[name]
    with scene.watch(next(iter(deployment.topology.clients)), captures):
        seen = station.resolve(str(lip.address))
        answered = station.resolve(vip4, deadline=0.5)
    if mac not in seen:
        raise Inconclusive(
            f"ARP for the LIP {lip.address} is answered by {seen or 'nobody'}, not {mac}"
        )
    assert mac not in answered, f"{lip.port} ({mac}) answers ARP for the VIP {vip4}, too"


def _port_of(deployment: Deployment, address: str) -> str:
    return next(owned.port for owned in deployment.addresses if str(owned.address) == address)


def _owned(deployment: Deployment) -> set[str]:
    """Every address that the topology or the bench gives to somebody."""
    topology = deployment.topology
    machines = (*topology.clients.values(), *topology.real_servers.values())
    links = topology.links.values()
    crafted = [client.crafted_address for client in deployment.bench.clients.values()]
    owned = [
        *(owned.address for owned in deployment.addresses),
        *(address for machine in machines for address in machine.both),
        *(address for link in links if link.kni for address in link.kni.both),
        *(gateway for link in links for gateway in link.gateways),
        *crafted,
    ]
    return set(map(str, owned))


def _ping(scene: Scene, captures: Path, client: str, vip: str) -> None:
    mac = scene.next_hop(client, vip)
    result = ping(scene.stations[client], vip, mac=mac, count=COUNT, gap_ms=5)
    write_pcap(captures / f"{client}.pcap", result.frames)
    rtts = {"vip": vip, "client": client, "seconds": list(result.rtts)}
    (captures / "rtt.json").write_text(json.dumps(rtts))
    assert not result.problems, f"ping {vip} from {client}: " + "\n".join(result.problems)
