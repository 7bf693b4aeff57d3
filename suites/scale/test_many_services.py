"""Many services: all of them configured, each of them forwards (upstream FWD-26, FWD-27)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import NO_OTHER_TRAFFIC, Client, LoadBalancer, Service, fleets
from fixtures.checks import for_each, needs, requirement

pytestmark = [requirement("many services"), for_each(fleet=fleets)]

SHOWN = 5
SECONDS = 60.0
"""For one request to each of a thousand services, on a slow machine."""


@pytest.mark.traffic
@needs(NO_OTHER_TRAFFIC)
def test_each_of_many_services_answers_one_request(
    lb: LoadBalancer, client: Client, fleet: tuple[Service, ...]
) -> None:
    """Steps: one request to each service, between two readings of `ipvsadm -ln --stats`.

    Verify: 200 each time, and each service has counted one connection: its own.
    """
    before = lb.read("ipvsadm -ln --stats")
    answers = client.get_each(fleet, seconds=SECONDS)
    after = lb.read("ipvsadm -ln --stats")
    requests = zip(fleet, answers, strict=True)
    silent = [f"{one.vip}: {answer}" for one, answer in requests if answer.status != 200]
    assert not silent, _shown(f"of {len(fleet)} services do not answer", silent)
    first, last = before.all_connections, after.all_connections
    keys = [(one.declared.vip, one.declared.port) for one in fleet]
    counted = {key[1]: (first.get(key), last.get(key)) for key in keys}
    wrong = [
        f"port {port}: {was if was is not None else 'not listed'} before, {now} after"
        for port, (was, now) in counted.items()
        if was is None or now != was + 1
    ]
    assert not wrong, _shown(f"of {len(fleet)} services have not counted their connection", wrong)


def test_each_of_many_services_is_listed_with_its_real_servers(
    lb: LoadBalancer, fleet: tuple[Service, ...]
) -> None:
    """Steps: `ipvsadm -ln`. Verify: each service with its scheduler, and all of its RS."""
    wrong = []
    for service in fleet:
        seen = lb.state.service(service.declared)
        targets = lb.deployment.targets(service.declared)
        wanted = {(str(t.address), t.port, t.weight) for t in targets}
        servers = seen.servers if seen is not None else ()
        found = {(str(s.endpoint.address), s.endpoint.port, s.weight) for s in servers}
        if seen is None or (seen.scheduler, found) != (service.declared.scheduler, wanted):
            wrong.append(f"{service.vip}: {found if seen else 'is not listed'}")
    assert not wrong, _shown(f"of {len(fleet)} services are not as declared", wrong)


def test_each_of_many_services_has_its_local_addresses(
    lb: LoadBalancer, fleet: tuple[Service, ...]
) -> None:
    """Steps: `ipvsadm -G`. Verify: each service lists the declared ones."""
    listed = lb.state.all_local_addresses
    wrong = []
    for service in fleet:
        seen = listed.get((service.declared.vip, service.declared.port))
        if seen != set(service.declared.local_addresses):
            wrong.append(f"{service.vip}: {sorted(map(str, seen or ())) or 'none'}")
    assert not wrong, _shown(f"of {len(fleet)} services lack local addresses", wrong)


def _shown(what: str, lines: list[str]) -> str:
    """How many, and the first of them."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{len(lines)} {what}: {lines[0]}", *lines[1:SHOWN], *more])
