"""Tunnel devices of DPVS itself: what they carry is taken out and put in (DEV-06, DEV-07)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.carried import ping_through
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.scene import Scene
from fixtures.operator import Operator
from fixtures.traffic import Clients
from fixtures.tunnels import tunnel_mac, tunnel_to

pytestmark = pytest.mark.traffic

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
    client, end = clients.crafting()
    tunnel = tunnel_to(kind, client, end.address, operator, deployment)
    station = scene.stations[client]
    with station.own(tunnel.remote):
        mac = tunnel_mac(station, tunnel)
        pinged = ping_through(station, tunnel, mac=mac, count=COUNT)
    write_pcap(captures / f"{kind}.pcap", pinged.frames)
    assert not pinged.problems, f"{kind} tunnel to {client}: " + "; ".join(
        dict.fromkeys((*pinged.problems, *pinged.strange))
    )
    assert not pinged.strange, (
        f"what was not the {kind} tunnel's was answered: {'; '.join(pinged.strange)}"
    )
