"""Random models of everything the tools print, within what their formats can hold."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

from hypothesis import strategies as st

from dpvs_acceptance.dpvs import dpip, ipvsadm
from dpvs_acceptance.dpvs.addresses import Endpoint
from dpvs_acceptance.dpvs.dpip.devinfo import NUMBERS
from dpvs_acceptance.dpvs.dpip.link import FLAGS, OFFLOADS
from dpvs_acceptance.dpvs.ipvsadm.identity import Header
from dpvs_acceptance.dpvs.versions import Version

U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
# %-16lu holds 15 digits and a space; more are a counter that went backwards.
RATE = st.integers(0, 10**15 - 1)
NAMES = st.from_regex(r"[a-z][a-z0-9._]{0,14}", fullmatch=True)
MACS = st.integers(0, 2**48 - 1).map(
    lambda n: ":".join(f"{n:012x}"[at : at + 2] for at in range(0, 12, 2))
)
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)
ADDRESSES = V4 | V6
ENDPOINTS = st.builds(Endpoint, ADDRESSES, U16)
PREFIXES = st.tuples(V4, st.integers(0, 32)).map(IPv4Interface) | st.tuples(
    V6, st.integers(0, 128)
).map(IPv6Interface)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def several(strategy: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=most).map(tuple)


def some_of(words: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of the words, in their order."""
    return st.sets(st.sampled_from(words)).map(
        lambda chosen: tuple(word for word in words if word in chosen)
    )


TITLES = [title for table in NUMBERS for title in table.titles]
SIZES = {"flowtype_rss_ol": U64, "vmdq_que_base": U16, "vmdq_que_num": U16}
DEVICE_INFO = st.builds(
    dpip.DeviceInfo,
    maybe(st.from_regex(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|vdev", fullmatch=True)),
    maybe(NAMES),
    st.fixed_dictionaries({title: SIZES.get(title, U32) for title in TITLES}),
)
CPU = maybe(st.integers(0, 127))
VERBOSE = st.builds(
    dpip.Verbose,
    DEVICE_INFO,
    several(st.builds(dpip.PortQueue, st.integers(0, 15), CPU, CPU)),
    st.booleans(),
    several(
        st.builds(dpip.MulticastFilter, MACS)
        | st.builds(dpip.MulticastFilter, MACS, st.booleans(), U16, U16)
    ),
    st.booleans(),
)
XSTATS = st.just(dpip.Xstats(supported=False)) | st.builds(
    dpip.Xstats,
    st.just(True),
    several(
        st.builds(
            dpip.Xstat,
            st.integers(0, 99999),
            st.from_regex(r"[a-z][a-z0-9_]{0,40}", fullmatch=True),
            U64,
        )
    ),
)


@st.composite
def bonds(draw: st.DrawFn) -> dpip.BondStatus:
    members = draw(several(st.builds(dpip.BondMember, NAMES, MACS, st.booleans(), st.booleans())))
    numbers = st.integers(0, 10**6)
    return dpip.BondStatus(
        mode=draw(st.integers(0, 6)),
        mac=draw(MACS),
        xmit_policy=draw(st.sampled_from(("LAYER2", "LAYER23", "LAYER34", "UNKOWN"))),
        link_monitor_ms=draw(numbers),
        active=draw(st.integers(0, 8)),
        slaves=len(members),
        link_down_prop_delay_ms=draw(numbers),
        link_up_prop_delay_ms=draw(numbers),
        members=members,
    )


LINKS = several(
    st.builds(
        dpip.DpvsPort,
        st.integers(1, 4096),
        NAMES,
        st.integers(-1, 7),
        st.integers(0, 9000),
        st.integers(0, 16),
        st.integers(0, 16),
        maybe(st.sampled_from(("UP", "DOWN"))),
        maybe(st.integers(0, 400000)),
        maybe(st.sampled_from(("half-duplex", "full-duplex"))),
        maybe(st.sampled_from(("fixed-nego", "auto-nego"))),
        some_of(FLAGS),
        MACS,
        some_of(OFFLOADS),
        stats=maybe(st.builds(dpip.LinkStats, *[U64] * 8, U32, U32)),
        rates=several(st.builds(dpip.LinkRates, *[RATE] * 8), 2),
        xstats=maybe(XSTATS),
        verbose=maybe(VERBOSE),
        bond=maybe(bonds()),
    ),
    3,
)


@st.composite
def lcore_lists(draw: st.DrawFn) -> tuple[dpip.Lcore, ...]:
    """Without headings, or some headings with lcores under them."""
    planes: tuple[str | None, ...] = draw(
        st.sampled_from(
            ((None,), ("control",), ("control", "data"), ("control", "data", "isolated"))
        )
    )
    queues = several(
        st.builds(dpip.LcoreQueue, NAMES, st.sampled_from(("rx", "tx")), st.integers(0, 15))
        | st.builds(dpip.LcoreQueue, NAMES, st.just("rx"), st.integers(0, 15), U32, U32)
    )
    totals = maybe(st.builds(dpip.LcoreStats, *[U64] * 11))
    rates = several(st.builds(dpip.LcoreStats, *[RATE] * 11), 2)
    found = []
    for plane in planes:
        for _ in range(draw(st.integers(1, 3))):
            cpu = draw(st.integers(0, 127))
            socket = draw(st.integers(-1, 7))
            found.append(
                dpip.Lcore(cpu + 1, cpu, socket, plane, draw(queues), draw(totals), draw(rates))
            )
    return tuple(found)


ENTRIES = several(
    st.builds(
        dpip.AddressEntry,
        maybe(st.integers(0, 127)),
        PREFIXES,
        st.sampled_from(("host", "link", "site", "global", "7")),
        NAMES,
        maybe(ADDRESSES),
        maybe(U32),
        maybe(U32),
        maybe(st.builds(dpip.SourcePool, U32, U32, U32)),
    )
)


def specified(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return maybe(strategy.filter(lambda address: not address.is_unspecified))


ROUTES = several(
    st.builds(
        dpip.Route,
        st.tuples(V4, st.integers(0, 32)).map(IPv4Interface),
        specified(V4),
        specified(V4),
        NAMES,
        st.integers(0, 9000),
        st.sampled_from(("host", "kni_host", "link", "global", "9")),
        st.integers(0, 10**6),
        st.sampled_from(("auto", "boot", "static", "ra", "redirect", "77")),
        st.integers(0, 255),
        st.booleans(),
    )
    | st.builds(
        dpip.Route,
        st.tuples(V6, st.integers(0, 128)).map(IPv6Interface) | st.just(IPv6Interface("::/0")),
        specified(V6),
        specified(V6),
        NAMES,
        maybe(st.integers(1, 9000)),
        st.sampled_from(("host", "kni_host", "link", "global", "::")),
    ),
    8,
)
NEIGHBOURS = several(
    st.builds(
        dpip.Neighbour,
        ADDRESSES,
        MACS,
        st.sampled_from(("REACHABLE", "PROBE", "DELAY")),
        NAMES,
        st.integers(0, 127),
        st.booleans(),
    )
    | st.builds(
        dpip.Neighbour,
        ADDRESSES,
        st.none(),
        st.sampled_from(("NONE", "SEND")),
        NAMES,
        st.integers(0, 127),
        st.booleans(),
    ),
    8,
)
VLANS = several(
    st.builds(
        dpip.VlanDevice, NAMES, NAMES, st.sampled_from(("802.1q", "802.1ad")), st.integers(1, 4094)
    )
)
TUNNELS = several(
    st.builds(
        dpip.Tunnel,
        NAMES,
        st.sampled_from(("ipip", "gre")),
        V4,
        V4,
        maybe(NAMES),
        st.integers(0, 255),
        st.integers(0, 255),
        U16,
        U16,
        U32,
        U32,
    )
)
GROUPS = several(
    st.builds(dpip.PortMulticast, st.integers(1, 99), NAMES, several(MACS), several(ADDRESSES))
)

HEADERS = maybe(
    st.builds(Header, st.builds(Version, *[st.integers(0, 99)] * 3), st.integers(0, 10**6))
)


@st.composite
def ranges(draw: st.DrawFn) -> ipvsadm.AddressRange:
    family = draw(st.sampled_from((V4, V6)))
    return ipvsadm.AddressRange(draw(family), draw(family), draw(U16), draw(U16))


PROTOCOLS = st.sampled_from(("TCP", "UDP", "SCTP", "ICMP", "ICMPv6"))
IDS = (
    st.builds(ipvsadm.ServiceId, PROTOCOLS, ENDPOINTS)
    | st.builds(
        ipvsadm.ServiceId,
        PROTOCOLS,
        match=st.builds(
            ipvsadm.SnatMatch, maybe(ranges()), maybe(ranges()), maybe(NAMES), maybe(NAMES)
        ),
    )
    | st.builds(ipvsadm.ServiceId, st.none(), fwmark=st.integers(1, 2**31 - 1), ipv6=st.booleans())
)
SERVERS = several(
    st.builds(
        ipvsadm.RealServerEntry,
        ENDPOINTS,
        st.sampled_from(("FullNat", "Masq", "Tunnel", "Route", "SNAT", "Local")),
        U16,
        U32,
        U32,
        st.booleans(),
        st.booleans(),
    )
)
CHECKS = st.builds(
    ipvsadm.DestCheck,
    maybe(st.sampled_from(("default", "2,3s", "1,1,3s,5-3600s"))),
    some_of(("tcp", "udp", "sctp", "ping")),
)
SERVICES = st.builds(
    ipvsadm.ServiceTable,
    HEADERS,
    several(
        st.builds(
            ipvsadm.ServiceEntry,
            IDS,
            st.sampled_from(("rr", "wrr", "wlc", "conhash", "mh", "fo")),
            maybe(st.sampled_from(("sip", "qid"))),
            maybe(
                st.builds(ipvsadm.Persistence, U32, maybe(st.sampled_from(("255.255.255.0", "64"))))
            ),
            st.booleans(),
            st.booleans(),
            maybe(U32),
            maybe(st.sampled_from(("v1", "v1-insecure", "v2", "v2-insecure"))),
            st.booleans(),
            st.booleans(),
            maybe(CHECKS),
            SERVERS,
        )
    ),
)


def _rounded(values: tuple[int, ...]) -> ipvsadm.Counters:
    """As printed without --exact: what is lost is lost."""
    steps = ((10**8, 1), (10**9, 10**3), (10**11, 10**6), (10**14, 10**9), (10**19, 10**12))
    kept = []
    for value in values:
        divisor = next(divisor for limit, divisor in steps if value < limit)
        kept.append(value // divisor * divisor)
    return ipvsadm.Counters(*kept, rounded=any(value >= 10**8 for value in values))


COUNT = st.integers(0, 10**19 - 1)
COUNTERS = st.builds(ipvsadm.Counters, *[COUNT] * 5) | st.tuples(*[COUNT] * 5).map(_rounded)
COUNTER_TABLES = st.builds(
    ipvsadm.CountersTable,
    HEADERS,
    several(
        st.builds(
            ipvsadm.ServiceCounters,
            IDS,
            COUNTERS,
            several(st.builds(ipvsadm.ServerCounters, ENDPOINTS, COUNTERS), 2),
        )
    ),
)
RATE_TABLES = st.builds(
    ipvsadm.CountersTable,
    HEADERS,
    several(
        st.builds(
            ipvsadm.ServiceCounters,
            IDS,
            COUNTERS,
            several(st.builds(ipvsadm.ServerCounters, ENDPOINTS, COUNTERS), 2),
            maybe(st.integers(1, 10**6)),
        )
    ),
)
LADDRS = several(
    st.builds(
        ipvsadm.ServiceLaddrs,
        ENDPOINTS,
        several(st.builds(ipvsadm.LocalAddress, ADDRESSES, U64, U32)),
    )
)
STATES = st.sampled_from(("TCP_EST", "TIME_WAIT", "UDP_ONEWAY", "SCTP_SHUTDOWN_ACK_SENT", "UNKOWN"))
ENDS = [ENDPOINTS] * 4
CONNECTIONS = several(
    st.builds(
        ipvsadm.ConnectionEntry,
        st.integers(0, 127),
        maybe(PROTOCOLS),
        st.integers(0, 999999),
        STATES,
        *ENDS,
    )
    | st.builds(
        ipvsadm.ConnectionEntry,
        st.integers(0, 127),
        maybe(PROTOCOLS),
        # 31535999s does not fit the eight bytes that ipvsadm has for it.
        st.integers(1000000, 9999999),
        STATES,
        *ENDS,
        timeout_cut=st.just(True),
    ),
    8,
)
RULES = several(
    st.builds(ipvsadm.AccessRule, PROTOCOLS, ENDPOINTS, ADDRESSES, st.none())
    | st.builds(ipvsadm.AccessRule, PROTOCOLS, ENDPOINTS, st.none(), NAMES)
)
