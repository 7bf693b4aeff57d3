"""TOA: the client's own address and port reach the real server (deployment guide, 4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import READERS, Client, LoadBalancer, Service, clients, services
from dpvs_acceptance.traffic import toa
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.http import HttpAnswer, client_seen
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN
from dpvs_acceptance.traffic.tcpoptions import TcpOption
from dpvs_acceptance.traffic.verify import check_tcp, in_words
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, needs, requirement

pytestmark = [pytest.mark.traffic, needs(READERS)]

# The client closes first: a server that closes first remembers the connection for a minute.
REQUEST = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"
# From TEST-NET-3: an address that no client here has, claimed by a forged option.
FORGED = SocketAddress("203.0.113.66", 6666)
_CLAIM = toa.encode(FORGED.address, FORGED.port)[2:]
FORGERIES = {
    "exact": TcpOption(254, _CLAIM),
    "another length": TcpOption(254, _CLAIM + bytes(4)),
    "another vendor's kind": TcpOption(252, _CLAIM),
}


@requirement("S33", core=True, family=4)
@requirement("S35", core=True, family=6)
@requirement("toa")
@for_each(client=clients, service=services.having(toa=True))
def test_a_real_server_sees_the_client(client: Client, service: Service) -> None:
    """Steps: curl once per RS, and once more. Verify: nginx names the client's own end."""
    answers = client.get(service, len(service.server_names) + 1)
    wrong = [words for answer in answers if (words := _mistaken(answer))]
    assert not wrong, f"an RS does not see the real client {client}: " + "\n".join(wrong)


def _mistaken(answer: HttpAnswer) -> str:
    if answer.status != 200 or answer.local is None:
        return f"no answer to look at: {answer}"
    seen = client_seen(answer.body)
    return "" if seen == answer.local else f"the client was {answer.local}, the RS saw {seen}"


@requirement("S33", core=True, family=4)
@requirement("S35", "fullnat", core=True, family=6)
@requirement("toa")
@for_each(client=clients, service=services.having(toa=True))
def test_toa_is_exact_and_on_the_right_packets(
    lb: LoadBalancer, client: Client, service: Service
) -> None:
    """Steps: one curl, captured on both sides.

    Verify: kind 254, length, port and address are the client's, first among the options; on the
    handshake's last packet and the request; on the SYN only in versions that put it there; on no
    packet of the RS. All other fields are compared as well.
    """
    with client.watch() as watch:
        (answer,) = client.get(service)
        watch.settle(service.vip)
    assert answer.local, f"no connection to {service.url}: {answer}"
    conversation, connection = find_tcp(
        watch.client_views, watch.server_views, answer.local, service.fullnat(client)
    )
    findings = check_tcp(conversation, connection)
    assert not findings, in_words(findings)
    arrived = [pair.rs for pair in conversation.pairs if pair.towards_rs and pair.rs]
    syn = next(view for view in arrived if view.handshake)
    ack = next(view for view in arrived if not view.handshake)
    option = ack.toa()
    if option is None:
        raise Inconclusive("the handshake's ACK has no TOA, and yet no difference was found")
    carried = (option.address, option.port, option.position)
    wanted = (answer.local.address, answer.local.port, 0)
    assert carried == wanted, f"TOA: address, port, position {wanted} expected, {carried} seen"
    on_syn = lb.version.toa_on_syn
    assert (syn.toa() is not None) == on_syn, (
        f"DPVS {lb.version.version} {'puts' if on_syn else 'does not put'} TOA on the SYN; "
        f"seen: {syn.toa() or 'none'}"
    )


@requirement("S33", "EDG-03")
@for_each(service=services.having(toa=True, family=4))
@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_toa_option_is_ignored(
    spoofing: Client, service: Service, forged: TcpOption
) -> None:
    """Steps: a crafted connection whose own packets carry an option with a foreign address: TOA
    itself, its kind with another length, another vendor's kind.

    Verify: the RS names the crafted client, not the address in the option.
    """
    with spoofing.watch() as watch, spoofing.connection(service) as connection:
        connection.connect(options=(*LINUX_SYN, forged), ack_options=(forged,))
        body = connection.request(REQUEST, options=(forged,))
        connection.close()
    views = (view for view in watch.client_views if isinstance(view, TcpView))
    if not any(view.option(forged.kind) for view in views):
        raise Inconclusive("no packet with the forged option left the client")
    seen = client_seen(body.partition(b"\r\n\r\n")[2].decode())
    assert seen != FORGED, f"the RS believed the client's own TOA option: it saw {seen}"
    source = connection.source
    assert seen == source, f"the client was {source}, the RS saw {seen}"
