"""The VIP answers ICMP echo and ARP, and only the VIP does (deployment guide, 3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.testbed import Client, LoadBalancer, RealServer, Vip, clients, vips
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable
from fixtures.checks import for_each, requirement

COUNT = 20

pytestmark = pytest.mark.traffic


@requirement("S29", "IP4-04", core=True, family=4)
@requirement("S35", "IP6-04", core=True, family=6)
@for_each(client=clients, vip=vips)
def test_the_vip_answers_icmp_echo(client: Client, vip: Vip) -> None:
    """Steps: 20 echo requests from the client, captured there.

    Verify: each answered once, from the port's MAC (or the client's router's), payload and
    checksums right. The round-trip times are kept as evidence.
    """
    echoes = client.ping(vip, COUNT, gap_ms=5)
    assert echoes.exact, echoes.report


@requirement("S29")
@for_each(vip=vips.having(family=4))
def test_no_other_address_is_answered_for(lb: LoadBalancer, client: Client, vip: Vip) -> None:
    """Steps: ARP requests on the VIP's own link, for the VIP and for an unused address.

    Verify: the port answers for the VIP (positive control), and not for the other address.
    """
    client = client.on_link(vip.link)
    mac = vip.link.port.nic.mac
    hosts = (str(a) for a in reversed(list(vip.link.declared.network.hosts())))
    unused = next(a for a in hosts if a not in _in_use(lb.deployment))
    with client.watch():
        seen = client.station.resolve(vip.address)
        answered = client.station.resolve(unused, deadline=0.5)
    if mac not in seen:
        raise Inconclusive(f"ARP for the VIP {vip}: {mac} expected, {seen or 'none'} seen")
    assert mac not in answered, f"{mac} answers ARP for {unused}, which is not its address"


@requirement("S25")
@for_each(vip=vips.having(family=4))
def test_the_vip_is_on_no_other_link(
    lb: LoadBalancer, client: Client, server: RealServer, vip: Vip
) -> None:
    """Steps: ARP requests on the link of the real servers, for a LIP and for the VIP.

    Verify: the lan port answers for the LIP (positive control), and not for the VIP: DPVS answers
    for an address only on the port that has it.
    """
    owned = lb.deployment.addresses
    lip = next(o for o in owned if o.use == "lip" and o.address.version == 4)
    mac = lb.deployment.lip_port(lip.address).nic.mac
    port = next(o.port for o in owned if str(o.address) == vip.address)
    if mac == next(p.nic.mac for p in lb.deployment.ports if p.name == port):
        raise NotApplicable("VIP and LIP are on one port: there is no other link")
    with client.watch():
        seen = server.station.resolve(str(lip.address))
        answered = server.station.resolve(vip.address, deadline=0.5)
    if mac not in seen:
        raise Inconclusive(
            f"ARP for the LIP {lip.address}: {mac} expected, {seen or 'no answer'} seen"
        )
    assert mac not in answered, f"{lip.port} ({mac}) answers ARP for the VIP {vip}, too"


def _in_use(deployment: Deployment) -> set[str]:
    """Every address that the topology or the bench assigns."""
    topology = deployment.topology
    machines = (*topology.clients.values(), *topology.real_servers.values())
    links = topology.links.values()
    crafted = [client.crafted_address for client in deployment.bench.clients.values()]
    assigned = [
        *(owned.address for owned in deployment.addresses),
        *(address for machine in machines for address in machine.both),
        *(address for link in links if link.kni for address in link.kni.both),
        *(gateway for link in links for gateway in link.gateways),
        *crafted,
    ]
    return set(map(str, assigned))
