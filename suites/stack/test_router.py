"""DPVS as a router, and IPv6 switched off (IP4-07, IP4-09, IP6-07 to IP6-09)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Client, LoadBalancer, Vip, paths, vips
from dpvs_acceptance.testbed.routing import Routed
from dpvs_acceptance.verdict.causes import Inconclusive
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic


@requirement("IP4-07", family=4)
@requirement("IP6-07", family=6)
@for_each(routed=paths)
def test_packets_of_no_service_are_forwarded(lb: LoadBalancer, routed: Routed) -> None:
    """Steps: a datagram from a client through DPVS to a real server's own address, with forwarding
    off, then on (ipv4_defs or ipv6_defs of dpvs.conf, SIGHUP).

    Verify: off, the real server does not receive it; on, it does, with TTL less one, from the
    port's MAC, otherwise unchanged.
    """
    path = routed.path
    while_off = routed.received(64, deadline=0.5)
    lb.configure(routed.switch, "on", log=routed.switch_log)
    came = routed.received(64)
    assert len(came) == 1, (
        f"forwarding is on: {path.server} receives the datagram {len(came)} times"
    )
    fields = (came[0].mac_src, came[0].src, came[0].dst, came[0].ttl, came[0].checksum)
    wanted = (routed.server_port_mac, path.ends.src, path.ends.dst, 63, "correct")
    assert fields == wanted, mismatch(
        "forwarded datagram: MAC, source, destination, TTL, checksum", expected=wanted, seen=fields
    )
    assert not while_off, f"forwarding was off, but {path.server} received the datagram"


@requirement("IP4-09", family=4)
@requirement("IP6-09", family=6)
@for_each(routed=paths)
def test_a_traceroute_shows_dpvs_as_a_hop(lb: LoadBalancer, routed: Routed) -> None:
    """Steps: forwarding on; a datagram to a real server with TTL 1, then with TTL 2.

    Verify: the first is answered by `time exceeded` from an address of DPVS, which quotes it; the
    second reaches the real server.
    """
    lb.configure(routed.switch, "on", log=routed.switch_log)
    answers = routed.time_exceeded()
    assert answers, f"no `time exceeded` for a datagram with TTL 1 to {routed.path.ends.dst}"
    seen = (answers[0].code, answers[0].checksum)
    assert seen == (0, "correct"), f"time exceeded: code 0 and a correct checksum expected, {seen}"
    own = {str(owned.address) for owned in lb.deployment.addresses}
    assert answers[0].src in own, (
        f"time exceeded is from {answers[0].src}, which is not an address of DPVS"
    )
    ttls = [view.ttl for view in routed.received(2)]
    assert ttls == [1], (
        f"sent with TTL 2: {routed.path.server} receives it with {ttls or 'nothing'}"
    )


@requirement("IP6-08")
@for_each(vip=vips.having(family=6).one)
def test_ipv6_is_switched_off_and_on(lb: LoadBalancer, client: Client, vip: Vip) -> None:
    """Steps: echoes to the IPv6 VIP; ipv6_defs/disable on (dpvs.conf, SIGHUP), again; off, again.

    Verify: answered, not answered while IPv4's are, answered again.
    """
    others = [
        a.address for a in lb.deployment.addresses if (a.use, a.address.version) == ("vip", 4)
    ]

    def answered(target: object) -> int:
        return client.ping(str(target), count=3, deadline=1.5).received

    assert answered(vip) == 3, f"{vip} does not answer before the check"
    lb.configure("ipv6_defs/disable", "on", log="ipv6:disable")
    seen = answered(vip)
    if others and answered(others[0]) != 3:
        raise Inconclusive(f"{others[0]} does not answer either: not only IPv6 is off")
    assert seen == 0, f"IPv6 is off, but {vip} answered {seen} of 3 echoes"
    lb.configure("ipv6_defs/disable", "off", log="ipv6:disable")
    assert answered(vip) == 3, f"IPv6 is on again, but {vip} does not answer"
