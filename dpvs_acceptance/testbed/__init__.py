"""What a check works with: the load balancer, clients, real servers, services, and their places.

Thin objects over the deployment, the hosts and the stations. A check is given them by their names
(`lb`, `client`, `service`, ...) and never reaches behind them. Selections (`clients`,
`services.having(...)`) say for what a check runs, capabilities what it needs.
"""

from .capabilities import (
    ANY_SERVICE,
    BONDS,
    DPDK_BUILD,
    DPDK_SOURCE,
    ICMP_WORKER,
    KEEPALIVED_CHECKS,
    KNI,
    KNI_DECLARED,
    LOADABLE_MODULES,
    NO_OTHER_TRAFFIC,
    NO_TOA_READER,
    PCI_NICS,
    READERS,
    RUNNER_IS_CLIENT,
    SOURCE_PORT_POOLS,
    TWO_REAL_SERVERS,
    TWO_WORKERS,
)
from .client import Client
from .crafted import Crafted
from .families import Family
from .keepalived import SORRY, Keepalived, KeptService
from .load_balancer import LoadBalancer
from .places import Link, Vip
from .real_server import RealServer
from .selecting import (
    clients,
    families,
    fleets,
    inner_hosts,
    links,
    paths,
    rules,
    servers,
    services,
    vips,
)
from .served import OwnServers
from .service import AddedService, Service
from .tools import NO_UNDO
from .users import Users

__all__ = [
    "ANY_SERVICE",
    "BONDS",
    "DPDK_BUILD",
    "DPDK_SOURCE",
    "ICMP_WORKER",
    "KEEPALIVED_CHECKS",
    "KNI",
    "KNI_DECLARED",
    "LOADABLE_MODULES",
    "NO_OTHER_TRAFFIC",
    "NO_TOA_READER",
    "NO_UNDO",
    "PCI_NICS",
    "READERS",
    "RUNNER_IS_CLIENT",
    "SORRY",
    "SOURCE_PORT_POOLS",
    "TWO_REAL_SERVERS",
    "TWO_WORKERS",
    "AddedService",
    "Client",
    "Crafted",
    "Family",
    "Keepalived",
    "KeptService",
    "Link",
    "LoadBalancer",
    "OwnServers",
    "RealServer",
    "Service",
    "Users",
    "Vip",
    "clients",
    "families",
    "fleets",
    "inner_hosts",
    "links",
    "paths",
    "rules",
    "servers",
    "services",
    "vips",
]
