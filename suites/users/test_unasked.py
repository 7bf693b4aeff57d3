"""What must not occur: ports and addresses that answer, extra packets, changed fields."""

from __future__ import annotations

import random

import pytest

from dpvs_acceptance.testbed import (
    Client,
    Link,
    LoadBalancer,
    Service,
    Users,
    Vip,
    links,
    services,
    vips,
)
from dpvs_acceptance.testbed.probing import answers_of_ports, owners_of_addresses
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, UdpFlow
from dpvs_acceptance.verdict.causes import Inconclusive, NotTested
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic

# Of management and of other servers, and besides these some hundreds by chance.
KNOWN_PORTS = (1, 7, 21, 22, 23, 25, 53, 81, 111, 123, 161, 179, 443, 2375, 3306, 6379, 8080, 9100)
BY_CHANCE, MOST_ADDRESSES = 400, 254
MARKS = (0x28, 0xB8, 0xE0)  # DSCP AF11, EF, CS7
ECN = (0x01, 0x02, 0x03, 0xBB)


@requirement("USR-09", core=True)
@for_each(vip=vips)
def test_ports_without_a_service_do_not_answer(
    lb: LoadBalancer, client: Client, vip: Vip, random_seed: int
) -> None:
    """Steps: a SYN and a datagram to some hundred ports of the VIP, and a SYN to each service.

    Verify: the services answer (positive control), nothing else comes back.
    """
    tcp, udp = (
        {s.port for s in lb.topology.services if (str(s.vip), s.protocol) == (str(vip), protocol)}
        for protocol in ("tcp", "udp")
    )
    chance = random.Random(random_seed).sample(range(1, 65536), BY_CHANCE)  # noqa: S311
    probed = {*KNOWN_PORTS, *chance}
    answers = answers_of_ports(client, vip.address, probed | tcp, probed - udp)
    missing = [port for port in tcp if f"tcp {port}" not in answers]
    if missing:
        raise Inconclusive(f"{vip} does not answer at its services' ports {missing}")
    for port in tcp:
        del answers[f"tcp {port}"]
    assert not answers, (
        f"{vip} answers at {', '.join(answers)} without a service (random seed {random_seed}): "
        + "\n".join(answers.values())
    )


@requirement("USR-09", core=True)
@for_each(link=links)
def test_only_declared_addresses_are_answered_for(
    users: Users, lb: LoadBalancer, link: Link
) -> None:
    """Steps: send an ARP request for every address of the link (254 at most).

    Verify: the load balancer's port answers for its own addresses on this link (positive control)
    and for no other.
    """
    station, source = users.station_on(link)
    network = link.declared.network
    if network is None:
        raise NotTested(f"{link} has no IPv4 network")
    devices = (link.device, link.port.name)
    own = {str(o.address) for o in lb.deployment.addresses if o.port in devices}
    addresses = [str(a) for a in network.hosts()][:MOST_ADDRESSES]
    owners = owners_of_addresses(station, source, [*addresses, *sorted(own)])
    ports = {port.nic.mac for port in lb.deployment.ports}
    answered = {address for address, macs in owners.items() if macs & ports}
    kni = {str(a) for a in (link.declared.kni.both if link.declared.kni else ())}
    if not answered & own:
        raise Inconclusive(f"{link}: ARP for none of {', '.join(sorted(own))} is answered")
    strange = sorted(answered - own - kni)
    assert not strange, f"{link}: {', '.join(sorted(ports))} answers ARP for {', '.join(strange)}"


@requirement("USR-10", core=True)
@for_each(service=services)
def test_dscp_and_ecn_arrive_as_sent(users: Users, service: Service) -> None:
    """Steps: flows with several DSCP values; datagrams also with each ECN value.

    Verify: each packet has them on the other side; all other fields are as the mode defines them.
    """
    if service.declared.protocol == "tcp":
        served = users.talk(service, [Dialogue(tos=tos) for tos in MARKS])
        assert served.exact, served.report
    else:
        flows = [UdpFlow((Datagram(8),), tos=tos) for tos in (*MARKS, *ECN)]
        wire = users.talk(service, udp=flows).on_wire
        assert not wire.wrong, wire.wrong[0]
