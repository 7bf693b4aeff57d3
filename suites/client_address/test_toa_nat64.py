"""TOA over NAT64: an IPv4 real server that asks is told the IPv6 client (TOA-03)."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic import timeouts
from dpvs_acceptance.traffic.http import client_seen
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.operator import OWN, Operator
from fixtures.traffic import Clients

PORT = 7995  # of the VIP and of the real servers; no service of a topology is there
SETTLED = 5.0  # seconds until every lcore has a service
UNKNOWN = "Protocol not available"  # ENOPROTOOPT: nobody in the kernel answers it

pytestmark = [pytest.mark.traffic, pytest.mark.usefixtures("readers")]


@pytest.mark.requirement("TOA-03")
def test_an_ipv4_real_server_that_asks_is_told_the_ipv6_client(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    deployment: Deployment,
    client_name: str,
    nat64_tcp_name: str,
) -> None:
    """Steps: a service beside the topology's, whose real servers run a program that asks
    getsockopt(IPPROTO_IP, 4096) of each connection and says what it was told; a request per real
    server, and one more.

    Verify: each answer names the client's own IPv6 address and port.
    """
    base = deployment.topology.service(nat64_tcp_name)
    which, url = commands.which("tcp", base.vip, PORT), f"http://[{base.vip}]:{PORT}/"
    with ExitStack() as stack:
        operator.does(commands.line(commands.service(which, "rr")))
        for target, end in zip(base.real_servers, deployment.targets(base), strict=True):
            stack.enter_context(scene.stations[target.name].toa_server(str(end.address), PORT))
            server = commands.end(end.address, PORT)
            operator.does(commands.line(commands.real_server("-a", which, server, 1)), undo=OWN)
        lip = base.local_addresses[0]
        # The address is the topology's: it stays when the service goes.
        add = commands.local_address(which, lip, deployment.lip_device(lip))
        operator.do(commands.line(add), undo=OWN)
        give_up = time.monotonic() + timeouts.seconds(SETTLED, None)
        # The tools return before every lcore knows a new service.
        while clients.curl(client_name, url)[0].status != 200 and time.monotonic() < give_up:
            pass
        answers = clients.curl(client_name, url, len(base.real_servers) + 1)
    assert all(answer.status == 200 for answer in answers), f"{url}: {answers}"
    if all(UNKNOWN in answer.body for answer in answers):
        raise NotSupported(f"the real servers' TOA reader knows no NAT64: {answers[0].body}")
    wrong = [
        f"the client was {answer.local}, the RS was told {answer.body!r}"
        for answer in answers
        if not answer.body.startswith("Your IP") or client_seen(answer.body) != answer.local
    ]
    assert not wrong, f"an RS is not told the real client {client_name}: " + "\n".join(wrong)
