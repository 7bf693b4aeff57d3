"""keepalived: what its build says of itself, and its options (softlab/simulated/keepalived)."""

from __future__ import annotations

import os
import sys

from softlab.simulated.tools import getopt
from softlab.simulated.tools.client import complain
from softlab.simulated.versions import of_host

_FACTS = {
    "1.10.2": ("06/23,2025", "2025", "6.1.192"),
    "1.9.10": ("06/23,2025", "2025", "6.1.192"),
    "1.8.10": ("07/26,2021", "2021", "3.10.0"),
}
_SYSTEM = (
    "PIPE2 SIGNALFD INOTIFY_INIT1 VSYSLOG EPOLL_CREATE1 IPV4_DEVCONF IPV6_ADVANCED_API LIBNL3",
    "RTA_ENCAP RTA_EXPIRES RTA_NEWDST RTA_PREF FRA_SUPPRESS_PREFIXLEN FRA_SUPPRESS_IFGROUP",
    "FRA_TUN_ID RTAX_CC_ALGO RTAX_QUICKACK RTEXT_FILTER_SKIP_STATS FRA_L3MDEV FRA_UID_RANGE",
    "RTAX_FASTOPEN_NO_COOKIE RTA_VIA FRA_OIFNAME FRA_PROTOCOL FRA_IP_PROTO FRA_SPORT_RANGE",
    "FRA_DPORT_RANGE RTA_TTL_PROPAGATE IFA_FLAGS IP_MULTICAST_ALL LWTUNNEL_ENCAP_MPLS",
    "LWTUNNEL_ENCAP_ILA NET_LINUX_IF_H_COLLISION LIBIPTC_LINUX_NET_IF_H_COLLISION",
    "LIBIPVS_NETLINK IPVS_DEST_ATTR_ADDR_FAMILY IPVS_SYNCD_ATTRIBUTES IPVS_64BIT_STATS",
    "IPVS_TUN_TYPE IPVS_TUN_CSUM IPVS_TUN_GRE VRRP_VMAC VRRP_IPVLAN IFLA_LINK_NETNSID CN_PROC",
    "SOCK_NONBLOCK SOCK_CLOEXEC O_PATH GLOB_BRACE INET6_ADDR_GEN_MODE VRF SO_MARK SCHED_RT",
    "SCHED_RESET_ON_FORK",
)


def main(argv: list[str]) -> int:
    """``-v`` prints the version; with ``-n -C`` the checks run in the foreground."""
    if len(argv) != 2 or argv[1] not in ("-v", "--version"):
        return _run(argv[1:])
    version = of_host()
    built, year, headers = _FACTS[version.dotted]
    running = os.uname().release
    complain(f"Keepalived v2.0.19 ({built}), git commit v{version.dotted}+")
    complain("")
    complain(f"Copyright(C) 2001-{year} Alexandre Cassen, <acassen@gmail.com>")
    complain("")
    complain(f"Built with kernel headers for Linux {headers}")
    complain(f"Running on Linux {running}")
    complain("")
    complain("configure options: (left out)")
    complain("")
    complain("Config options:  LVS VRRP VRRP_AUTH OLD_CHKSUM_COMPAT FIB_ROUTING")
    complain("")
    complain(f"System options:  {' '.join(_SYSTEM)}")
    sys.stderr.flush()
    return 0


def _run(words: list[str]) -> int:
    try:
        options, _ = getopt.parse(words, "nlDCf:p:c:", {"check": (False, "C")})
    except getopt.BadOptionError as bad:
        complain(f"keepalived: {bad.said}")
        return 1
    given = dict(options)
    if not {"n", "C"} <= set(given):
        complain("keepalived: the simulated one only runs with -n (no fork) and -C (no VRRP)")
        return 1
    from softlab.simulated.keepalived import parent

    return parent.run(
        given.get("f", "/etc/keepalived/keepalived.conf"),
        given.get("p", "/var/run/keepalived.pid"),
        given.get("c", "/var/run/keepalived_checkers.pid"),
    )
