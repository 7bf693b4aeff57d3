"""Routes, as `dpip route` adds, lists and deletes them (DPI-10 to DPI-13, IP4-02, IP6-02)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dpvs_acceptance.dpvs.dpip import Route, parse_routes
from dpvs_acceptance.testbed import NO_UNDO, LoadBalancer
from dpvs_acceptance.verdict.causes import NotSupported
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import requirement

ROUTES = ("dpip route show", "dpip -6 route show")
# What is typed behind `route add`, and how the route is then listed: via, scope.
KINDS = (
    (4, "network", "192.0.2.0/24", None, "link"),
    (4, "host", "192.0.2.7/32", None, "link"),
    (4, "gateway", "192.0.2.0/24 via 198.51.100.254", "198.51.100.254", "global"),
    (4, "kni", "192.0.2.8/32 scope kni_host", None, "kni_host"),
    (4, "own", "192.0.2.9/32 scope host", None, "host"),
    (6, "network", "2001:db8:ffff::/64", None, "link"),
    (6, "host", "2001:db8:ffff::7/128", None, "link"),
    (6, "gateway", "2001:db8:ffff::/64 via 2001:db8:fffe::fe", "2001:db8:fffe::fe", "global"),
    (6, "kni", "2001:db8:ffff::8/128 scope kni_host", None, "kni_host"),
    (6, "own", "2001:db8:ffff::9/128 scope host", None, "host"),
)
TOOL = {4: "dpip route", 6: "dpip -6 route"}
OTHER_GATEWAY = {4: "198.51.100.254", 6: "2001:db8:ffff::fe"}


@requirement("DPI-10", "IP4-02", family=4)
@requirement("DPI-11", "IP6-02", family=6)
@pytest.mark.parametrize(
    ("family", "added"), [(one[0], one[2:]) for one in KINDS], ids=[f"{k}{f}" for f, k, *_ in KINDS]
)
def test_a_route_is_added_listed_and_deleted(
    lb: LoadBalancer, family: int, added: tuple[str, str | None, str]
) -> None:
    """Steps: `dpip route add`, `show`, `del`. Verify: listed once, as added; then not any more."""
    words, via, scope = added
    tool = TOOL[family]
    prefix, *how = words.split()
    lb.run(f"{tool} add {prefix} {' '.join([*how, 'dev', lb.spare_port])}")
    found = [route for route in lb.read(*ROUTES).routes if str(route.network) == prefix]
    seen = [(one.device, str(one.via) if one.via else None, one.scope) for one in found]
    wanted = [(lb.spare_port, via, scope)]
    assert seen == wanted, mismatch(
        f"{prefix} after it was added (port, via, scope)", expected=wanted, seen=seen
    )
    lb.run(f"{tool} del {prefix} {' '.join([*how, 'dev', lb.spare_port])}", undo=NO_UNDO)
    left = [_key(route) for route in lb.read(*ROUTES).routes if str(route.network) == prefix]
    assert not left, f"{prefix} was deleted, but is still listed: {left}"


@requirement("DPI-10", "IP4-02")
def test_a_route_is_listed_with_its_options(lb: LoadBalancer) -> None:
    """Steps: routes with src, mtu and metric, IPv4 and IPv6. Verify: they are listed with them."""
    dev = f"dev {lb.spare_port}"
    lb.run(f"dpip route add 192.0.2.0/24 {dev} src 198.51.100.9 mtu 1400 metric 5")
    lb.run(f"dpip -6 route add 2001:db8:ffff::/64 {dev} src 2001:db8:fffe::9 mtu 1400")
    found = {str(r.network): (str(r.source), r.mtu, r.metric) for r in lb.read(*ROUTES).routes}
    wanted = {
        "192.0.2.0/24": ("198.51.100.9", 1400, 5),
        "2001:db8:ffff::/64": ("2001:db8:fffe::9", 1400, None),
    }
    seen = {network: found.get(network) for network in wanted}
    assert seen == wanted, mismatch("src, mtu, metric", expected=wanted, seen=seen)


@requirement("DPI-10", "IP4-02", family=4)
@requirement("DPI-11", "IP6-02", family=6)
@pytest.mark.parametrize("family", [4, 6])
def test_the_default_route_is_added_listed_and_deleted(lb: LoadBalancer, family: int) -> None:
    """Steps: delete the declared default route and add it again; if none is declared, add one and
    delete it.

    Verify: it is listed while it exists, and only then.
    """
    tool = TOOL[family]
    declared = [
        route
        for route in lb.deployment.declared_routes
        if route.scope == "global" and route.destination.version == family
    ]
    via, port = (
        (declared[0].via, declared[0].port) if declared else (OTHER_GATEWAY[family], lb.spare_port)
    )
    route = f"default via {via} dev {port}"

    def listed() -> list[tuple[str, str]]:
        routes = (one for one in lb.read(*ROUTES).routes if one.destination.version == family)
        return [(str(one.via), one.device) for one in routes if one.is_default]

    there = [(str(via), port)]
    # Adds the route if it is missing when the check ends.
    again = f"{tool} add {route}" if declared else NO_UNDO
    if declared:
        assert listed() == there, mismatch("the default route", expected=there, seen=listed())
        lb.run(f"{tool} del {route}", undo=again)
    assert not listed(), f"no default route expected, listed: {listed()}"
    lb.run(f"{tool} add {route}", undo=NO_UNDO if declared else f"{tool} del {route}")
    assert listed() == there, mismatch("the default route", expected=there, seen=listed())
    if not declared:
        lb.run(f"{tool} del {route}", undo=NO_UNDO)
        assert not listed(), f"the default route was deleted, but is still listed: {listed()}"


@requirement("DPI-10", "IP4-02")
def test_invalid_routes_are_refused(lb: LoadBalancer) -> None:
    """Steps: add an existing route, an invalid one, one on no port; delete a missing one.

    Verify: each command fails as in this version, and the existing route is listed once.
    """
    dev = f"dev {lb.spare_port}"
    lb.run(f"dpip route add 192.0.2.0/24 {dev}")
    lb.refuses("route add, existing", f"dpip route add 192.0.2.0/24 {dev}")
    lb.refuses("route add, bad address", f"dpip route add 192.0.2.300/24 {dev}")
    lb.refuses("route add, no such device", "dpip route add 198.51.100.0/24 dev dpdk99")
    lb.refuses("route add, device not named", "dpip route add 198.51.100.0/24")
    lb.refuses("route add, prefix not named", f"dpip route add {dev}")
    lb.refuses("route set", f"dpip route set 192.0.2.0/24 via 198.51.100.254 {dev}")
    lb.refuses("route del, missing", f"dpip route del 198.51.100.0/24 {dev}")
    seen = [r for r in lb.read(*ROUTES).routes if str(r.network) == "192.0.2.0/24"]
    assert len(seen) == 1, f"192.0.2.0/24 was added twice, but is listed {len(seen)} times"


@requirement("DPI-11", "IP6-02")
def test_invalid_ipv6_routes_are_refused(lb: LoadBalancer) -> None:
    """Steps: the same over IPv6. Verify: the same."""
    dev, prefix = f"dev {lb.spare_port}", "2001:db8:ffff::/64"
    lb.run(f"dpip -6 route add {prefix} {dev}")
    lb.refuses("-6 route add, existing", f"dpip -6 route add {prefix} {dev}")
    lb.refuses("route add, bad address", f"dpip -6 route add 2001:db8:fffx::/64 {dev}")
    lb.refuses("route add, no such device", f"dpip -6 route add {prefix} dev dpdk99")
    lb.refuses("route add, device not named", "dpip -6 route add 2001:db8:fffe::/64")
    lb.refuses("route set", f"dpip -6 route set {prefix} via 2001:db8:fffe::fe {dev}")
    lb.refuses("-6 route del, missing", f"dpip -6 route del 2001:db8:fffe::/64 {dev}")
    seen = [r for r in lb.read(*ROUTES).routes if str(r.network) == prefix]
    assert len(seen) == 1, f"{prefix} was added twice, but is listed {len(seen)} times"


@requirement("DPI-12")
def test_a_flush_deletes_all_routes_of_one_device(lb: LoadBalancer) -> None:
    """Steps: an unused device, routes of both families on it, `dpip route flush dev DEV`.

    Verify: all routes of that device are gone, and no other.
    """
    if "{}" not in lb.version.route_flush:
        words = " ".join(lb.query("dpip route help").words.split())
        raise NotSupported(f"`dpip route help` has no flush of one device: {words}")
    device, restore = lb.unused_device()
    others = {_key(route) for route in lb.read(*ROUTES).routes if route.device != device}
    added = {"192.0.2.0/24", "2001:db8:ffff::/64"}
    lb.run(f"dpip route add 192.0.2.0/24 dev {device}")
    lb.run(f"dpip -6 route add 2001:db8:ffff::/64 dev {device}")
    listed = {str(one.network) for one in lb.read(*ROUTES).routes if one.device == device}
    assert added <= listed, f"{sorted(added)} were added on {device}, seen {sorted(listed)}"
    for tool in ("dpip", "dpip -6"):
        lb.run(f"{tool} {lb.version.route_flush.format(device)}", undo=_again(restore))
    after = lb.read(*ROUTES).routes
    left = [f"{route.network} {route.scope}" for route in after if route.device == device]
    assert not left, f"after `dpip route flush dev {device}` there are still {left}"
    seen = {_key(route) for route in after}
    assert seen == others, mismatch("routes of other devices", expected=others, seen=seen)


@requirement("DPI-12")
def test_a_route_flush_of_no_device_is_refused(lb: LoadBalancer) -> None:
    """Steps: flush without a device, and of one that does not exist. Verify: it is refused."""
    lb.refuses("route flush, device not named", "dpip route flush")
    lb.refuses("route flush, no such device", "dpip route flush dev dpdk99")


@requirement("DPI-13")
def test_outwall_routes_are_in_a_table_of_their_own(lb: LoadBalancer) -> None:
    """Steps: `dpip route add … table outwall`, `show table outwall`, `del`; up to 1.8.

    Verify: the route is in that table and not in the main one, and is gone when deleted.
    """
    route = f"192.0.2.0/24 via 198.51.100.254 dev {lb.spare_port} table outwall"
    answer = lb.attempt(f"dpip route add {route}")
    if answer.exit_status and not lb.version.route_tos_and_outwall:
        raise NotSupported(f"DPVS {lb.version.version}: `{answer.command}`: {answer.shown}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    outwall = _table(lb, "dpip route show table outwall")
    assert "192.0.2.0/24" in outwall, f"`dpip route show table outwall` has {outwall or 'nothing'}"
    main = {str(one.network) for one in lb.read(*ROUTES).routes}
    assert "192.0.2.0/24" not in main, "a route of `table outwall` is in the main table as well"
    lb.run(f"dpip route del {route}", undo=NO_UNDO)
    left = _table(lb, "dpip route show table outwall")
    assert "192.0.2.0/24" not in left, f"it was deleted, but is still listed: {left}"


def _table(lb: LoadBalancer, command: str) -> list[str]:
    return [str(route.network) for route in parse_routes(lb.query(command).stdout, command)]


def _key(route: Route) -> str:
    return f"{route.network} dev {route.device} via {route.via} scope {route.scope}"


def _again(restore: Sequence[str]) -> list[str]:
    """An existing address restores its routes only if it is deleted and added again."""
    return [line for one in restore for line in (one.replace(" add ", " del ", 1), one)]
