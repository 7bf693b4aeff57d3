"""Addresses, as `dpip addr` adds, lists and deletes them (DPI-07 to DPI-09, IP4-01, IP6-01)."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.testbed import NO_UNDO, LoadBalancer
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import requirement

PREFIXES = (
    (4, "192.0.2.10/32"),
    (4, "198.51.100.10/24"),
    (6, "2001:db8:ffff::10/128"),
    (6, "2001:db8:ffff:1::10/64"),
)
ADDRESSES = ("dpip -s addr show", "dpip route show", "dpip -6 route show")


@requirement("DPI-07", "IP4-01", family=4)
@requirement("DPI-08", "IP6-01", family=6)
@pytest.mark.parametrize(("family", "prefix"), PREFIXES)
def test_an_address_is_added_listed_and_deleted(lb: LoadBalancer, family: int, prefix: str) -> None:
    """Steps: `dpip addr add`, `show`, `del`.

    Verify: listed once on its port, with a route to itself and one to its network; then neither.
    """
    del family
    interface, dev = ip_interface(prefix), f"dev {lb.spare_port}"
    lb.run(f"dpip addr add {prefix} {dev}")
    state = lb.read(*ADDRESSES)
    seen = [(e.device, str(e.interface), e.scope) for e in state.addresses_of(interface.ip)]
    wanted = [(lb.spare_port, prefix, "global")]
    assert seen == wanted, mismatch(f"{prefix} after it was added", expected=wanted, seen=seen)
    routes = {f"{interface.ip}/{interface.max_prefixlen} host"}
    if interface.network.prefixlen < interface.max_prefixlen:
        routes.add(f"{interface.network} link")
    assert _routes(state, lb.spare_port, prefix) == routes, mismatch(
        f"routes that {prefix} brings", expected=routes, seen=_routes(state, lb.spare_port, prefix)
    )
    lb.run(f"dpip addr del {prefix} {dev}", undo=NO_UNDO)
    state = lb.read(*ADDRESSES)
    assert not state.addresses_of(interface.ip), f"{prefix} was deleted, but is still listed"
    left = _routes(state, lb.spare_port, prefix)
    assert not left, f"{prefix} was deleted, but its routes are still listed: {left}"


@requirement("DPI-07", "IP4-01")
def test_an_address_is_listed_with_its_options(lb: LoadBalancer) -> None:
    """Steps: addresses with a broadcast address, a scope, a lifetime, a source-address pool.

    Verify: `dpip -s addr show` has each of them, and only the one with a pool has one.
    """
    dev = f"dev {lb.spare_port}"
    lb.run(f"dpip addr add 198.51.100.11/24 broadcast 198.51.100.255 {dev}")
    lb.run(f"dpip addr add 192.0.2.11/32 {dev} scope link")
    lb.run(f"dpip addr add 192.0.2.12/32 {dev} valid_lft 600")
    lb.run(f"dpip addr add 192.0.2.13/32 {dev} sapool")
    state = lb.read(*ADDRESSES)
    found = {
        str(e.address): (str(e.broadcast or ""), e.scope, e.valid_lft is not None, bool(e.pool))
        for e in state.addresses
        if e.device == lb.spare_port and e.address.version == 4
    }
    wanted = {
        "198.51.100.11": ("198.51.100.255", "global", False, False),
        "192.0.2.11": ("", "link", False, False),
        "192.0.2.12": ("", "global", True, False),
        "192.0.2.13": ("", "global", False, True),
    }
    seen = {address: found.get(address) for address in wanted}
    assert seen == wanted, mismatch("broadcast, scope, lifetime, pool", expected=wanted, seen=seen)


@requirement("DPI-07", "IP4-01")
def test_an_address_is_listed_for_each_lcore(lb: LoadBalancer) -> None:
    """Steps: `dpip -s -v addr show`. Verify: the master and every worker know the new address."""
    lb.run(f"dpip addr add 192.0.2.14/32 dev {lb.spare_port}")
    state = lb.read("dpip -s -v addr show", "dpip link show", "dpip -s link show cpu")
    wanted = {lcore for lcore, one in state.lcores.items() if one.plane in ("control", "data")}
    seen = {e.lcore for e in state.lcore_addresses if str(e.address) == "192.0.2.14"}
    assert seen == wanted, mismatch("lcores that know the address", expected=wanted, seen=seen)


@requirement("DPI-07", "IP4-01")
def test_invalid_addresses_are_refused(lb: LoadBalancer) -> None:
    """Steps: add an existing address, an invalid one, one on no port; delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    dev = f"dev {lb.spare_port}"
    lb.run(f"dpip addr add 192.0.2.10/32 {dev}")
    lb.refuses("addr add, existing", f"dpip addr add 192.0.2.10/32 {dev}")
    lb.refuses("addr add, bad address", f"dpip addr add 192.0.2.300/32 {dev}")
    lb.refuses("addr add, bad length", f"dpip addr add 192.0.2.15/33 {dev}")
    lb.refuses("addr add, no such device", "dpip addr add 192.0.2.15/32 dev dpdk99")
    lb.refuses("addr add, device not named", "dpip addr add 192.0.2.15/32")
    lb.refuses("addr add, address not named", f"dpip addr add {dev}")
    lb.refuses("addr del, missing", f"dpip addr del 192.0.2.15/32 {dev}")
    lb.refuses("addr del, no such device", "dpip addr del 192.0.2.10/32 dev dpdk99")
    lb.refuses("addr show, no such device", "dpip addr show dev dpdk99")


@requirement("DPI-08", "IP6-01")
def test_invalid_ipv6_addresses_are_refused(lb: LoadBalancer) -> None:
    """Steps: the same over IPv6. Verify: the same."""
    dev = f"dev {lb.spare_port}"
    lb.run(f"dpip addr add 2001:db8:ffff::10/128 {dev}")
    lb.refuses("addr add, existing", f"dpip addr add 2001:db8:ffff::10/128 {dev}")
    lb.refuses("addr add, bad address", f"dpip addr add 2001:db8:fffx::1/128 {dev}")
    lb.refuses("addr add, bad length", f"dpip addr add 2001:db8:ffff::11/129 {dev}")
    lb.refuses("addr add, no such device", "dpip addr add 2001:db8:ffff::11/128 dev dpdk99")
    lb.refuses("addr del, missing", f"dpip addr del 2001:db8:ffff::11/128 {dev}")


@requirement("DPI-09")
def test_a_flush_deletes_all_addresses_of_one_device(lb: LoadBalancer) -> None:
    """Steps: an unused device (a VLAN, or the port on no link), three addresses, `addr flush`.

    Verify: all of that device's are gone, with their routes, and nothing of any other.
    """
    device, restore = lb.unused_device()
    before = lb.read(*ADDRESSES)
    for prefix in ("192.0.2.10/32", "198.51.100.10/24", "2001:db8:ffff::10/64"):
        lb.run(f"dpip addr add {prefix} dev {device}")
    added = [e for e in lb.read(*ADDRESSES).addresses if e.device == device]
    assert len(added) >= 3, f"three addresses were added to {device}, seen {len(added)}"
    lb.run(f"dpip addr flush dev {device}", undo=restore)
    after = lb.read(*ADDRESSES)
    left = [str(e.interface) for e in after.addresses if e.device == device]
    assert not left, f"after `dpip addr flush dev {device}` there are still {left}"
    others = {(e.device, e.interface) for e in before.addresses if e.device != device}
    seen = {(e.device, e.interface) for e in after.addresses}
    assert seen == others, mismatch("addresses of other devices", expected=others, seen=seen)


@requirement("DPI-09")
def test_a_flush_of_no_device_is_refused(lb: LoadBalancer) -> None:
    """Steps: flush without a device, and of one that does not exist. Verify: it is refused."""
    lb.refuses("addr flush, device not named", "dpip addr flush")
    lb.refuses("addr flush, no such device", "dpip addr flush dev dpdk99")


def _routes(state: DutState, port: str, prefix: str) -> set[str]:
    """Routes on `port` to anything of the network of `prefix`, with their scopes."""
    network = ip_interface(prefix).network
    return {
        f"{route.network} {route.scope}"
        for route in state.routes
        if route.device == port
        and route.network.version == network.version
        and route.network.network_address in network
    }
