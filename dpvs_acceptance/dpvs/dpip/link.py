"""`dpip [-s] [-v] link show [DEV] [status]`: the ports of DPVS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.dpip.columns import Table, read_numbers
from dpvs_acceptance.dpvs.dpip.devinfo import DeviceInfo, read_device_info
from dpvs_acceptance.dpvs.lines import MAC, NUMBER, SIGNED, Lines

FLAGS = ("promisc", "allmulticast", "foward2kni", "tc-egress", "tc-ingress", "lldp")
"""In printed order; foward2kni is upstream's spelling."""
OFFLOADS = (
    "OF_RX_IP_CSUM",
    "OF_TX_IP_CSUM",
    "OF_TX_TCP_CSUM",
    "OF_TX_UDP_CSUM",
    "OF_TX_FAST_FREE",
)


@dataclass(frozen=True, slots=True)
class LinkStats:
    """Counters of `-s` since the port started. mbuf_inuse shows leaks of packet buffers."""

    ipackets: int
    opackets: int
    ibytes: int
    obytes: int
    ierrors: int
    oerrors: int
    imissed: int
    rx_nombuf: int
    mbuf_avail: int
    mbuf_inuse: int


@dataclass(frozen=True, slots=True)
class LinkRates:
    """One sample of `-s -i SECONDS`: packets, bytes and errors per second."""

    ipackets: int
    opackets: int
    ibytes: int
    obytes: int
    ierrors: int
    oerrors: int
    imissed: int
    rx_nombuf: int


@dataclass(frozen=True, slots=True)
class Xstat:
    """One extended statistic of the driver."""

    id: int
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Xstats:
    """The list of `-s -v`; not supported by every driver."""

    supported: bool
    values: tuple[Xstat, ...] = ()


@dataclass(frozen=True, slots=True)
class PortQueue:
    """The lcores that serve receive and transmit queue N; None: `xx`, no lcore."""

    queue: int
    rx_cpu: int | None
    tx_cpu: int | None


@dataclass(frozen=True, slots=True)
class MulticastFilter:
    """A multicast MAC of the port. Reference counts are printed from 1.9.8 on."""

    mac: str
    from_kni: bool = False
    refcnt: int | None = None
    synced: int | None = None


@dataclass(frozen=True, slots=True)
class Verbose:
    """Details of `-v`. truncated: lists longer than dpvs's buffer of 4 KiB."""

    info: DeviceInfo
    queues: tuple[PortQueue, ...]
    queues_truncated: bool
    multicast: tuple[MulticastFilter, ...]
    multicast_truncated: bool


@dataclass(frozen=True, slots=True)
class BondMember:
    """A slave of a bonding device."""

    name: str
    mac: str
    active: bool
    primary: bool


@dataclass(frozen=True, slots=True)
class BondStatus:
    """`dpip link show BOND status`. Times in milliseconds."""

    mode: int
    mac: str
    xmit_policy: str
    link_monitor_ms: int
    active: int
    slaves: int
    link_down_prop_delay_ms: int
    link_up_prop_delay_ms: int
    members: tuple[BondMember, ...]


@dataclass(frozen=True, slots=True)
class DpvsPort:
    """A port. `number` is DPDK's port id plus one.

    status: UP or DOWN from the PHY; a port that DPVS failed to start may still be UP.
    speed_mbps: None if unknown to the driver (printed as -1).
    mac: lower case in all versions.
    """

    number: int
    name: str
    socket: int
    mtu: int
    rx_queues: int
    tx_queues: int
    status: str | None
    speed_mbps: int | None
    duplex: str | None
    autoneg: str | None
    flags: tuple[str, ...]
    mac: str
    offloads: tuple[str, ...]
    stats: LinkStats | None = None
    rates: tuple[LinkRates, ...] = ()
    xstats: Xstats | None = None
    verbose: Verbose | None = None
    bond: BondStatus | None = None

    @property
    def port_id(self) -> int:
        return self.number - 1


def _in_order(words: tuple[str, ...]) -> str:
    return "".join(f"(?: +{word})?" for word in words)


_HEAD = re.compile(
    rf"({NUMBER}): (\S+): socket ({SIGNED}) mtu ({NUMBER})"
    rf" rx-queue ({NUMBER}) tx-queue ({NUMBER})"
)
_STATUS = re.compile(
    rf"(?:(UP|DOWN) +)?(-1|{NUMBER}) Mbps(?: +(half-duplex|full-duplex))?"
    rf"(?: +(fixed-nego|auto-nego))?({_in_order(FLAGS)})"
)
_ADDR = re.compile(rf"addr +({MAC})({_in_order(OFFLOADS)})")
_COUNTERS = (
    Table(20, ("ipackets", "opackets", "ibytes", "obytes")),
    Table(20, ("ierrors", "oerrors", "imissed", "rx_nombuf")),
    Table(20, ("mbuf-avail", "mbuf-inuse")),
)
_RATES = (
    Table(16, ("ipackets/pps", "opackets/pps", "ibytes/Bps", "obytes/Bps")),
    Table(16, ("ierrors/pps", "oerrors/pps", "imissed/pps", "rx_nombuf/pps")),
)
_XSTATS = re.compile(r"xstats list:")
_NO_XSTATS = re.compile(r"not supported")
_XSTAT = re.compile(rf"({NUMBER}) +(\S+): ({NUMBER})")
_QUEUES = re.compile(r"Queue Configuration:")
_QUEUE = re.compile(r"rx([0-9]{1,4})-tx([0-9]{1,4}) +(?:cpu([0-9]{1,4})|xx)-(?:cpu([0-9]{1,4})|xx)")
_MULTICAST = re.compile(r"HW mcast list:")
_FILTER = re.compile(rf"link ({MAC})(?: (\(kni\) )?refcnt ({NUMBER}), synced ({SIGNED}))?")
# The last entry, truncated by the end of the buffer, is before the mark and is dropped.
_TRUNCATED = re.compile(r".*\.\.\. \(truncated\)")
_BOND = re.compile(r"--- bonding status ---")
_BOND_MODE = re.compile(
    rf"mode ({NUMBER}) mac_addr ({MAC}) xmit_policy (\S+) link_monitor ({NUMBER})ms"
)
_BOND_ACTIVE = re.compile(
    rf"ative/slaves ({NUMBER})/({NUMBER}) link_down_prop_delay ({NUMBER})ms"
    rf" link_up_prop_delay ({NUMBER})ms"
)
_MEMBER = rf"([^\s(]+)\(({MAC}), (active|inactive)(, primary)?\)"
_BOND_SLAVES = re.compile(rf"slaves:((?: +{_MEMBER})*)")


def parse_links(text: str, source: str = "dpip link show") -> tuple[DpvsPort, ...]:
    """Every port in `text`, with the additions of -s, -v, -i and `status`. Raises ParseError."""
    lines = Lines(text, source)
    links = []
    while not lines.at_end:
        links.append(_link(lines))
    return tuple(links)


def _link(lines: Lines) -> DpvsPort:
    head = lines.take(_HEAD, "a port: `NUMBER: NAME: socket N mtu N rx-queue N tx-queue N`")
    status = lines.take(
        _STATUS,
        "`UP|DOWN N Mbps full-duplex|half-duplex fixed-nego|auto-nego` and flags of "
        + " ".join(FLAGS),
    )
    addr = lines.take(_ADDR, f"`addr MAC` and offloads of {' '.join(OFFLOADS)}")
    return DpvsPort(
        number=int(head[1]),
        name=head[2],
        socket=int(head[3]),
        mtu=int(head[4]),
        rx_queues=int(head[5]),
        tx_queues=int(head[6]),
        status=status[1],
        speed_mbps=None if status[2] == "-1" else int(status[2]),
        duplex=status[3],
        autoneg=status[4],
        flags=tuple(status[5].split()),
        mac=addr[1].lower(),
        offloads=tuple(addr[2].split()),
        stats=_stats(lines),
        rates=_rates(lines),
        xstats=_xstats(lines),
        verbose=_verbose(lines),
        bond=_bond(lines),
    )


def _stats(lines: Lines) -> LinkStats | None:
    first = read_numbers(lines, _COUNTERS[0])
    if first is None:
        return None
    values = list(first)
    for table in _COUNTERS[1:]:
        numbers = read_numbers(lines, table)
        if numbers is None:
            raise lines.error(f"the column titles {' '.join(table.titles)}")
        values += numbers
    return LinkStats(*values)


def _rates(lines: Lines) -> tuple[LinkRates, ...]:
    samples = []
    while (traffic := read_numbers(lines, _RATES[0])) is not None:
        errors = read_numbers(lines, _RATES[1])
        if errors is None:
            raise lines.error(f"the column titles {' '.join(_RATES[1].titles)}")
        samples.append(LinkRates(*traffic, *errors))
    return tuple(samples)


def _xstats(lines: Lines) -> Xstats | None:
    if lines.take_if(_XSTATS) is None:
        return None
    if lines.take_if(_NO_XSTATS) is not None:
        return Xstats(supported=False)
    values = []
    while (found := lines.take_if(_XSTAT)) is not None:
        values.append(Xstat(int(found[1]), found[2], int(found[3])))
    return Xstats(supported=True, values=tuple(values))


def _verbose(lines: Lines) -> Verbose | None:
    info = read_device_info(lines)
    if info is None:
        return None
    queues: list[PortQueue] = []
    filters: list[MulticastFilter] = []
    queues_truncated = multicast_truncated = False
    if lines.take_if(_QUEUES) is not None:
        while (found := lines.take_if(_QUEUE)) is not None:
            if found[1] != found[2]:
                raise lines.previous_error("the same number for rx and tx queue")
            queues.append(PortQueue(int(found[1]), _cpu(found[3]), _cpu(found[4])))
        queues_truncated = lines.take_if(_TRUNCATED) is not None
        if not queues and not queues_truncated:
            raise lines.error("a queue, `rxN-txN cpuN-cpuN`")
    if lines.take_if(_MULTICAST) is not None:
        while (found := lines.take_if(_FILTER)) is not None:
            counts = (None, None) if found[3] is None else (int(found[3]), int(found[4]))
            filters.append(MulticastFilter(found[1].lower(), found[2] is not None, *counts))
        multicast_truncated = lines.take_if(_TRUNCATED) is not None
        if not filters and not multicast_truncated:
            raise lines.error("a multicast address, `link MAC refcnt N, synced N`")
    return Verbose(info, tuple(queues), queues_truncated, tuple(filters), multicast_truncated)


def _cpu(text: str | None) -> int | None:
    return None if text is None else int(text)


def _bond(lines: Lines) -> BondStatus | None:
    if lines.take_if(_BOND) is None:
        return None
    mode = lines.take(_BOND_MODE, "`mode N mac_addr MAC xmit_policy NAME link_monitor Nms`")
    active = lines.take(_BOND_ACTIVE, "`ative/slaves N/N` and the two propagation delays")
    slaves = lines.take(_BOND_SLAVES, "`slaves: NAME(MAC, active|inactive[, primary]) ...`")
    members = tuple(
        BondMember(found[1], found[2].lower(), found[3] == "active", found[4] is not None)
        for found in re.finditer(_MEMBER, slaves[1])
    )
    if len(members) != int(active[2]):
        raise lines.previous_error(f"{active[2]} slaves, as in the line before")
    return BondStatus(
        mode=int(mode[1]),
        mac=mode[2].lower(),
        xmit_policy=mode[3],
        link_monitor_ms=int(mode[4]),
        active=int(active[1]),
        slaves=int(active[2]),
        link_down_prop_delay_ms=int(active[3]),
        link_up_prop_delay_ms=int(active[4]),
        members=members,
    )
