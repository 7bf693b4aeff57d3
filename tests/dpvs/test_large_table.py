"""The table of a large load balancer. How fast it is read: benchmarks/parsing.py."""

from __future__ import annotations

from ipaddress import IPv4Address

from dpvs_acceptance.dpvs import ipvsadm
from dpvs_acceptance.dpvs.addresses import Endpoint
from dpvs_acceptance.dpvs.ipvsadm.identity import Header
from dpvs_acceptance.dpvs.versions import Version
from tests.dpvs import rendered


def thousand_services() -> ipvsadm.ServiceTable:
    """1,000 services, each with 10 real servers of its own."""
    return ipvsadm.ServiceTable(
        Header(Version(1, 10, 2), 0),
        tuple(
            ipvsadm.ServiceEntry(
                ipvsadm.ServiceId("TCP", Endpoint(IPv4Address(0x0A000000 + number), 80)),
                "rr",
                servers=tuple(
                    ipvsadm.RealServerEntry(
                        Endpoint(IPv4Address(0xAC100000 + 16 * number + server), 80),
                        "FullNat",
                        1,
                        number * server,
                        server,
                        inhibited=False,
                        overloaded=False,
                    )
                    for server in range(10)
                ),
            )
            for number in range(1000)
        ),
    )


def test_thousand_services_are_read_whole() -> None:
    table = thousand_services()
    assert ipvsadm.parse_services(rendered.services(table)) == table
