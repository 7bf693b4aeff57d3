"""Parsers for `dpip ... show`, by object (formats: tools/dpip/*.c of DPVS)."""

from dpvs_acceptance.dpvs.dpip.addr import AddressEntry, SourcePool, parse_addresses
from dpvs_acceptance.dpvs.dpip.cpu import Lcore, LcoreQueue, LcoreStats, parse_lcores
from dpvs_acceptance.dpvs.dpip.devinfo import DeviceInfo
from dpvs_acceptance.dpvs.dpip.ipv6 import parse_ipv6_stats
from dpvs_acceptance.dpvs.dpip.link import (
    BondMember,
    BondStatus,
    DpvsPort,
    LinkRates,
    LinkStats,
    MulticastFilter,
    PortQueue,
    Verbose,
    Xstat,
    Xstats,
    parse_links,
)
from dpvs_acceptance.dpvs.dpip.maddr import PortMulticast, parse_multicast
from dpvs_acceptance.dpvs.dpip.neigh import Neighbour, parse_neighbours
from dpvs_acceptance.dpvs.dpip.route import Route, parse_routes
from dpvs_acceptance.dpvs.dpip.shaping import (
    Classifier,
    QueueSchedule,
    parse_classifiers,
    parse_schedules,
)
from dpvs_acceptance.dpvs.dpip.tunnel import Tunnel, parse_tunnels
from dpvs_acceptance.dpvs.dpip.vlan import VlanDevice, parse_vlans

__all__ = [
    "AddressEntry",
    "BondMember",
    "BondStatus",
    "Classifier",
    "DeviceInfo",
    "DpvsPort",
    "Lcore",
    "LcoreQueue",
    "LcoreStats",
    "LinkRates",
    "LinkStats",
    "MulticastFilter",
    "Neighbour",
    "PortMulticast",
    "PortQueue",
    "QueueSchedule",
    "Route",
    "SourcePool",
    "Tunnel",
    "Verbose",
    "VlanDevice",
    "Xstat",
    "Xstats",
    "parse_addresses",
    "parse_classifiers",
    "parse_ipv6_stats",
    "parse_lcores",
    "parse_links",
    "parse_multicast",
    "parse_neighbours",
    "parse_routes",
    "parse_schedules",
    "parse_tunnels",
    "parse_vlans",
]
