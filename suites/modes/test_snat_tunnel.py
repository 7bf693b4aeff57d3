"""Hosts behind a gre tunnel reach servers outside by an address of the device's (V172-24).

As DPVS's scripts/setup.snat-gre.sample.sh has it. The host's station makes the carriers itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.connection import Arm, SocketAddress
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.modes.gre import Gre
from dpvs_acceptance.traffic.modes.snat import SourceNat
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from dpvs_acceptance.traffic.tunnelled import TunnelledStation
from fixtures.operator import OWN, Operator
from fixtures.traffic import Clients
from fixtures.tunnels import PEER, tunnel_mac, tunnel_to

HTTP, ECHO = 80, 8053  # what every real server listens on, as the topologies' services say
GET = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"
SOURCES = "198.18.253.0-198.18.253.255"  # what is behind the tunnel
COUNT = 3

pytestmark = [pytest.mark.requirement("V172-24"), pytest.mark.traffic]


def test_a_host_behind_a_gre_tunnel_reaches_the_outside_by_tcp(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    snat_tcp_name: str,
) -> None:
    """Steps: a gre device towards an inner host, and the rule again for what is behind it; from
    there, inside of GRE, a request to a server outside, captured at both.

    Verify: 200; at the server it comes from the rule's address, out of its carrier; the answers
    are in carriers to the host; every other field of every packet, both ways, is as SNAT makes it.
    """
    with _behind(snat_tcp_name, operator, scene, clients, deployment) as behind:
        outside, source = SocketAddress(behind.outside, HTTP), behind.source(clients)
        with scene.watch(behind.client, captures) as watch:
            with CraftedTcp(behind.station, source, outside, behind.mac) as connection:
                connection.connect()
                answer = connection.request(GET)
                connection.close()
            sent = sum(frame.outgoing for frame in connection.capture.frames)
            arriving = Match(outgoing=False, dport=HTTP)
            watch.captures[behind.server].wait_for(arriving, sent, 1.0)
    assert b" 200 " in answer[:15], f"{outside} says {answer[:60]!r}"
    followed = behind.mode.tcp(watch.client_views, watch.server_views, source)
    assert not followed.findings, str(followed)


def test_a_host_behind_a_gre_tunnel_reaches_the_outside_by_udp(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    snat_udp_name: str,
) -> None:
    """Steps: the same with three datagrams. Verify: each is answered; the rest as for TCP."""
    with _behind(snat_udp_name, operator, scene, clients, deployment) as behind:
        source, station = behind.source(clients), behind.station
        ends = frames.Ends(station.mac, behind.mac, source.address, behind.outside)
        sent = [frames.udp(ends, source.port, ECHO, b"%d" % n, ip_id=n) for n in range(COUNT)]
        answers = Match(outgoing=False, src=behind.outside, sport=ECHO, dport=source.port)
        with scene.watch(behind.client, captures) as watch, station.capture() as inside:
            came = station.exchange(inside, sent, answers, count=COUNT)
    assert came.enough, f"{behind.outside}: {len(came.frames)} of {COUNT} datagrams answered"
    followed = behind.mode.udp(watch.client_views, watch.server_views, source)
    assert not followed.findings, str(followed)


def test_a_host_behind_a_gre_tunnel_pings_the_outside(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    snat_icmp_name: str,
) -> None:
    """Steps: the same with three echo requests. Verify: each is answered once; the rest as for TCP,
    identifier, sequence number and payload as the host sent them."""
    with (
        _behind(snat_icmp_name, operator, scene, clients, deployment) as behind,
        scene.watch(behind.client, captures) as watch,
    ):
        station, outside = behind.station, behind.outside
        result = ping(station, outside, mac=behind.mac, source=PEER, count=COUNT)
    assert not result.problems, f"ping {outside}: " + "\n".join(result.problems)
    followed = behind.mode.echoes(watch.client_views, watch.server_views, PEER, behind.server)
    assert not followed.findings, str(followed)


@dataclass(frozen=True, slots=True)
class Behind:
    """The host behind the tunnel: whose station it is, its next hop, what SNAT makes of it."""

    client: str
    station: TunnelledStation
    mac: str
    mode: SourceNat
    server: str
    outside: str

    def source(self, clients: Clients) -> SocketAddress:
        return SocketAddress(PEER, clients.flow(self.client).port)


@contextmanager
def _behind(
    rule_name: str, operator: Operator, scene: Scene, clients: Clients, deployment: Deployment
) -> Iterator[Behind]:
    topology = deployment.topology
    rule = topology.snat_rule(rule_name)
    client, remote = clients.crafter(among=topology.inner_hosts)
    station = scene.stations[client]
    server, machine = next(iter(topology.real_servers.items()))
    with station.own(remote):
        tunnel = tunnel_to("gre", client, remote, operator, deployment)
        out = deployment.device(rule.outgoing)
        of = f"-H proto={rule.protocol},src-range={SOURCES},oif={out}"
        operator.does(f"ipvsadm -A {of} -s rr")
        operator.does(f"ipvsadm -a {of} -r {rule.pool[0].address}:0 -w 100 -J", undo=OWN)
        gre, mac = Gre(tunnel.local, tunnel.remote), tunnel_mac(station, tunnel)
        mode = scene.mode(rule, client)
        assert isinstance(mode, SourceNat)
        mode = replace(mode, gre=gre, arms=replace(mode.arms, wan=Arm(mac)))
        inside = TunnelledStation(station, gre)
        yield Behind(client, inside, mac, mode, server, str(machine.address))
