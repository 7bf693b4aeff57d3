"""HTTP on the VIP, from every client (seed 3)."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.http import client_seen
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.verify import check_tcp, in_words
from dpvs_acceptance.verdict.causes import NotApplicable, NotTested
from fixtures.state import Servers
from fixtures.traffic import Clients

pytestmark = [pytest.mark.requirement("S30"), pytest.mark.traffic]


@pytest.mark.requirement("S30", core=True)
def test_http_on_the_vip_answers_200(
    clients: Clients, deployment: Deployment, client_name: str, tcp4_name: str
) -> None:
    """Steps: curl from the client, as often as there are RS, and once more.

    Verify: 200 each time, so that no RS behind the VIP is broken.
    """
    service = deployment.topology.service(tcp4_name)
    answers = clients.curl(client_name, clients.url(service), len(service.real_servers) + 1)
    wrong = [str(answer) for answer in answers if answer.status != 200]
    assert not wrong, f"HTTP {clients.url(service)} from {client_name}: " + "\n".join(wrong)


def test_a_real_server_without_toa_sees_the_lip(
    clients: Clients, servers: Servers, deployment: Deployment, client_name: str, fnat4_name: str
) -> None:
    """Steps: curl from the client to RS whose TOA reader is not loaded.

    Verify: nginx names a local address of the service, as the article's first curl does.
    """
    if servers.with_reader("toa"):
        raise NotTested(f"the TOA reader is loaded on {', '.join(servers.with_reader('toa'))}")
    service = deployment.topology.service(fnat4_name)
    lips = set(map(str, service.local_addresses))
    answers = clients.curl(client_name, clients.url(service), len(service.real_servers))
    seen = {client_seen(answer.body).address for answer in answers}
    assert seen <= lips, f"an RS without TOA should see a LIP {sorted(lips)}, seen {sorted(seen)}"


@pytest.mark.requirement("fullnat")
@pytest.mark.requirement("S30", core=True)
def test_every_packet_is_translated_as_fullnat_does(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    client_name: str,
    fnat4_name: str,
) -> None:
    """Steps: one curl, captured at the client and at every RS.

    Verify: each packet of one side is on the other, once, and every field is as FullNAT makes it:
    addresses, ports, MACs, sequence numbers, MSS, options, TTL, checksums.
    """
    service = deployment.topology.service(fnat4_name)
    with scene.watch(client_name, captures) as watch:
        (answer,) = clients.curl(client_name, clients.url(service))
        watch.settle(scene.vip(service))
    assert answer.local, f"no connection to {clients.url(service)}: {answer}"
    conversation, connection = find_tcp(
        watch.client_views,
        watch.server_views,
        SocketAddress(answer.local.address, answer.local.port),
        scene.fullnat(service, client_name),
    )
    assert connection.seq_offset, "sequence numbers are the client's own: FullNAT begins its own"
    findings = check_tcp(conversation, connection)
    assert not findings, in_words(findings)


def test_http_from_the_runner_itself(deployment: Deployment, tcp4_name: str) -> None:
    """Steps: a request by the runner, where the bench says that it is a client. Verify: 200."""
    if not deployment.bench.runner_is_client:
        raise NotApplicable("the bench does not say that the runner is a client (runner_is_client)")
    service = deployment.topology.service(tcp4_name)
    url = f"http://{service.vip}:{service.port}/"
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the runner's would answer in the VIP's place
        try:
            seen = f"{session.get(url, timeout=5).status_code}"
        except requests.RequestException as error:
            seen = f"no answer: {error}"
    assert seen == "200", f"{url} from the runner itself: 200 expected, seen {seen}"
