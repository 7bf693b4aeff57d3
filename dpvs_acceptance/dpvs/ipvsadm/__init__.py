"""What `ipvsadm` says (formats: tools/ipvsadm/ipvsadm.c of DPVS). Always asked with -n."""

from dpvs_acceptance.dpvs.ipvsadm.access import AccessRule, parse_access_list
from dpvs_acceptance.dpvs.ipvsadm.connections import Connection, parse_connections
from dpvs_acceptance.dpvs.ipvsadm.counters import (
    Counters,
    CountersTable,
    ServerCounters,
    ServiceCounters,
    parse_rates,
    parse_stats,
)
from dpvs_acceptance.dpvs.ipvsadm.identity import AddressRange, Match, ServiceId
from dpvs_acceptance.dpvs.ipvsadm.laddrs import LocalAddress, ServiceLaddrs, parse_laddrs
from dpvs_acceptance.dpvs.ipvsadm.services import (
    DestCheck,
    Persistence,
    RealServer,
    Service,
    ServiceTable,
    parse_services,
)

__all__ = [
    "AccessRule",
    "AddressRange",
    "Connection",
    "Counters",
    "CountersTable",
    "DestCheck",
    "LocalAddress",
    "Match",
    "Persistence",
    "RealServer",
    "ServerCounters",
    "Service",
    "ServiceCounters",
    "ServiceId",
    "ServiceLaddrs",
    "ServiceTable",
    "parse_access_list",
    "parse_connections",
    "parse_laddrs",
    "parse_rates",
    "parse_services",
    "parse_stats",
]
