"""Services and their real servers as `ipvsadm -ln` lists them (deployment guide, 3)."""

from __future__ import annotations

from dpvs_acceptance.model.service import Snat
from dpvs_acceptance.observed.rules import match_of, service_id_of
from dpvs_acceptance.testbed import ANY_SERVICE, LoadBalancer, Service, rules, services
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, needs, requirement


@requirement("S27", "forwarding", "every mode", core=True)
@for_each(service=services)
def test_the_service_has_its_scheduler_and_real_servers(lb: LoadBalancer, service: Service) -> None:
    """Steps: `ipvsadm -ln`.

    Verify: scheduler and flags; each RS with address, port, forwarding mode and weight.
    """
    declared, seen = service.declared, lb.state.service(service.declared)
    assert seen is not None, f"service {declared.protocol} {service.vip} is not in `ipvsadm -ln`"
    assert seen.scheduler == declared.scheduler, (
        f"{service}: scheduler {declared.scheduler} expected, seen {seen.scheduler}"
    )
    flags = (declared.synproxy, declared.persistence, declared.connection_timeout)
    persistence = seen.persistence.timeout if seen.persistence else None
    listed = (seen.synproxy, persistence, seen.conn_timeout)
    assert listed == flags, (
        f"{service}: synproxy, persistence, connection timeout {flags} expected, seen {listed}"
    )
    targets = lb.deployment.targets(declared)
    wanted = {(str(t.address), t.port, t.forward, t.weight) for t in targets}
    found = {(str(s.endpoint.address), s.endpoint.port, s.forward, s.weight) for s in seen.servers}
    assert found == wanted, (
        f"real servers of {service}: expected {sorted(wanted)}, seen {sorted(found)}"
    )


@requirement("S27")
@needs(ANY_SERVICE)
def test_no_service_shadows_another(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -ln`. Verify: on the declared VIPs there are only declared services."""
    vips = {owned.address for owned in lb.deployment.addresses if owned.use == "vip"}
    declared = {service_id_of(service) for service in lb.deployment.services}
    declared |= {match_of(rule, lb.deployment) for rule in lb.deployment.snat}
    seen = {service.id for service in lb.state.services.services}
    if not seen & declared:
        raise Inconclusive(
            "`ipvsadm -ln` lists none of the declared services: others may be missing too"
        )
    others = [str(one) for one in seen - declared if one.vip is None or one.vip.address in vips]
    assert not others, f"services on our VIPs that are not declared: {', '.join(others)}"


@requirement("FWD-14", protocol=("tcp", "udp"))
@requirement("FWD-15", protocol="icmp")
@for_each(rule=rules)
def test_the_snat_rule_has_its_scheduler_and_addresses(lb: LoadBalancer, rule: Snat) -> None:
    """Steps: `ipvsadm -ln`. Verify: the rule's scheduler, and each WAN address with its weight."""
    wanted_id = match_of(rule, lb.deployment)
    seen = next((one for one in lb.state.services.services if one.id == wanted_id), None)
    assert seen is not None, f"SNAT rule `{wanted_id}` is not in `ipvsadm -ln`"
    assert seen.scheduler == rule.scheduler, (
        f"{rule.name}: scheduler {rule.scheduler} expected, seen {seen.scheduler}"
    )
    targets = lb.deployment.targets(rule)
    wanted = {(str(t.address), t.port, t.forward, t.weight) for t in targets}
    found = {(str(s.endpoint.address), s.endpoint.port, s.forward, s.weight) for s in seen.servers}
    assert found == wanted, (
        f"WAN addresses of {rule.name}: expected {sorted(wanted)}, seen {sorted(found)}"
    )
