"""Every service forwards as its mode does, packet by packet (upstream's FWD rows)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.udp import exchange
from fixtures.traffic import Clients

pytestmark = [
    pytest.mark.requirement("forwarding", "every mode"),
    pytest.mark.traffic,
    pytest.mark.usefixtures("readers"),
]

# More than carry UOA (3), so that it is seen to end.
DATAGRAMS = 5


@pytest.mark.requirement("client's address", "release sheet")
def test_tcp_is_forwarded_as_the_mode_of_its_service_does(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    client_name: str,
    tcp_name: str,
) -> None:
    """Steps: as many requests as there are RS, each captured at the client and at every RS.

    Verify: 200; each packet of one side is on the other, once, and every field is as the mode
    makes it: addresses, ports, MACs, sequence numbers, options, TTL, checksums, outer headers.
    """
    service = deployment.topology.service(tcp_name)
    url = clients.url(service)
    mode = scene.mode(service, client_name)
    for _ in service.real_servers:
        with scene.watch(client_name, captures) as watch:
            (answer,) = clients.curl(client_name, url)
            watch.settle(scene.vip(service))
        assert answer.status == 200, f"{url} from {client_name}: {answer}"
        assert answer.local, f"no connection to {url}: {answer}"
        followed = mode.tcp(watch.client_views, watch.server_views, answer.local)
        assert not followed.findings, str(followed)


@pytest.mark.requirement("client's address", "release sheet")
def test_udp_is_forwarded_as_the_mode_of_its_service_does(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    client_name: str,
    udp_name: str,
) -> None:
    """Steps: five datagrams on one socket, captured at the client and at every RS.

    Verify: all are answered; every field of every packet is as the mode makes it.
    """
    service = deployment.topology.service(udp_name)
    payloads = [clients.flow(client_name).tag for _ in range(DATAGRAMS)]
    with scene.watch(client_name, captures) as watch:
        station, port_range = scene.stations[client_name], clients.port_range(client_name)
        result = exchange(station, scene.vip(service), payloads, source_ports=port_range)
    assert result.answered == DATAGRAMS, (
        f"{result.answered} of {DATAGRAMS} datagrams to {scene.vip(service)} were answered"
    )
    mode = scene.mode(service, client_name)
    followed = mode.udp(watch.client_views, watch.server_views, result.local)
    assert not followed.findings, str(followed)
