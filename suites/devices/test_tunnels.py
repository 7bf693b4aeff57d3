"""Tunnel devices of DPVS itself: what they carry is taken out and put in (DEV-06, DEV-07)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.carried import Tunnel, ping_through
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.station import Station
from fixtures.operator import Operator
from fixtures.traffic import Clients

pytestmark = pytest.mark.traffic

# Nobody else's: of the network that is set aside for tests of devices (RFC 2544).
INNER, PEER = "198.18.253.1", "198.18.253.2"
COUNT = 5


@pytest.mark.requirement("DEV-06")
def test_a_gre_tunnel_carries_packets_both_ways(
    operator: Operator, scene: Scene, clients: Clients, deployment: Deployment, captures: Path
) -> None:
    """Steps: `dpip tunnel add … mode gre` to a client's address; from there, echo requests inside
    of GRE to the device's own address, after one inside of a carrier from elsewhere.

    Verify: each is answered once, inside of GRE from the local address, every field right; what
    came from elsewhere is not.
    """
    _carries_both_ways("gre", operator, scene, clients, deployment, captures)


@pytest.mark.requirement("DEV-07")
def test_an_ipip_tunnel_carries_packets_both_ways(
    operator: Operator, scene: Scene, clients: Clients, deployment: Deployment, captures: Path
) -> None:
    """Steps: the same, `mode ipip`. Verify: the same, with IP directly in IP."""
    _carries_both_ways("ipip", operator, scene, clients, deployment, captures)


def _carries_both_ways(
    kind: str,
    operator: Operator,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    captures: Path,
) -> None:
    with _tunnel(kind, operator, clients, deployment) as (client, tunnel):
        station = scene.stations[client]
        with station.own(tunnel.remote):
            pinged = ping_through(station, tunnel, mac=_mac(station, tunnel), count=COUNT)
    write_pcap(captures / f"{kind}.pcap", pinged.frames)
    assert not pinged.problems, f"{kind} tunnel to {client}: " + "; ".join(
        dict.fromkeys((*pinged.problems, *pinged.strange))
    )
    assert not pinged.strange, (
        f"what was not the {kind} tunnel's was answered: {'; '.join(pinged.strange)}"
    )


@contextmanager
def _tunnel(
    kind: str, operator: Operator, clients: Clients, deployment: Deployment
) -> Iterator[tuple[str, Tunnel]]:
    """A tunnel between DPVS and a client that can craft, its addresses on DPVS, until undone."""
    client, end = clients.crafting()
    link = deployment.topology.clients[client].link
    network = deployment.topology.links[link].network
    # As far from the network's end as clients' crafted addresses are from its start.
    tunnel = Tunnel(kind, str(network[-90]), end.address, INNER, PEER)
    device, name = deployment.device(link), f"acc{kind}"
    ends = f"local {tunnel.local} remote {tunnel.remote}"
    operator.does(f"dpip addr add {tunnel.local}/{network.max_prefixlen} dev {device}")
    operator.does(f"dpip tunnel add {name} mode {kind} {ends} dev {device}")
    operator.does(f"dpip addr add {INNER}/30 dev {name}")
    # As upstream's scripts/setup.snat-gre.sample.sh: without it carriers come from 0.0.0.0, or
    # from the address that the link's route has, whatever `local` says.
    operator.does(f"dpip route add {tunnel.remote}/32 src {tunnel.local} dev {device}")
    yield client, tunnel


def _mac(station: Station, tunnel: Tunnel) -> str:
    macs = station.resolve(tunnel.local)
    assert macs, f"nobody answers ARP for {tunnel.local}, the tunnel's end on DPVS"
    return macs[0]
