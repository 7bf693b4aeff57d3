"""UOA: the same for UDP (seed 4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.pairing import find_udp
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.udp import echo_answer, exchange
from dpvs_acceptance.traffic.verify import check_udp, in_words
from fixtures.traffic import Clients

pytestmark = [
    pytest.mark.requirement("S34", "uoa", "fullnat"),
    pytest.mark.traffic,
    pytest.mark.usefixtures("readers"),
]

# More than carry UOA (3), so that it is seen to end.
DATAGRAMS = 5


def test_a_real_server_sees_the_udp_client(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    client_name: str,
    fnat_udp_name: str,
) -> None:
    """Steps: five datagrams on one socket, captured on both sides.

    Verify: all are answered; the server was told the client's address and port; on the wire UOA is
    exact and on exactly the first datagrams; every other field is as FullNAT makes it.
    """
    service = deployment.topology.service(fnat_udp_name)
    payloads = [clients.flow(client_name).tag for _ in range(DATAGRAMS)]
    with scene.watch(client_name, captures) as watch:
        station, port_range = scene.stations[client_name], clients.port_range(client_name)
        result = exchange(station, scene.vip(service), payloads, source_ports=port_range)
    assert result.answered == DATAGRAMS, (
        f"{result.answered} of {DATAGRAMS} datagrams to {scene.vip(service)} were answered"
    )
    told = [echo_answer(reply.payload).uoa for reply in result.replies if reply]
    client = SocketAddress(result.local.address, result.local.port)
    assert told[0] == client, f"the client was {client}, the RS was told {told[0] or 'nothing'}"
    conversation, connection = find_udp(
        watch.client_views, watch.server_views, client, scene.fullnat(service, client_name)
    )
    findings = check_udp(conversation, connection)
    assert not findings, in_words(findings)
