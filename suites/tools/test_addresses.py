"""Addresses, as `dpip addr` adds, lists and deletes them (DPI-07 to DPI-09, IP4-01, IP6-01)."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look

ADDRESSES = ("dpip -s addr show", "dpip route show", "dpip -6 route show")


@pytest.mark.requirement("DPI-07", "IP4-01")
@pytest.mark.parametrize("prefix", ["192.0.2.10/32", "198.51.100.10/24"])
def test_an_ipv4_address_is_added_listed_and_deleted(
    operator: Operator, look: Look, prefix: str
) -> None:
    """Steps: `dpip addr add`, `show`, `del`.

    Verify: once on its port, with a route to itself and one to its network; afterwards neither.
    """
    _added_listed_deleted(operator, look, prefix)


@pytest.mark.requirement("DPI-08", "IP6-01")
@pytest.mark.parametrize("prefix", ["2001:db8:ffff::10/128", "2001:db8:ffff:1::10/64"])
def test_an_ipv6_address_is_added_listed_and_deleted(
    operator: Operator, look: Look, prefix: str
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _added_listed_deleted(operator, look, prefix)


@pytest.mark.requirement("DPI-07", "IP4-01")
def test_an_address_keeps_what_it_was_added_with(operator: Operator, look: Look) -> None:
    """Steps: addresses with a broadcast address, a scope, a lifetime, a source-address pool.

    Verify: `dpip -s addr show` has each of them, and only the one with a pool has one.
    """
    dev = f"dev {operator.port}"
    operator.does(f"dpip addr add 198.51.100.11/24 broadcast 198.51.100.255 {dev}")
    operator.does(f"dpip addr add 192.0.2.11/32 {dev} scope link")
    operator.does(f"dpip addr add 192.0.2.12/32 {dev} valid_lft 600")
    operator.does(f"dpip addr add 192.0.2.13/32 {dev} sapool")
    state = look(*ADDRESSES)
    found = {
        str(e.address): (str(e.broadcast or ""), e.scope, e.valid_lft is not None, bool(e.pool))
        for e in state.addresses
        if e.device == operator.port and e.address.version == 4
    }
    wanted = {
        "198.51.100.11": ("198.51.100.255", "global", False, False),
        "192.0.2.11": ("", "link", False, False),
        "192.0.2.12": ("", "global", True, False),
        "192.0.2.13": ("", "global", False, True),
    }
    seen = {address: found.get(address) for address in wanted}
    assert seen == wanted, mismatch("broadcast, scope, lifetime, pool", expected=wanted, seen=seen)


@pytest.mark.requirement("DPI-07", "IP4-01")
def test_an_address_is_listed_for_each_lcore(operator: Operator, look: Look) -> None:
    """Steps: `dpip -s -v addr show`. Verify: the master and every worker know the new address."""
    operator.does(f"dpip addr add 192.0.2.14/32 dev {operator.port}")
    state = look("dpip -s -v addr show", "dpip link show", "dpip -s link show cpu")
    wanted = {lcore for lcore, one in state.lcores.items() if one.plane in ("control", "data")}
    seen = {e.lcore for e in state.lcore_addresses if str(e.address) == "192.0.2.14"}
    assert seen == wanted, mismatch("lcores that know the address", expected=wanted, seen=seen)


@pytest.mark.requirement("DPI-07", "IP4-01")
def test_addresses_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add what exists, what is no address, on what is no port; delete what is not there.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    dev = f"dev {operator.port}"
    operator.does(f"dpip addr add 192.0.2.10/32 {dev}")
    operator.refuses("addr add, existing", f"dpip addr add 192.0.2.10/32 {dev}")
    operator.refuses("addr add, bad address", f"dpip addr add 192.0.2.300/32 {dev}")
    operator.refuses("addr add, bad length", f"dpip addr add 192.0.2.15/33 {dev}")
    operator.refuses("addr add, no such device", "dpip addr add 192.0.2.15/32 dev dpdk99")
    operator.refuses("addr add, device not named", "dpip addr add 192.0.2.15/32")
    operator.refuses("addr add, address not named", f"dpip addr add {dev}")
    operator.refuses("addr del, missing", f"dpip addr del 192.0.2.15/32 {dev}")
    operator.refuses("addr del, no such device", "dpip addr del 192.0.2.10/32 dev dpdk99")
    operator.refuses("addr show, no such device", "dpip addr show dev dpdk99")


@pytest.mark.requirement("DPI-08", "IP6-01")
def test_ipv6_addresses_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: as for IPv4. Verify: the same."""
    dev = f"dev {operator.port}"
    operator.does(f"dpip addr add 2001:db8:ffff::10/128 {dev}")
    operator.refuses("addr add, existing", f"dpip addr add 2001:db8:ffff::10/128 {dev}")
    operator.refuses("addr add, bad address", f"dpip addr add 2001:db8:fffx::1/128 {dev}")
    operator.refuses("addr add, bad length", f"dpip addr add 2001:db8:ffff::11/129 {dev}")
    operator.refuses("addr add, no such device", "dpip addr add 2001:db8:ffff::11/128 dev dpdk99")
    operator.refuses("addr del, missing", f"dpip addr del 2001:db8:ffff::11/128 {dev}")


@pytest.mark.requirement("DPI-09")
def test_all_addresses_of_a_device_are_flushed_and_no_other(operator: Operator, look: Look) -> None:
    """Steps: a device of its own (a VLAN, or the port on no link), three addresses, `addr flush`.

    Verify: all of that device's are gone, with their routes, and nothing of any other.
    """
    device, restore = operator.device_of_its_own()
    before = look(*ADDRESSES)
    for prefix in ("192.0.2.10/32", "198.51.100.10/24", "2001:db8:ffff::10/64"):
        operator.does(f"dpip addr add {prefix} dev {device}")
    added = [e for e in look(*ADDRESSES).addresses if e.device == device]
    assert len(added) >= 3, f"three addresses were added to {device}, seen {len(added)}"
    operator.does(f"dpip addr flush dev {device}", undo=restore)
    after = look(*ADDRESSES)
    left = [str(e.interface) for e in after.addresses if e.device == device]
    assert not left, f"after `dpip addr flush dev {device}` there are still {left}"
    others = {(e.device, e.interface) for e in before.addresses if e.device != device}
    seen = {(e.device, e.interface) for e in after.addresses}
    assert seen == others, mismatch("addresses of other devices", expected=others, seen=seen)


@pytest.mark.requirement("DPI-09")
def test_a_flush_of_no_device_is_refused(operator: Operator) -> None:
    """Steps: flush without a device, and of one that does not exist. Verify: it is refused."""
    operator.refuses("addr flush, device not named", "dpip addr flush")
    operator.refuses("addr flush, no such device", "dpip addr flush dev dpdk99")


def _added_listed_deleted(operator: Operator, look: Look, prefix: str) -> None:
    interface, dev = ip_interface(prefix), f"dev {operator.port}"
    operator.does(f"dpip addr add {prefix} {dev}")
    state = look(*ADDRESSES)
    seen = [(e.device, str(e.interface), e.scope) for e in state.addresses_of(interface.ip)]
    wanted = [(operator.port, prefix, "global")]
    assert seen == wanted, mismatch(f"{prefix} after it was added", expected=wanted, seen=seen)
    routes = {f"{interface.ip}/{interface.max_prefixlen} host"}
    if interface.network.prefixlen < interface.max_prefixlen:
        routes.add(f"{interface.network} link")
    assert _routes(state, operator.port, prefix) == routes, mismatch(
        f"routes that {prefix} brings", expected=routes, seen=_routes(state, operator.port, prefix)
    )
    operator.does(f"dpip addr del {prefix} {dev}", undo=OWN)
    state = look(*ADDRESSES)
    assert not state.addresses_of(interface.ip), f"{prefix} was deleted, and is still there"
    left = _routes(state, operator.port, prefix)
    assert not left, f"{prefix} was deleted, and its routes are still there: {left}"


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
