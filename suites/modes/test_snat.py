"""Hosts inside reach servers outside by an address of the device's (FWD-14, FWD-15)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.modes.snat import SourceNat
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.udp import exchange
from fixtures.traffic import Clients

pytestmark = [pytest.mark.requirement("every mode"), pytest.mark.traffic]

HTTP, ECHO = 80, 8053  # what every real server listens on, as the topologies' services say
DATAGRAMS = 3
ECHOES = 5


@pytest.mark.requirement("FWD-14")
def test_a_host_inside_reaches_the_outside_by_tcp(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    inner_name: str,
    server_name: str,
    snat_tcp_name: str,
) -> None:
    """Steps: a request of the host inside to a server outside, captured at both.

    Verify: 200; outside it comes from an address of the rule's pool; every other field of every
    packet, both ways, is as SNAT makes it.
    """
    rule = deployment.topology.snat_rule(snat_tcp_name)
    outside = SocketAddress(str(deployment.topology.real_servers[server_name].address), HTTP)
    with scene.watch(inner_name, captures) as watch:
        (answer,) = clients.curl(inner_name, f"http://{outside}/")
        watch.settle(outside)
    assert answer.status == 200, f"http://{outside}/ from {inner_name}: {answer}"
    assert answer.local, f"no connection to {outside}: {answer}"
    mode = scene.mode(rule, inner_name)
    followed = mode.tcp(watch.client_views, watch.server_views, answer.local)
    assert not followed.findings, str(followed)


@pytest.mark.requirement("FWD-14")
def test_a_host_inside_reaches_the_outside_by_udp(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    inner_name: str,
    server_name: str,
    snat_udp_name: str,
) -> None:
    """Steps: three datagrams of the host inside to a server outside. Verify: as for TCP."""
    rule = deployment.topology.snat_rule(snat_udp_name)
    outside = SocketAddress(str(deployment.topology.real_servers[server_name].address), ECHO)
    payloads = [clients.flow(inner_name).tag for _ in range(DATAGRAMS)]
    with scene.watch(inner_name, captures) as watch:
        station, port_range = scene.stations[inner_name], clients.port_range(inner_name)
        result = exchange(station, outside, payloads, source_ports=port_range)
    assert result.answered == DATAGRAMS, f"{outside}: {result.answered} of {DATAGRAMS} answered"
    mode = scene.mode(rule, inner_name)
    followed = mode.udp(watch.client_views, watch.server_views, result.local)
    assert not followed.findings, str(followed)


@pytest.mark.requirement("FWD-15")
def test_a_host_inside_pings_the_outside(
    scene: Scene,
    captures: Path,
    deployment: Deployment,
    inner_name: str,
    server_name: str,
    snat_icmp_name: str,
) -> None:
    """Steps: five echo requests of the host inside to a server outside, captured at both.

    Verify: each is answered once; outside they come from the rule's address; identifier, sequence
    number, payload and all else are as the host sent them.
    """
    rule = deployment.topology.snat_rule(snat_icmp_name)
    outside = str(deployment.topology.real_servers[server_name].address)
    station = scene.stations[inner_name]
    with scene.watch(inner_name, captures) as watch:
        result = ping(station, outside, mac=scene.next_hop(inner_name, outside), count=ECHOES)
    assert not result.problems, f"ping {outside} from {inner_name}: " + "\n".join(result.problems)
    mode = scene.mode(rule, inner_name)
    assert isinstance(mode, SourceNat)
    inner = str(deployment.topology.clients[inner_name].address)
    followed = mode.echoes(watch.client_views, watch.server_views, inner, server_name)
    assert not followed.findings, str(followed)
