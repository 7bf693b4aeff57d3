"""Many services: all of them configured, each of them forwards (upstream FWD-26, FWD-27)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from fixtures.alone import Alone
from fixtures.state import Look
from fixtures.traffic import Clients

pytestmark = pytest.mark.requirement("many services")

SHOWN = 5
SECONDS = 60.0
"""For one request to each of a thousand services, on a slow machine."""


@pytest.mark.traffic
def test_each_of_many_services_answers_one_request(
    look: Look, clients: Clients, alone: Alone, deployment: Deployment, fleet_name: str
) -> None:
    """Steps: one request to each service, between two readings of `ipvsadm -ln --stats`.

    Verify: 200 each time, and each service has counted one connection: its own.
    """
    services = deployment.topology.fleet(fleet_name).services(deployment.topology)
    alone(*services)
    client = next(iter(deployment.topology.clients))
    before = look("ipvsadm -ln --stats")
    answers = clients.curl_each(client, [clients.url(one) for one in services], seconds=SECONDS)
    after = look("ipvsadm -ln --stats")
    asked = zip(services, answers, strict=True)
    silent = [f"{one.vip}:{one.port}: {answer}" for one, answer in asked if answer.status != 200]
    assert not silent, _told(f"of {len(services)} services do not answer", silent)
    first, last = before.all_connections, after.all_connections
    counted = {one.port: (first.get(k := (one.vip, one.port)), last.get(k)) for one in services}
    wrong = [
        f"port {port}: {was if was is not None else 'not listed'} before, {now} after"
        for port, (was, now) in counted.items()
        if was is None or now != was + 1
    ]
    assert not wrong, _told(
        f"of {len(services)} services have not counted their one connection", wrong
    )


def test_each_of_many_services_is_listed_with_its_real_servers(
    dut: DutState, deployment: Deployment, fleet_name: str
) -> None:
    """Steps: `ipvsadm -ln`. Verify: each service with its scheduler, and all of its RS."""
    services = deployment.topology.fleet(fleet_name).services(deployment.topology)
    wrong = []
    for service in services:
        seen = dut.service(service)
        wanted = {(str(t.address), t.port, t.weight) for t in deployment.targets(service)}
        servers = seen.servers if seen is not None else ()
        found = {(str(s.endpoint.address), s.endpoint.port, s.weight) for s in servers}
        if seen is None or (seen.scheduler, found) != (service.scheduler, wanted):
            wrong.append(f"{service.vip}:{service.port}: {found if seen else 'is not listed'}")
    assert not wrong, _told(f"of {len(services)} services are not as declared", wrong)


def test_each_of_many_services_has_its_local_addresses(
    dut: DutState, deployment: Deployment, fleet_name: str
) -> None:
    """Steps: `ipvsadm -G`. Verify: each service lists the declared ones."""
    services = deployment.topology.fleet(fleet_name).services(deployment.topology)
    lips = dut.all_local_addresses
    wrong = [
        f"{one.vip}:{one.port}: {sorted(map(str, lips.get((one.vip, one.port), ()))) or 'none'}"
        for one in services
        if lips.get((one.vip, one.port)) != set(one.local_addresses)
    ]
    assert not wrong, _told(f"of {len(services)} services lack local addresses", wrong)


def _told(what: str, lines: list[str]) -> str:
    """How many, and the first of them."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{len(lines)} {what}: {lines[0]}", *lines[1:SHOWN], *more])
