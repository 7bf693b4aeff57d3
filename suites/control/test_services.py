"""Services and their real servers as `ipvsadm -ln` lists them (seed 3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Service
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.observed.rules import match_of
from dpvs_acceptance.verdict.causes import Unsound


@pytest.mark.requirement("S27")
def test_the_service_has_its_scheduler_and_real_servers(
    dut: DutState, deployment: Deployment, service_name: str
) -> None:
    """Steps: `ipvsadm -ln`.

    Verify: scheduler and flags; each RS with address, port, forwarding mode and weight.
    """
    service = deployment.topology.service(service_name)
    seen = dut.service(service)
    assert seen is not None, (
        f"service {service.protocol} {service.vip}:{service.port} is not in `ipvsadm -ln`"
    )
    assert seen.scheduler == service.scheduler, (
        f"{service_name}: scheduler {service.scheduler} expected, seen {seen.scheduler}"
    )
    flags = (service.synproxy, service.persistence, service.connection_timeout)
    persistence = seen.persistence.timeout if seen.persistence else None
    listed = (seen.synproxy, persistence, seen.conn_timeout)
    assert listed == flags, (
        f"{service_name}: synproxy, persistence, connection timeout {flags} expected, seen {listed}"
    )
    wanted = {(str(t.address), t.port, t.forward, t.weight) for t in deployment.targets(service)}
    found = {(str(s.endpoint.address), s.endpoint.port, s.forward, s.weight) for s in seen.servers}
    assert found == wanted, (
        f"real servers of {service_name}: expected {sorted(wanted)}, seen {sorted(found)}"
    )


@pytest.mark.requirement("S27")
def test_no_service_shadows_another(
    dut: DutState, deployment: Deployment, services: tuple[Service, ...]
) -> None:
    """Steps: `ipvsadm -ln`. Verify: no service that nobody declared is on a declared VIP."""
    vips = {owned.address for owned in deployment.addresses if owned.use == "vip"}
    declared = {(s.protocol, s.vip, s.port) for s in services}
    rules = {match_of(rule, deployment) for rule in deployment.snat}
    if all(dut.service(service) is None for service in services):
        raise Unsound(
            "`ipvsadm -ln` lists none of the declared services: others may be missing too"
        )
    others = [
        str(service.id)
        for service in dut.services.services
        if (service.vip is None and service.id not in rules)
        or (
            service.vip is not None
            and service.vip.address in vips
            and (str(service.protocol).lower(), service.vip.address, service.vip.port)
            not in declared
        )
    ]
    assert not others, f"services that nobody declared are on our VIPs: {', '.join(others)}"
