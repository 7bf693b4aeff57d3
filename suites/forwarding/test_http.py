"""HTTP on the VIP, from every client (deployment guide, 3)."""

from __future__ import annotations

import pytest
import requests

from dpvs_acceptance.testbed import (
    NO_TOA_READER,
    RUNNER_IS_CLIENT,
    Client,
    Service,
    clients,
    services,
)
from dpvs_acceptance.traffic.http import client_seen
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.verify import check_tcp, in_words, sequence_kept
from fixtures.checks import for_each, needs, requirement

pytestmark = pytest.mark.traffic

tcp4 = services.having(protocol="tcp", family=4)


@requirement("S30", core=True)
@for_each(client=clients, service=tcp4)
def test_http_on_the_vip_answers_200(client: Client, service: Service) -> None:
    """Steps: curl from the client, as often as there are RS, and once more.

    Verify: 200 each time, so that no RS behind the VIP is broken.
    """
    answers = client.get(service, len(service.server_names) + 1)
    wrong = [str(answer) for answer in answers if answer.status != 200]
    assert not wrong, f"HTTP {service.url} from {client}: " + "\n".join(wrong)


@requirement("S30")
@needs(NO_TOA_READER)
@for_each(client=clients, service=services.having(toa=True, family=4))
def test_a_real_server_without_toa_sees_the_lip(client: Client, service: Service) -> None:
    """Steps: curl from the client to RS whose TOA reader is not loaded.

    Verify: nginx names a local address of the service, as in the deployment guide's first curl.
    """
    answers = client.get(service, len(service.server_names))
    seen = {client_seen(answer.body).address for answer in answers}
    lips = sorted(service.lips)
    assert seen <= service.lips, (
        f"RS without TOA reader: a LIP of {lips} expected, seen {sorted(seen)}"
    )


@requirement("S30", "fullnat", core=True)
@for_each(client=clients, service=services.having(toa=True, family=4))
def test_every_packet_is_translated_as_fullnat_does(client: Client, service: Service) -> None:
    """Steps: one curl, captured at the client and at every RS.

    Verify: each packet of one side arrives once at the other, with every field as FullNAT defines
    it: addresses, ports, MACs, sequence numbers, MSS, options, TTL, checksums.
    """
    with client.watch() as watch:
        (answer,) = client.get(service)
        watch.settle(service.vip)
    assert answer.local, f"no connection to {service.url}: {answer}"
    conversation, connection = find_tcp(
        watch.client_views, watch.server_views, answer.local, service.fullnat(client)
    )
    same = "the RS sees the client's sequence numbers: FullNAT must use its own"
    assert connection.seq_offset, "\n".join([same, *map(str, sequence_kept(conversation))])
    findings = check_tcp(conversation, connection)
    assert not findings, in_words(findings)


@requirement("S30")
@needs(RUNNER_IS_CLIENT)
@for_each(service=tcp4)
def test_http_from_the_runner_itself(service: Service) -> None:
    """Steps: a request by the runner, where the bench says that it is a client. Verify: 200."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the runner's would answer in the VIP's place
        try:
            seen = f"{session.get(service.url, timeout=5).status_code}"
        except requests.RequestException as error:
            seen = f"no answer: {error}"
    assert seen == "200", f"{service.url} from the runner itself: 200 expected, seen {seen}"
