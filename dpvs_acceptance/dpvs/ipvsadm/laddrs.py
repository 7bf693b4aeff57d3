"""`ipvsadm -G`: the local addresses (LIP) of each service."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import Endpoint, IPAddress, address, endpoint
from dpvs_acceptance.dpvs.ipvsadm.identity import read_titles
from dpvs_acceptance.dpvs.lines import NUMBER, Lines


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """A LIP of a service, with its port conflicts and current connections."""

    address: IPAddress
    conflicts: int
    connections: int


@dataclass(frozen=True, slots=True)
class ServiceLaddrs:
    """The LIPs of one service. ipvsadm prints no protocol here: TCP and UDP services on one VIP and
    port cannot be distinguished, and a MATCH service is 0.0.0.0:0.
    """

    vip: Endpoint
    addresses: tuple[LocalAddress, ...]


_TITLE = "VIP:VPORT TOTAL SNAT_IP CONFLICTS CONNS"
_SERVICE = re.compile(rf"(\S+:[0-9]{{1,5}}) +({NUMBER})")
_LADDR = re.compile(rf"(\S+) +({NUMBER}) +({NUMBER})")


def parse_laddrs(text: str, source: str = "ipvsadm -G") -> tuple[ServiceLaddrs, ...]:
    """The output of `ipvsadm -G [-t ...]`; empty if there is no service.

    Raises ParseError, also if the number of addresses differs from TOTAL.
    """
    lines = Lines(text, source)
    if lines.at_end:
        return ()
    # The titles are printed with the first service.
    read_titles(lines, _TITLE)
    services: list[ServiceLaddrs] = []
    while not services or not lines.at_end:
        service = lines.take(_SERVICE, "a service `VIP:PORT TOTAL`, or `LIP CONFLICTS CONNS`")
        try:
            vip = endpoint(service[1])
        except ValueError:
            raise lines.previous_error("a VIP and port, `ADDR:PORT` or `[ADDR]:PORT`") from None
        total = int(service[2])
        addresses: list[LocalAddress] = []
        while len(addresses) < total:
            found = lines.take(
                _LADDR, f"local address {len(addresses) + 1} of {total}: `LIP CONFLICTS CONNS`"
            )
            try:
                lip = address(found[1])
            except ValueError:
                raise lines.previous_error("a local address, `LIP CONFLICTS CONNS`") from None
            addresses.append(LocalAddress(lip, int(found[2]), int(found[3])))
        services.append(ServiceLaddrs(vip, tuple(addresses)))
    return tuple(services)
