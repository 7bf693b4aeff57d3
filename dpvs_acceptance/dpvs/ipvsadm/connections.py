"""`ipvsadm -lnc`: the connection table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import Endpoint, endpoint
from dpvs_acceptance.dpvs.ipvsadm.identity import PROTOCOLS
from dpvs_acceptance.dpvs.lines import Lines


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """A connection of one lcore.

    protocol: TCP, UDP, SCTP, ICMP, ICMPv6; None for `--`.
    timeout: timeout of its state in seconds, not the remaining time.
    timeout_cut: the column has seven characters: a longer timeout is truncated, and `timeout` has
        only the printed digits.
    state: upstream's name, such as TCP_EST, TIME_WAIT, UDP_ONEWAY, ICMP_NORMAL.
    local, server: the connection's other side; FullNAT has the LIP in `local`.
    """

    lcore: int
    protocol: str | None
    timeout: int
    state: str
    client: Endpoint
    virtual: Endpoint
    local: Endpoint
    server: Endpoint
    timeout_cut: bool = False


_CONNECTION = re.compile(
    r"\[([0-9]{1,5})\](tcp|udp|sctp|icmp|icmpv6|--) +(?:([0-9]{1,6})s|([0-9]{7}))"
    r" +([A-Za-z_0-9]+) +(\S+) +(\S+) +(\S+) +(\S+)"
)
_EXPECTED = "`[LCORE]PROTOCOL Ns STATE CLIENT VIRTUAL LOCAL SERVER`, addresses in numbers (-n)"


def parse_connections(text: str, source: str = "ipvsadm -lnc") -> tuple[ConnectionEntry, ...]:
    """The output of `ipvsadm -lnc` in printed order; () for no output. Raises ParseError."""
    lines = Lines(text, source)
    connections = []
    for number, line in lines.take_rest():
        found = _CONNECTION.fullmatch(line.strip())
        if found is None:
            raise lines.error_at(number, line, _EXPECTED)
        try:
            client, virtual, local, server = (endpoint(found[group]) for group in (6, 7, 8, 9))
        except ValueError:
            raise lines.error_at(number, line, _EXPECTED) from None
        connections.append(
            ConnectionEntry(
                int(found[1]),
                PROTOCOLS.get(found[2]),
                int(found[3] or found[4]),
                found[5],
                client,
                virtual,
                local,
                server,
                timeout_cut=found[4] is not None,
            )
        )
    return tuple(connections)
