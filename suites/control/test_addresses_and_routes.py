"""VIPs, LIPs and routes as `dpip` and `ipvsadm` list them (deployment guide, 3)."""

from __future__ import annotations

from dpvs_acceptance.testbed import SOURCE_PORT_POOLS, LoadBalancer, Service, services
from fixtures.checks import for_each, needs, requirement


@requirement("S25", "DPI-07", "DPI-08", core=True)
def test_each_vip_is_on_its_port_and_only_there(lb: LoadBalancer) -> None:
    """Steps: `dpip addr show`.

    Verify: each VIP once, on its link's port, as a host address; DPVS's own addresses once, on
    their port, with their network's prefix length.
    """
    words = {"vip": "VIP", "own": "own address"}
    wrong = []
    for owned in (one for one in lb.deployment.addresses if one.use in words):
        entries = lb.state.addresses_of(owned.address)
        seen = [(e.device, e.interface.network.prefixlen) for e in entries]
        wanted = [(owned.port, owned.prefix)]
        if seen != wanted:
            what = f"{words[owned.use]} {owned.address}"
            wrong.append(f"{what}: expected {wanted}, seen {seen or 'on no port'}")
    assert not wrong, "addresses are not on their ports: " + "\n".join(wrong)


@requirement("S26", "DPI-10", "DPI-11", core=True)
def test_the_routes_are_the_declared_ones_and_no_other(lb: LoadBalancer) -> None:
    """Steps: `dpip route show`, also -6. Verify: the routes are exactly the declared ones.

    Link-local routes, which later versions add themselves, are left out.
    """
    wanted = {
        (str(route.destination), route.port, route.scope, str(route.via) if route.via else None)
        for route in lb.deployment.routes
    }
    seen = {
        (str(r.network), r.device, r.scope, str(r.via) if r.via else None)
        for r in lb.state.routes
        if not r.network.is_link_local
    }
    missing = sorted(f"{d} dev {p} scope {s} via {v}" for d, p, s, v in wanted - seen)
    extra = sorted(f"{d} dev {p} scope {s} via {v}" for d, p, s, v in seen - wanted)
    wrong = [f"missing: {r}" for r in missing] + [f"not declared: {r}" for r in extra]
    assert not wrong, "routes are not the declared ones: " + "\n".join(wrong)


@requirement("S28", "local address", core=True)
@for_each(service=services.having(mode="fullnat"))
def test_each_lip_is_a_local_address_of_its_service(lb: LoadBalancer, service: Service) -> None:
    """Steps: `ipvsadm -G`. Verify: the service's LIPs are the declared ones."""
    seen = {str(address) for address in lb.state.local_addresses_of(service.declared)}
    assert seen == service.lips, (
        f"local addresses of {service}: expected {sorted(service.lips)}, "
        f"`ipvsadm -G` has {sorted(seen) or 'none'}"
    )


@requirement("S28")
@needs(SOURCE_PORT_POOLS)
def test_each_lip_is_on_its_port_with_free_source_ports(lb: LoadBalancer) -> None:
    """Steps: `dpip -s addr show`. Verify: each LIP, and each address of SNAT, is on its link's
    port, with a pool that has free source ports.

    An address added by `dpip addr add` is listed alike, but has no pool (#861): connections fail.
    """
    wrong = []
    for lip in (owned for owned in lb.deployment.addresses if owned.has_pool):
        entries = lb.state.addresses_of(lip.address)
        if [entry.device for entry in entries] != [lip.port]:
            wrong.append(
                f"LIP {lip.address}: expected on {lip.port}, seen on {[e.device for e in entries]}"
            )
        elif entries[0].pool is None:
            wrong.append(f"LIP {lip.address} has no source-address pool: not added by --add-laddr")
        elif entries[0].pool.free == 0:
            wrong.append(f"LIP {lip.address}: no free source port, {entries[0].pool.used} in use")
    assert not wrong, "LIPs cannot be used: " + "\n".join(wrong)
