"""Every service forwards as its mode does, packet by packet (upstream's FWD rows)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import READERS, Client, Service, clients, services
from fixtures.checks import for_each, needs, requirement

pytestmark = [requirement("forwarding", "every mode"), pytest.mark.traffic, needs(READERS)]

# More than those that carry UOA (3), so that its end is seen.
DATAGRAMS = 5


@requirement("client's address", "release sheet", "nat64")
@for_each(client=clients, service=services.having(protocol="tcp"))
def test_tcp_is_forwarded_as_the_mode_of_its_service_does(client: Client, service: Service) -> None:
    """Steps: as many requests as there are RS, each captured at the client and at every RS.

    Verify: 200; each packet of one side arrives once at the other, with every field as the mode
    defines it: addresses, ports, MACs, sequence numbers, options, TTL, checksums, outer headers.
    """
    for _ in service.server_names:
        with client.watch() as watch:
            (answer,) = client.get(service)
            watch.settle(service.vip)
        assert answer.status == 200, f"{service.url} from {client}: {answer}"
        assert answer.local, f"no connection to {service.url}: {answer}"
        followed = service.mode(client).tcp(watch.client_views, watch.server_views, answer.local)
        assert not followed.findings, str(followed)


@requirement("client's address", "release sheet", "nat64")
@for_each(client=clients, service=services.having(protocol="udp"))
def test_udp_is_forwarded_as_the_mode_of_its_service_does(client: Client, service: Service) -> None:
    """Steps: five datagrams on one socket, captured at the client and at every RS.

    Verify: all are answered; every field of every packet is as the mode defines it.
    """
    with client.watch() as watch:
        result = client.send_datagrams(service, [client.source().tag for _ in range(DATAGRAMS)])
    answered = f"{result.answered} of {DATAGRAMS} datagrams to {service.vip} were answered"
    assert result.answered == DATAGRAMS, answered
    followed = service.mode(client).udp(watch.client_views, watch.server_views, result.local)
    assert not followed.findings, str(followed)
