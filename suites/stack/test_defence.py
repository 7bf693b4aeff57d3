"""Packets to a VIP port without a service are silently dropped (FWD-12, FWD-13)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import LoadBalancer
from dpvs_acceptance.testbed.defended import Defended
from dpvs_acceptance.traffic.match import TCP, UDP
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import requirement

pytestmark = pytest.mark.traffic


@requirement("FWD-12", protocol=UDP)
@requirement("FWD-13", protocol=TCP)
@pytest.mark.parametrize(
    ("protocol", "keyword"),
    [(UDP, "ipvs_defs/udp/defence_udp_drop"), (TCP, "ipvs_defs/tcp/defence_tcp_drop")],
    ids=["udp", "tcp"],
)
def test_packets_to_a_port_without_a_service_are_dropped(
    lb: LoadBalancer, defended: Defended, protocol: int, keyword: str
) -> None:
    """Steps: a TCP service on a real server's address, which DPVS routes to; a datagram or SYN to
    another port of it, and a request to the service; the same with defence_udp_drop or
    defence_tcp_drop on (dpvs.conf, SIGHUP).

    Verify: off, the packet arrives; on, it does not, and nothing answers it. The request is
    answered both times.
    """
    name, server = keyword.rpartition("/")[2], defended.path.server
    arrived, _ = defended.send_unserved(protocol, "off")
    if arrived != 1:
        raise Inconclusive(f"{name} is off, but {server} receives the packet {arrived} times")
    lb.configure(keyword, log=f"{name} ON")
    defended.require_service()
    arrived, answers = defended.send_unserved(protocol, "on")
    assert not arrived, f"{name} is on, but {server} receives a packet to a port without a service"
    assert not answers, f"{name} is on, but the client gets {answers} answers"
