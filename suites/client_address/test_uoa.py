"""UOA: the client's own address and port reach the real server over UDP (deployment guide, 4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import READERS, Client, Service, clients, services
from dpvs_acceptance.traffic.pairing import find_udp
from dpvs_acceptance.traffic.udp import echo_answer
from dpvs_acceptance.traffic.verify import check_udp, in_words
from fixtures.checks import for_each, needs, requirement

# More than carry UOA (3), so that its end is seen.
DATAGRAMS = 5


@requirement("S34", "uoa", "fullnat", core=True)
@pytest.mark.traffic
@needs(READERS)
@for_each(client=clients, service=services.having(uoa=True))
def test_a_real_server_sees_the_udp_client(client: Client, service: Service) -> None:
    """Steps: five datagrams on one socket, captured on both sides.

    Verify: all are answered; the server reads the client's address and port; on the wire UOA is
    exact and on exactly the first datagrams; every other field is as FullNAT makes it.
    """
    payloads = [client.source().tag for _ in range(DATAGRAMS)]
    with client.watch() as watch:
        result = client.send_datagrams(service, payloads)
    assert result.answered == DATAGRAMS, (
        f"{result.answered} of {DATAGRAMS} datagrams to {service.vip} were answered"
    )
    read = [echo_answer(reply.payload).uoa for reply in result.replies if reply]
    assert read[0] == result.local, (
        f"the client was {result.local}, the RS read {read[0] or 'nothing'}"
    )
    conversation, connection = find_udp(
        watch.client_views, watch.server_views, result.local, service.fullnat(client)
    )
    findings = check_udp(conversation, connection)
    assert not findings, in_words(findings)
