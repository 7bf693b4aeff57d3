"""TOA: the client's own address and port reach the real server (seed 4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic import toa
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.http import HttpAnswer, client_seen
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN, CraftedTcp
from dpvs_acceptance.traffic.tcpoptions import TcpOption
from dpvs_acceptance.traffic.verify import check_tcp, in_words
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.traffic import Clients

pytestmark = [pytest.mark.traffic, pytest.mark.usefixtures("readers")]

# The client is the one to close: a server that does remembers the connection for a minute.
REQUEST = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"
# From TEST-NET-3: an address that no client here has, claimed by one that forges its option.
FORGED = SocketAddress("203.0.113.66", 6666)
_CLAIM = toa.encode(FORGED.address, FORGED.port)[2:]
FORGERIES = {
    "exact": TcpOption(254, _CLAIM),
    "another length": TcpOption(254, _CLAIM + bytes(4)),
    "another vendor's kind": TcpOption(252, _CLAIM),
}


@pytest.mark.requirement("S33", "toa")
def test_a_real_server_sees_the_client(
    clients: Clients, deployment: Deployment, client_name: str, fnat4_name: str
) -> None:
    """Steps: curl once per RS, and once more. Verify: nginx names the client's own end."""
    _sees_the_client(clients, deployment, client_name, fnat4_name)


@pytest.mark.requirement("S35", "toa")
def test_a_real_server_sees_the_ipv6_client(
    clients: Clients, deployment: Deployment, client_name: str, fnat6_name: str
) -> None:
    """Steps: the same over IPv6. Verify: nginx names the client's own end each time."""
    _sees_the_client(clients, deployment, client_name, fnat6_name)


def _sees_the_client(
    clients: Clients, deployment: Deployment, client: str, service_name: str
) -> None:
    service = deployment.topology.service(service_name)
    answers = clients.curl(client, clients.url(service), len(service.real_servers) + 1)
    wrong = [words for answer in answers if (words := _mistaken(answer))]
    assert not wrong, f"an RS does not see the real client {client}: " + "\n".join(wrong)


def _mistaken(answer: HttpAnswer) -> str:
    if answer.status != 200 or answer.local is None:
        return f"no answer to look at: {answer}"
    seen = client_seen(answer.body)
    return "" if seen == answer.local else f"the client was {answer.local}, the RS saw {seen}"


@pytest.mark.requirement("S33", "toa")
def test_toa_is_exact_and_on_exactly_the_packets_it_belongs_on(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    facts: VersionFacts,
    client_name: str,
    fnat4_name: str,
) -> None:
    """Steps: one curl, captured on both sides.

    Verify: kind 254, length, port and address are the client's, first among the options; on the
    handshake's last packet and the request; on the SYN where the version has it there and not
    where it has not; on no packet of the RS. All fields besides are compared as well.
    """
    _exact_on_the_wire(scene, clients, captures, deployment, facts, client_name, fnat4_name)


@pytest.mark.requirement("S35", "toa", "fullnat")
def test_ipv6_toa_is_exact_and_on_exactly_the_packets_it_belongs_on(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    facts: VersionFacts,
    client_name: str,
    fnat6_name: str,
) -> None:
    """Steps: the same over IPv6, where the option has 20 bytes. Verify: the same."""
    _exact_on_the_wire(scene, clients, captures, deployment, facts, client_name, fnat6_name)


def _exact_on_the_wire(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    facts: VersionFacts,
    client: str,
    service_name: str,
) -> None:
    service = deployment.topology.service(service_name)
    with scene.watch(client, captures) as watch:
        (answer,) = clients.curl(client, clients.url(service))
        watch.settle(scene.vip(service))
    assert answer.local, f"no connection to {clients.url(service)}: {answer}"
    conversation, connection = find_tcp(
        watch.client_views, watch.server_views, answer.local, scene.fullnat(service, client)
    )
    findings = check_tcp(conversation, connection)
    assert not findings, in_words(findings)
    arrived = [pair.rs for pair in conversation.pairs if pair.towards_rs and pair.rs]
    syn = next(view for view in arrived if view.handshake)
    ack = next(view for view in arrived if not view.handshake)
    option = ack.toa()
    if option is None:
        raise Inconclusive(
            "the handshake's ACK has no TOA, and yet nothing differed from expectation"
        )
    carried = (option.address, option.port, option.position)
    wanted = (answer.local.address, answer.local.port, 0)
    assert carried == wanted, f"TOA: address, port, position {wanted} expected, {carried} seen"
    assert (syn.toa() is not None) == facts.toa_on_syn, (
        f"DPVS {facts.version} {'puts' if facts.toa_on_syn else 'does not put'} TOA on the SYN; "
        f"seen: {syn.toa() or 'none'}"
    )


@pytest.mark.requirement("S33", "EDG-03")
@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_client_that_forges_toa_is_not_believed(
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    captures: Path,
    fnat4_name: str,
    forged: TcpOption,
) -> None:
    """Steps: a crafted connection whose own packets carry an option with a foreign address: TOA
    itself, its kind with another length, another vendor's kind.

    Verify: the RS names the crafted client, not the address that it claims.
    """
    client, source = clients.crafting()
    service = deployment.topology.service(fnat4_name)
    with (
        scene.watch(client, captures) as watch,
        CraftedTcp(
            scene.stations[client],
            source,
            scene.vip(service),
            mac=scene.next_hop(client, str(service.vip)),
        ) as connection,
    ):
        connection.connect(options=(*LINUX_SYN, forged), ack_options=(forged,))
        body = connection.request(REQUEST, options=(forged,))
        connection.close()
    kind = forged.kind
    sent = [view for view in watch.client_views if isinstance(view, TcpView) and view.option(kind)]
    if not sent:
        raise Inconclusive("no packet with the forged option left the client")
    seen = client_seen(body.partition(b"\r\n\r\n")[2].decode())
    assert seen != FORGED, f"the RS believed the client's own TOA option: it saw {seen}"
    assert seen == source, f"the client was {source}, the RS saw {seen}"
