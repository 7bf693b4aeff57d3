"""Requests to the topology's own services: headers, several on a connection, in time, and many."""

from __future__ import annotations

from statistics import quantiles

import pytest

from dpvs_acceptance.testbed import Client, Service, Users, Vip, clients, services, vips
from dpvs_acceptance.traffic.users.flows import Datagram, Dialogue, Request, UdpFlow
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic

PADDING = (1, 500, 1460, 4096, 7000)  # octets of a header line; nginx takes 8 kB
PAUSES = (0.0, 0.0, 0.05, 0.25)  # seconds
ECHOES = (0, 1, 7, 56, 120, 300, 590, 1000, 1232, 1452)
# A delay that a user notices; the shortest retransmission timer of Linux.
MEDIAN, SLOWEST = 0.05, 0.2  # seconds
SAMPLES, OPEN = 40, 105
PARALLEL = 250

tcp = services.having(protocol="tcp")


@requirement("USR-01", core=True)
@for_each(service=tcp)
def test_requests_with_long_headers_are_answered(users: Users, service: Service) -> None:
    """Steps: from every client, requests to the real servers with headers of up to 7 kB.

    Verify: 200 for each; each packet is correct on both sides.
    """
    served = users.talk(service, [Dialogue(pad=size) for size in PADDING])
    assert served.exact, served.report


@requirement("USR-03", core=True)
@for_each(client=clients, vip=vips)
def test_echoes_of_every_size_are_answered(client: Client, vip: Vip) -> None:
    """Steps: 3 echo requests of each size.

    Verify: each is answered once, in order, with the same octets, and within 200 ms at the 95th
    percentile.
    """
    times: list[float] = []
    for size in ECHOES:
        echoes = client.ping(vip, count=3, size=size, gap_ms=1)
        assert echoes.exact, f"{size} octets: {echoes.report}"
        times += echoes.result.rtts
    p95 = quantiles(times, n=20)[-1]
    assert p95 <= SLOWEST, f"{vip} answers {client} after {p95:.3f} s, {SLOWEST} s expected"


@requirement("USR-04", core=True)
@for_each(service=tcp)
def test_several_requests_on_one_connection(users: Users, service: Service) -> None:
    """Steps: from every client, connections with 20 requests in a row, and with pauses between
    requests.

    Verify: each request is answered 200 on its connection; each packet is correct on both sides.
    """
    in_a_row = Dialogue((Request(),) * 20)
    with_pauses = Dialogue(tuple(Request(pause=pause) for pause in PAUSES))
    served = users.talk(service, [in_a_row, with_pauses] * 3)
    assert served.exact, served.report


@requirement("USR-06", core=True)
@for_each(service=services)
def test_answers_come_in_time(users: Users, service: Service) -> None:
    """Steps: 105 flows of one client stay open; meanwhile from every client 40 connections or
    datagrams, one after the other.

    Verify: the times to connect and to the first octet of the answer are within the limits, in the
    median and at the 95th percentile.
    """
    if service.declared.protocol == "tcp":
        served = users.talk(service, [Dialogue()] * SAMPLES, among=OPEN, parallel=1)
    else:
        served = users.talk(
            service, udp=[UdpFlow((Datagram(8),))] * SAMPLES, among=OPEN, parallel=1
        )
    assert served.seconds, f"no answer: {served.report}"
    late = served.late(MEDIAN, SLOWEST)
    assert not late, f"{service}: " + "; ".join(late)


@requirement("USR-07", core=True)
@for_each(service=tcp)
def test_many_connections_at_once_are_all_served(users: Users, service: Service) -> None:
    """Steps: this service's share of `--flows` connections (1,000), up to 250 of each client at the
    same time.

    Verify: each is answered; each of its packets is correct on both sides, none is lost or
    duplicated; DPVS sends no packets that belong to no connection.
    """
    asked = [Dialogue()] * users.share_of_connections
    served = users.talk(service, asked, parallel=PARALLEL, seconds=20.0)
    assert served.exact, served.report
