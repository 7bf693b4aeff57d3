"""VIPs, LIPs and routes as `dpip` lists them (seed 3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment, ExpectedAddress
from dpvs_acceptance.observed.dut import DutState


@pytest.mark.requirement("S25", "DPI-07", "DPI-08")
def test_each_vip_is_on_its_port_and_only_there(dut: DutState, deployment: Deployment) -> None:
    """Steps: `dpip addr show`.

    Verify: each VIP once, on its link's port, as a host address; DPVS's own with their network's.
    """
    words = {"vip": "VIP", "own": "own address"}
    wrong = []
    for owned in (one for one in deployment.addresses if one.use in words):
        seen = [(e.device, e.interface.network.prefixlen) for e in dut.addresses_of(owned.address)]
        wanted = [(owned.port, owned.prefix)]
        if seen != wanted:
            what = f"{words[owned.use]} {owned.address}"
            wrong.append(f"{what}: expected {wanted}, seen {seen or 'nowhere'}")
    assert not wrong, "VIPs are not where they belong: " + "\n".join(wrong)


@pytest.mark.requirement("S26", "DPI-10", "DPI-11")
def test_the_routes_are_the_declared_ones_and_no_other(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: `dpip route show`, also -6. Verify: the set is the declared one.

    Link-local routes, which later versions make by themselves, are left out.
    """
    wanted = {
        (str(route.destination), route.port, route.scope, str(route.via) if route.via else None)
        for route in deployment.routes
    }
    seen = {
        (str(r.network), r.device, r.scope, str(r.via) if r.via else None)
        for r in dut.routes
        if not r.network.is_link_local
    }
    missing = sorted(f"{d} dev {p} scope {s} via {v}" for d, p, s, v in wanted - seen)
    extra = sorted(f"{d} dev {p} scope {s} via {v}" for d, p, s, v in seen - wanted)
    wrong = [f"missing: {r}" for r in missing] + [f"not declared: {r}" for r in extra]
    assert not wrong, "routes are not the declared ones: " + "\n".join(wrong)


@pytest.mark.requirement("S28", "local address")
def test_each_lip_is_a_local_address_of_its_service(
    dut: DutState, deployment: Deployment, fnat_name: str
) -> None:
    """Steps: `ipvsadm -G`. Verify: the service's LIPs are the declared ones."""
    service = deployment.topology.service(fnat_name)
    wanted = set(service.local_addresses)
    seen = dut.local_addresses_of(service)
    assert seen == wanted, (
        f"local addresses of {fnat_name}: expected {[str(a) for a in sorted(wanted, key=str)]}, "
        f"`ipvsadm -G` has {[str(a) for a in sorted(seen, key=str)] or 'none'}"
    )


@pytest.mark.requirement("S28")
def test_each_lip_is_on_its_port_with_free_source_ports(
    dut: DutState, pools: tuple[ExpectedAddress, ...]
) -> None:
    """Steps: `dpip -s addr show`. Verify: each LIP, and each address of SNAT, on its link's port
    with a pool that has room.

    An address added by `dpip addr add` looks right and has no pool (#861): connections then fail.
    """
    wrong = []
    for lip in pools:
        entries = dut.addresses_of(lip.address)
        if [entry.device for entry in entries] != [lip.port]:
            wrong.append(
                f"LIP {lip.address}: expected on {lip.port}, seen on {[e.device for e in entries]}"
            )
        elif entries[0].pool is None:
            wrong.append(f"LIP {lip.address} has no source-address pool: not added by --add-laddr")
        elif entries[0].pool.free == 0:
            wrong.append(f"LIP {lip.address}: no free source port, {entries[0].pool.used} in use")
    assert not wrong, "LIPs cannot work: " + "\n".join(wrong)
