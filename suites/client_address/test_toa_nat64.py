"""TOA over NAT64: an IPv4 real server can query the IPv6 client's address (TOA-03)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from dpvs_acceptance.testbed import READERS, Client, LoadBalancer, Service, clients, services
from dpvs_acceptance.traffic.http import client_seen
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.checks import for_each, needs, requirement

PORT = 7995  # of the VIP and of the real servers; no service of a topology is there
UNKNOWN = "Protocol not available"  # ENOPROTOOPT: the kernel has no such option


@requirement("TOA-03", "S36.N01")
@pytest.mark.traffic
@needs(READERS)
@for_each(client=clients, service=services.having(nat64=True, protocol="tcp"))
def test_an_ipv4_real_server_can_query_the_ipv6_client(
    lb: LoadBalancer, client: Client, service: Service
) -> None:
    """Steps: a second service whose real servers run a program that reads
    getsockopt(IPPROTO_IP, 4096) of each connection and answers with it; a request per real
    server, and one more.

    Verify: each answer names the client's own IPv6 address and port.
    """
    with ExitStack() as stack:
        for server in service.servers:
            stack.enter_context(server.serve_toa_address(str(server.address), PORT))
        added = lb.add_service(service, port=PORT)
        client.wait_until_served(added)
        answers = client.get(added, len(service.server_names) + 1)
    assert all(answer.status == 200 for answer in answers), f"{added.url}: {answers}"
    if all(UNKNOWN in answer.body for answer in answers):
        raise NotSupported(f"the real servers' TOA reader knows no NAT64: {answers[0].body}")
    wrong = [
        f"the client was {answer.local}, the RS read {answer.body!r}"
        for answer in answers
        if not answer.body.startswith("Your IP") or client_seen(answer.body) != answer.local
    ]
    assert not wrong, f"an RS does not see the real client {client}: " + "\n".join(wrong)
