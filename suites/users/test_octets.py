"""Flows of which every octet is verified at both ends: sizes, ways to end, many UDP flows."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Service, Users, services
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, Request, UdpFlow
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic

# Around what stands between a user and the wire: the least MSS of IPv4 and IPv6, that of Ethernet
# with and without timestamps and TOA, several segments, a window; and 1 MB.
MSS = (536, 1220, 1432, 1440, 1448, 1460)
BODIES = sorted({1, 2, 600, 1000, *(m + d for m in MSS for d in (-1, 0, 1)), 2896, 4096, 65_536})
LARGE = Dialogue((Request(up=1_000_000, down=1_000_000),))
# Up to what Ethernet takes over IPv6; UOA leaves no room in the last ones.
DATAGRAMS = (1, 11, 12, 100, 508, 1200, 1400, 1436, 1440, 1444, 1448, 1452)
UNREAD, SLOW = 100_000, 200_000  # octets, and octets a second
FLOWS, LONG, PARALLEL = 100, 100, 250  # UDP flows, and datagrams of a long one

TIMED = (50, 300, 1000, 1410) * 5
MEDIAN, SLOWEST = 0.05, 0.2  # seconds, as in test_requests.py

plain = services.having(plain=True)
plain_tcp = services.having(plain=True, protocol="tcp")
plain_udp = services.having(plain=True, protocol="udp")


@requirement("USR-01", core=True)
@for_each(service=plain_tcp)
def test_bodies_of_every_size_arrive_whole(users: Users, service: Service) -> None:
    """Steps: from every client, connections with a body of each size to the suite's server and
    back; one of them with 1 MB each way.

    Verify: each octet of each body arrives, and each packet is correct on both sides.
    """
    asked = [Dialogue((Request(up=size, down=1), Request(down=size))) for size in BODIES]
    with users.own_servers(service) as own:
        served = users.talk(own, asked, also=[LARGE])
    assert served.exact, served.report


@requirement("USR-02", core=True)
@for_each(service=plain_udp)
def test_datagrams_of_every_size_are_answered(users: Users, service: Service) -> None:
    """Steps: from every client a flow for each size, four datagrams each; answers of the same and
    of other sizes.

    Verify: each octet arrives, each packet is correct on both sides, and only the first ones have
    UOA.
    """
    asked = [UdpFlow((Datagram(up, down),) * 4) for up in DATAGRAMS for down in {up, 1200}]
    with users.own_servers(service) as own:
        served = users.talk(own, udp=asked)
    assert served.exact, served.report


@requirement("USR-06", core=True)
@for_each(service=plain)
def test_large_answers_come_in_time(users: Users, service: Service) -> None:
    """Steps: from every client, bodies or datagrams of several sizes to the suite's server and
    back, one after the other.

    Verify: the times to the first octet of the answer are within the limits, in the median and at
    the 95th percentile.
    """
    with users.own_servers(service) as own:
        if service.declared.protocol == "tcp":
            asked = [Dialogue((Request(up=size, down=size),)) for size in TIMED]
            served = users.talk(own, asked, parallel=1)
        else:
            flows = [UdpFlow((Datagram(size, size),)) for size in TIMED]
            served = users.talk(own, udp=flows, parallel=1)
    assert served.seconds, f"no answer: {served.report}"
    late = served.late(MEDIAN, SLOWEST)
    assert not late, f"{service}: " + "; ".join(late)


@requirement("USR-05", core=True)
@for_each(service=plain_tcp)
def test_slow_readers_and_every_way_to_end(users: Users, service: Service) -> None:
    """Steps: every client reads slowly; connections end by FIN of either side, half-closed or not,
    and by RST.

    Verify: all octets arrive, and the other side sees the same kind of end.
    """
    end = Request(20, 30)
    asked = [
        Dialogue((Request(1, UNREAD),), rate=SLOW),
        Dialogue((end,), end="half"),
        Dialogue((end,), end="reset"),
        *(Dialogue((end, Request(20, 30, end=way))) for way in ("close", "half", "reset")),
    ]
    with users.own_servers(service) as own:
        served = users.talk(own, asked)
    assert served.exact, served.report


@requirement("USR-08", core=True)
@for_each(service=plain_udp)
def test_many_udp_flows_at_once_are_all_served(users: Users, service: Service) -> None:
    """Steps: 100 simultaneous UDP flows of every client, four datagrams each, and one of 100
    datagrams.

    Verify: each is answered once and in order; each real server gets its share of the flows.
    """
    flow, long = UdpFlow((Datagram(64, 200),) * 4), UdpFlow((Datagram(100, 100),) * LONG)
    with users.own_servers(service) as own:
        served = users.talk(own, udp=[flow] * FLOWS + [long], parallel=PARALLEL)
    assert served.exact, served.report
    spread = served.spread(own.service.weights, users.workers)
    assert spread.fair, spread.words
