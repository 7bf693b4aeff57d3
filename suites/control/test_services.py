"""Services and their real servers as `ipvsadm -ln` lists them (seed 3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.ipvsadm.identity import ServiceId
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.observed.rules import match_of
from dpvs_acceptance.verdict.causes import Inconclusive


@pytest.mark.requirement("S27", "forwarding", "every mode")
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
    dut: DutState, deployment: Deployment, listed: frozenset[ServiceId]
) -> None:
    """Steps: `ipvsadm -ln`. Verify: no service that nobody declared is on a declared VIP."""
    vips = {owned.address for owned in deployment.addresses if owned.use == "vip"}
    seen = {service.id for service in dut.services.services}
    if not seen & listed:
        raise Inconclusive(
            "`ipvsadm -ln` lists none of the declared services: others may be missing too"
        )
    others = [str(one) for one in seen - listed if one.vip is None or one.vip.address in vips]
    assert not others, f"services that nobody declared are on our VIPs: {', '.join(others)}"


@pytest.mark.requirement("FWD-14")
def test_the_snat_rule_has_its_scheduler_and_addresses(
    dut: DutState, deployment: Deployment, snat_port_name: str
) -> None:
    """Steps: `ipvsadm -ln`. Verify: of TCP and UDP, scheduler, and each WAN address with weight."""
    _rule_is_listed(dut, deployment, snat_port_name)


@pytest.mark.requirement("FWD-15")
def test_the_snat_rule_of_icmp_has_its_scheduler_and_addresses(
    dut: DutState, deployment: Deployment, snat_icmp_name: str
) -> None:
    """Steps: `ipvsadm -ln`. Verify: the same of ICMP."""
    _rule_is_listed(dut, deployment, snat_icmp_name)


def _rule_is_listed(dut: DutState, deployment: Deployment, name: str) -> None:
    rule = deployment.topology.snat_rule(name)
    wanted_id = match_of(rule, deployment)
    seen = next((one for one in dut.services.services if one.id == wanted_id), None)
    assert seen is not None, f"SNAT rule `{wanted_id}` is not in `ipvsadm -ln`"
    assert seen.scheduler == rule.scheduler, (
        f"{name}: scheduler {rule.scheduler} expected, seen {seen.scheduler}"
    )
    wanted = {(str(t.address), t.port, t.forward, t.weight) for t in deployment.targets(rule)}
    found = {(str(s.endpoint.address), s.endpoint.port, s.forward, s.weight) for s in seen.servers}
    assert found == wanted, (
        f"WAN addresses of {name}: expected {sorted(wanted)}, seen {sorted(found)}"
    )
