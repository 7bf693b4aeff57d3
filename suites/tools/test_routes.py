"""Routes, as `dpip route` adds, lists and deletes them (DPI-10 to DPI-13, IP4-02, IP6-02)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dpvs_acceptance.dpvs.dpip import Route, parse_routes
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.verdict.causes import NotSupported
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look

ROUTES = ("dpip route show", "dpip -6 route show")
# What is typed behind `route add`, and how the route is then listed: via, scope.
KINDS4 = {
    "network": ("192.0.2.0/24", None, "link"),
    "host": ("192.0.2.7/32", None, "link"),
    "gateway": ("192.0.2.0/24 via 198.51.100.254", "198.51.100.254", "global"),
    "kni": ("192.0.2.8/32 scope kni_host", None, "kni_host"),
    "own": ("192.0.2.9/32 scope host", None, "host"),
}
KINDS6 = {
    "network": ("2001:db8:ffff::/64", None, "link"),
    "host": ("2001:db8:ffff::7/128", None, "link"),
    "gateway": ("2001:db8:ffff::/64 via 2001:db8:fffe::fe", "2001:db8:fffe::fe", "global"),
    "kni": ("2001:db8:ffff::8/128 scope kni_host", None, "kni_host"),
    "own": ("2001:db8:ffff::9/128 scope host", None, "host"),
}


@pytest.mark.requirement("DPI-10", "IP4-02")
@pytest.mark.parametrize("kind", KINDS4)
def test_an_ipv4_route_is_added_listed_and_deleted(
    operator: Operator, look: Look, kind: str
) -> None:
    """Steps: `dpip route add`, `show`, `del`. Verify: once, as it was added; then not any more."""
    _added_listed_deleted(operator, look, "dpip route", *KINDS4[kind])


@pytest.mark.requirement("DPI-11", "IP6-02")
@pytest.mark.parametrize("kind", KINDS6)
def test_an_ipv6_route_is_added_listed_and_deleted(
    operator: Operator, look: Look, kind: str
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _added_listed_deleted(operator, look, "dpip -6 route", *KINDS6[kind])


@pytest.mark.requirement("DPI-10", "IP4-02")
def test_a_route_keeps_what_it_was_added_with(operator: Operator, look: Look) -> None:
    """Steps: routes with src, mtu and metric, IPv4 and IPv6. Verify: they are listed with them."""
    dev = f"dev {operator.port}"
    operator.does(f"dpip route add 192.0.2.0/24 {dev} src 198.51.100.9 mtu 1400 metric 5")
    operator.does(f"dpip -6 route add 2001:db8:ffff::/64 {dev} src 2001:db8:fffe::9 mtu 1400")
    found = {str(r.network): (str(r.source), r.mtu, r.metric) for r in look(*ROUTES).routes}
    wanted = {
        "192.0.2.0/24": ("198.51.100.9", 1400, 5),
        "2001:db8:ffff::/64": ("2001:db8:fffe::9", 1400, None),
    }
    seen = {network: found.get(network) for network in wanted}
    assert seen == wanted, mismatch("src, mtu, metric", expected=wanted, seen=seen)


@pytest.mark.requirement("DPI-10", "IP4-02")
def test_the_ipv4_default_route_is_added_listed_and_deleted(
    operator: Operator, look: Look, deployment: Deployment
) -> None:
    """Steps: take the declared default route away and add it again; where there is none, add one
    and delete it.

    Verify: it is listed while it is there, and only then.
    """
    _default_route(operator, look, deployment, 4, "dpip route", "198.51.100.254")


@pytest.mark.requirement("DPI-11", "IP6-02")
def test_the_ipv6_default_route_is_added_listed_and_deleted(
    operator: Operator, look: Look, deployment: Deployment
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _default_route(operator, look, deployment, 6, "dpip -6 route", "2001:db8:ffff::fe")


@pytest.mark.requirement("DPI-10", "IP4-02")
def test_routes_that_cannot_be_are_refused(operator: Operator, look: Look) -> None:
    """Steps: add what exists, what is no address, on what is no port; delete what is not there.

    Verify: each ends as the tool of this version ends, and the route that exists is there once.
    """
    dev = f"dev {operator.port}"
    operator.does(f"dpip route add 192.0.2.0/24 {dev}")
    operator.refuses("route add, existing", f"dpip route add 192.0.2.0/24 {dev}")
    operator.refuses("route add, bad address", f"dpip route add 192.0.2.300/24 {dev}")
    operator.refuses("route add, no such device", "dpip route add 198.51.100.0/24 dev dpdk99")
    operator.refuses("route add, device not named", "dpip route add 198.51.100.0/24")
    operator.refuses("route add, prefix not named", f"dpip route add {dev}")
    operator.refuses("route set", f"dpip route set 192.0.2.0/24 via 198.51.100.254 {dev}")
    operator.refuses("route del, missing", f"dpip route del 198.51.100.0/24 {dev}")
    seen = [r for r in look(*ROUTES).routes if str(r.network) == "192.0.2.0/24"]
    assert len(seen) == 1, f"192.0.2.0/24 was added twice, and is listed {len(seen)} times"


@pytest.mark.requirement("DPI-11", "IP6-02")
def test_ipv6_routes_that_cannot_be_are_refused(operator: Operator, look: Look) -> None:
    """Steps: as for IPv4. Verify: the same."""
    dev, prefix = f"dev {operator.port}", "2001:db8:ffff::/64"
    operator.does(f"dpip -6 route add {prefix} {dev}")
    operator.refuses("-6 route add, existing", f"dpip -6 route add {prefix} {dev}")
    operator.refuses("route add, bad address", f"dpip -6 route add 2001:db8:fffx::/64 {dev}")
    operator.refuses("route add, no such device", f"dpip -6 route add {prefix} dev dpdk99")
    operator.refuses("route add, device not named", "dpip -6 route add 2001:db8:fffe::/64")
    operator.refuses("route set", f"dpip -6 route set {prefix} via 2001:db8:fffe::fe {dev}")
    operator.refuses("-6 route del, missing", f"dpip -6 route del 2001:db8:fffe::/64 {dev}")
    seen = [r for r in look(*ROUTES).routes if str(r.network) == prefix]
    assert len(seen) == 1, f"{prefix} was added twice, and is listed {len(seen)} times"


@pytest.mark.requirement("DPI-12")
def test_the_routes_of_a_device_are_flushed_and_no_other(
    operator: Operator, look: Look, facts: VersionFacts
) -> None:
    """Steps: a device of its own, routes of both families on it, `dpip route flush dev DEV`.

    Verify: all routes of that device are gone, and no other.
    """
    if "{}" not in facts.route_flush:
        told = " ".join(operator.ask("dpip route help").words.split())
        raise NotSupported(f"`dpip route help` knows no flush of one device: {told}")
    device, restore = operator.device_of_its_own()
    others = {_key(route) for route in look(*ROUTES).routes if route.device != device}
    added = {"192.0.2.0/24", "2001:db8:ffff::/64"}
    operator.does(f"dpip route add 192.0.2.0/24 dev {device}")
    operator.does(f"dpip -6 route add 2001:db8:ffff::/64 dev {device}")
    listed = {str(one.network) for one in look(*ROUTES).routes if one.device == device}
    assert added <= listed, f"{sorted(added)} were added on {device}, seen {sorted(listed)}"
    for tool in ("dpip", "dpip -6"):
        operator.does(f"{tool} {facts.route_flush.format(device)}", undo=_anew(restore))
    after = look(*ROUTES).routes
    left = [f"{route.network} {route.scope}" for route in after if route.device == device]
    assert not left, f"after `dpip route flush dev {device}` there are still {left}"
    seen = {_key(route) for route in after}
    assert seen == others, mismatch("routes of other devices", expected=others, seen=seen)


@pytest.mark.requirement("DPI-12")
def test_a_route_flush_of_no_device_is_refused(operator: Operator) -> None:
    """Steps: flush without a device, and of one that does not exist. Verify: it is refused."""
    operator.refuses("route flush, device not named", "dpip route flush")
    operator.refuses("route flush, no such device", "dpip route flush dev dpdk99")


@pytest.mark.requirement("DPI-13")
def test_outwall_routes_are_in_a_table_of_their_own(
    operator: Operator, look: Look, facts: VersionFacts
) -> None:
    """Steps: `dpip route add … table outwall`, `show table outwall`, `del`; up to 1.8.

    Verify: the route is in that table and not in the main one, and is gone when deleted.
    """
    route = f"192.0.2.0/24 via 198.51.100.254 dev {operator.port} table outwall"
    answer = operator.do(f"dpip route add {route}")
    if answer.exit_status and not facts.route_tos_and_outwall:
        raise NotSupported(f"DPVS {facts.version}: `{answer.command}`: {answer.shown}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    outwall = _table(operator, "dpip route show table outwall")
    assert "192.0.2.0/24" in outwall, f"`dpip route show table outwall` has {outwall or 'nothing'}"
    main = {str(one.network) for one in look(*ROUTES).routes}
    assert "192.0.2.0/24" not in main, "a route of `table outwall` is in the main table as well"
    operator.does(f"dpip route del {route}", undo=OWN)
    left = _table(operator, "dpip route show table outwall")
    assert "192.0.2.0/24" not in left, f"it was deleted, and is still there: {left}"


def _table(operator: Operator, command: str) -> list[str]:
    return [str(route.network) for route in parse_routes(operator.ask(command).stdout, command)]


def _key(route: Route) -> str:
    return f"{route.network} dev {route.device} via {route.via} scope {route.scope}"


def _anew(restore: Sequence[str]) -> list[str]:
    """An address that is still there brings its routes back only when it is added anew."""
    return [line for one in restore for line in (one.replace(" add ", " del ", 1), one)]


def _added_listed_deleted(
    operator: Operator, look: Look, tool: str, words: str, via: str | None, scope: str
) -> None:
    prefix, *how = words.split()
    operator.does(f"{tool} add {prefix} {' '.join([*how, 'dev', operator.port])}")
    found = [route for route in look(*ROUTES).routes if str(route.network) == prefix]
    seen = [(one.device, str(one.via) if one.via else None, one.scope) for one in found]
    wanted = [(operator.port, via, scope)]
    assert seen == wanted, mismatch(
        f"{prefix} after it was added (port, via, scope)", expected=wanted, seen=seen
    )
    operator.does(f"{tool} del {prefix} {' '.join([*how, 'dev', operator.port])}", undo=OWN)
    left = [_key(route) for route in look(*ROUTES).routes if str(route.network) == prefix]
    assert not left, f"{prefix} was deleted, and is still there: {left}"


def _default_route(
    operator: Operator, look: Look, deployment: Deployment, version: int, tool: str, other: str
) -> None:
    declared = [
        route
        for route in deployment.declared_routes
        if route.scope == "global" and route.destination.version == version
    ]
    via, port = (declared[0].via, declared[0].port) if declared else (other, operator.port)
    route = f"default via {via} dev {port}"

    def listed() -> list[tuple[str, str]]:
        routes = (one for one in look(*ROUTES).routes if one.destination.version == version)
        return [(str(one.via), one.device) for one in routes if one.is_default]

    there = [(str(via), port)]
    # Added, whatever is missing when the check ends; an existing one stays as it is.
    again = f"{tool} add {route}" if declared else OWN
    if declared:
        assert listed() == there, mismatch("the default route", expected=there, seen=listed())
        operator.does(f"{tool} del {route}", undo=again)
    assert not listed(), f"there is no default route, and it is listed: {listed()}"
    operator.does(f"{tool} add {route}", undo=OWN if declared else f"{tool} del {route}")
    assert listed() == there, mismatch("the default route", expected=there, seen=listed())
    if not declared:
        operator.does(f"{tool} del {route}", undo=OWN)
        assert not listed(), f"the default route was deleted, and is still there: {listed()}"
