"""Bonds: what DPVS says of them, their members' packets, and members that go (DEV-01 to DEV-03)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.dpip import BondMember, LinkStats
from dpvs_acceptance.model.bonds import MODES
from dpvs_acceptance.model.deployment import Port
from dpvs_acceptance.testbed import (
    BONDS,
    Client,
    Link,
    LoadBalancer,
    Service,
    Vip,
    links,
    services,
    vips,
)
from dpvs_acceptance.traffic.outage import Outage, measure
from dpvs_acceptance.verdict.causes import NotSupported
from fixtures.checks import for_each, needs, requirement

pytestmark = needs(BONDS)

BONDED = links.having(bond=tuple(MODES))
ON_BONDS = vips.having(family=4, client_on_link=True)
PORTS = "dpip -s -v link show"
REQUESTS = 40
LEAST_SHARE = 0.25
SWITCH_MS = 500
"""For the switch, which has to find the other member, and for what the measurement itself adds."""
SECONDS = 2.5
LONG_TIMEOUT = 3 * 30.0
"""LACP's, of a bond that did not ask its partner for a PDU a second: DPDK's default."""
PDUS, PERIOD = 2, 30.0
OUTAGES = "outages.json"  # in the check's evidence


@requirement("S36.B07", core=True)
@for_each(link=BONDED)
def test_a_bond_is_as_declared(lb: LoadBalancer, link: Link) -> None:
    """Steps: `dpip link show BOND status`. Verify: mode, MAC, members, primary; all are active."""
    port, status = link.port, lb.bond_status(link.port)
    assert port.bond is not None, f"{link} is on no bond"
    wanted = tuple(
        BondMember(member.name, member.nic.mac, active=True, primary=member.nic == port.nic)
        for member in port.members
    )
    seen = (status.mode, status.mac, status.members)
    assert seen == (port.bond.mode, port.nic.mac, wanted), (
        f"{port.name}: mode {port.bond.mode}, MAC {port.nic.mac}, members {wanted} expected, "
        f"seen {seen}"
    )


@requirement("S36.B07")
@for_each(link=BONDED.one)
def test_what_is_set_of_a_bond_is_shown(lb: LoadBalancer, link: Link) -> None:
    """Steps: `dpip link set BOND bond-…` for each delay, the monitor and the policy, then status.

    Verify: each value is shown, and the others are as before.
    """
    before = lb.bond_status(link.port)
    for item, value, field, shown in (
        ("link-down-prop", "70", "link_down_prop_delay_ms", 70),
        ("link-up-prop", "80", "link_up_prop_delay_ms", 80),
        ("monitor-interval", "50", "link_monitor_ms", 50),
        ("xmit-policy", "layer34", "xmit_policy", "LAYER34"),
    ):
        command = f"dpip link set {link.port.name} bond-{item}"
        lb.run(f"{command} {value}", undo=f"{command} {getattr(before, field)}")
        seen = getattr(lb.bond_status(link.port), field)
        assert seen == shown, f"`{command} {value}`: {field} {shown} expected, {seen} shown"
    now = lb.bond_status(link.port)
    assert (now.mode, now.members) == (before.mode, before.members), f"{before} before, {now} now"


@requirement("S36.B01", "DEV-01", core=True)
@pytest.mark.traffic
@for_each(link=links.having(bond=0), service=services.having(protocol="tcp", family=4).one)
def test_every_member_carries_packets(
    lb: LoadBalancer, client: Client, link: Link, service: Service
) -> None:
    """Steps: requests to a service; counters of the members before and after.

    Verify: each member sent its share, and each received some: the switch chooses there.
    """
    grown = _grown_by_requests(lb, client, link.port, service)
    sent = {name: stats[1] for name, stats in grown.items()}
    least = LEAST_SHARE * sum(sent.values())
    assert min(sent.values()) >= least > 0, f"each should send {least:.0f} packets or more: {sent}"
    received = {name: stats[0] for name, stats in grown.items()}
    assert min(received.values()) > 0, f"a member received nothing: {received}"


@requirement("S36.B03", "DEV-02", core=True)
@pytest.mark.traffic
@for_each(link=links.having(bond=4), service=services.having(protocol="tcp", family=4).one)
def test_the_partner_uses_every_member(
    lb: LoadBalancer, client: Client, link: Link, service: Service
) -> None:
    """Steps: requests to a service; counters of the members before and after.

    Verify: all are answered, and each member received more than LACPDUs: the partner, which uses
    only members in sync, spread the requests over all.
    """
    grown = _grown_by_requests(lb, client, link.port, service)
    received = {name: stats[0] for name, stats in grown.items()}
    assert min(received.values()) > REQUESTS / 8, f"the partner does not use all: {received}"


@requirement("S36.B03", core=True)
@for_each(link=links.having(bond=4))
def test_lacpdus_go_on_without_traffic(lb: LoadBalancer, link: Link) -> None:
    """Steps: counters of the members, read again and again while the run sends nothing.

    Verify: each member sends two PDUs within two of LACP's longest periods.
    """
    first = _counters(lb, link.port)
    give_up = time.monotonic() + PDUS * PERIOD + 1
    while time.monotonic() < give_up:
        grown = _growth(first, _counters(lb, link.port))
        if all(sent >= PDUS for _, sent in grown.values()):
            return
    raise AssertionError(f"received and sent within {PDUS * PERIOD:.0f} s, by member: {grown}")


@requirement("S36.B02", "DEV-03", core=True)
@pytest.mark.traffic
@for_each(vip=ON_BONDS.having(bond=1))
def test_another_member_takes_over(
    lb: LoadBalancer, client: Client, vip: Vip, captures: Path
) -> None:
    """Steps: 1,000 echo requests a second to the VIP; unplug the primary, then plug it in again.

    Verify: status shows the other member; both outages are within the bond's monitor interval and
    delay, and what the switch is given.
    """
    port, near = vip.link.port, client.on_link(vip.link)
    primary = next(member for member in port.members if member.nic == port.nic)
    lb.plug_in(port, primary)  # the first change of a check takes longer than the others
    gone = _outage(near, vip, lambda: lb.unplug(port, primary))
    _require_seen(lb, primary)
    active = [member.name for member in lb.bond_status(port).members if member.active]
    back = _outage(near, vip, lambda: lb.plug_in(port, primary))
    (captures / OUTAGES).write_text(json.dumps({"unplugged": str(gone), "back": str(back)}))
    others = [member.name for member in port.members if member is not primary]
    assert active == others, f"{others} active expected without {primary.name}, seen {active}"
    status = lb.bond_status(port)
    look = status.link_monitor_ms + SWITCH_MS
    _within(gone, look + status.link_down_prop_delay_ms, f"{primary.name} unplugged")
    _within(back, look + status.link_up_prop_delay_ms, f"{primary.name} plugged in")


@requirement("S36.B04", core=True)
@pytest.mark.traffic
@for_each(vip=ON_BONDS.having(bond=4))
def test_traffic_goes_on_without_any_one_member(
    lb: LoadBalancer, client: Client, vip: Vip, captures: Path
) -> None:
    """Steps: 1,000 echo requests a second to the VIP; unplug one member after the other.

    Verify: each outage is within the bond's monitor interval and delay, and what the switch is
    given; the member is inactive meanwhile, and the traffic goes on when it is back.
    """
    port, near = vip.link.port, client.on_link(vip.link)
    seen: dict[str, str] = {}
    for member in port.members:
        lb.plug_in(port, member)  # the first change of a check takes longer than the others
        gone = _outage(near, vip, partial(lb.unplug, port, member))
        seen[member.name] = str(gone)
        (captures / OUTAGES).write_text(json.dumps(seen))
        _require_seen(lb, member)
        status = lb.bond_status(port)
        lb.plug_in(port, member)
        inactive = [one.name for one in status.members if not one.active]
        assert inactive == [member.name], f"{member.name} inactive expected, seen {inactive}"
        bound = status.link_monitor_ms + status.link_down_prop_delay_ms + SWITCH_MS
        _within(gone, bound, f"{member.name} unplugged")
        _until_answered(near, vip, PERIOD)


@requirement("S36.B04", core=True)
@pytest.mark.traffic
@for_each(vip=ON_BONDS.having(bond=4))
def test_a_silent_member_is_left_out(lb: LoadBalancer, client: Client, vip: Vip) -> None:
    """Steps: find the member by which echo replies leave; silence it, so that it keeps its
    carrier and loses every frame; echo requests until they are answered again.

    Verify: that is within LACP's long timeout, which is DPDK's. Until then replies are lost: DPVS
    has no other means to see it.
    """
    port, near = vip.link.port, client.on_link(vip.link)
    before = _counters(lb, port)
    echoes = near.ping(vip, count=REQUESTS, mac=port.nic.mac)
    assert echoes.exact, echoes.report
    grown = _growth(before, _counters(lb, port))
    used = max(port.members, key=lambda member: grown[member.name][1])
    lb.unplug(port, used, silently=True)
    _until_answered(near, vip, LONG_TIMEOUT)


def _counters(lb: LoadBalancer, bond: Port) -> Mapping[str, LinkStats]:
    state = lb.read(PORTS)
    return {member.name: state.link_stats(member.name) for member in bond.members}


def _growth(
    before: Mapping[str, LinkStats], after: Mapping[str, LinkStats]
) -> dict[str, tuple[int, int]]:
    """Packets received and sent meanwhile, by member."""
    return {
        name: (now.ipackets - before[name].ipackets, now.opackets - before[name].opackets)
        for name, now in after.items()
    }


def _grown_by_requests(
    lb: LoadBalancer, client: Client, bond: Port, service: Service
) -> dict[str, tuple[int, int]]:
    before = _counters(lb, bond)
    client.get_all(service, REQUESTS)
    return _growth(before, _counters(lb, bond))


def _outage(near: Client, vip: Vip, deed: Callable[[], object]) -> Outage:
    return measure(near.station, vip.address, vip.link.port.nic.mac, SECONDS, deed)


def _require_seen(lb: LoadBalancer, member: Port) -> None:
    """NotSupported where the port of an unplugged cable is up: its driver does not look at that."""
    if lb.read("dpip link show").link(member.name).status == "UP":
        raise NotSupported(f"{member.name} is UP without its cable: its driver has no carrier")


def _within(outage: Outage, bound: float, what: str) -> None:
    assert outage.over, f"{what}: no answer any more, {outage}"
    assert outage.milliseconds <= bound, f"{what}: {outage}, at most {bound} ms expected"


def _until_answered(near: Client, vip: Vip, seconds: float) -> None:
    """Echo requests, a few at a time, until all of them are answered."""
    give_up = time.monotonic() + seconds
    while not (echoes := near.ping(vip, mac=vip.link.port.nic.mac, deadline=0.5)).exact:
        assert time.monotonic() < give_up, f"not within {seconds:.0f} s: {echoes.report}"
