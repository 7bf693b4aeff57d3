"""Parsers for `ipvsadm -n` (formats: tools/ipvsadm/ipvsadm.c of DPVS)."""

from dpvs_acceptance.dpvs.ipvsadm.access import AccessRule, parse_access_list
from dpvs_acceptance.dpvs.ipvsadm.connections import ConnectionEntry, parse_connections
from dpvs_acceptance.dpvs.ipvsadm.counters import (
    Counters,
    CountersTable,
    ServerCounters,
    ServiceCounters,
    parse_rates,
    parse_stats,
)
from dpvs_acceptance.dpvs.ipvsadm.identity import AddressRange, ServiceId, SnatMatch
from dpvs_acceptance.dpvs.ipvsadm.laddrs import LocalAddress, ServiceLaddrs, parse_laddrs
from dpvs_acceptance.dpvs.ipvsadm.services import (
    DestCheck,
    Persistence,
    RealServerEntry,
    ServiceEntry,
    ServiceTable,
    parse_services,
)

__all__ = [
    "AccessRule",
    "AddressRange",
    "ConnectionEntry",
    "Counters",
    "CountersTable",
    "DestCheck",
    "LocalAddress",
    "Persistence",
    "RealServerEntry",
    "ServerCounters",
    "ServiceCounters",
    "ServiceEntry",
    "ServiceId",
    "ServiceLaddrs",
    "ServiceTable",
    "SnatMatch",
    "parse_access_list",
    "parse_connections",
    "parse_laddrs",
    "parse_rates",
    "parse_services",
    "parse_stats",
]
