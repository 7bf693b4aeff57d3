"""The one seam where a simulated device may be made to misbehave.

A quirk names a point of the data path or the control plane. A device with the quirk leaves out
what happens at that point, or does it wrongly. The acceptance suite is tested with such devices:
a fault has to turn its check red. A device without quirks, the default, takes no other path than
these points. Quirks are given when the device starts, or switched while it runs (`switch`).
"""

from __future__ import annotations

ARP_REPLY = "arp.reply"
ICMP_ECHO = "icmp.echo"
ND_ADVERT = "nd.advert"
TOA_ADD = "toa.add"
UOA_ADD = "uoa.add"
SEQ_ADJUST = "tcp.seq"
MSS_LOWER = "tcp.mss"
SCHEDULE_NEXT = "schedule.next"
COUNT_PORT = "count.port"
COUNT_SERVICE = "count.service"
POOL_RELEASE = "pool.release"
ICMP_PORTS = "icmp.ports"
ICMP_WHOLE_HEADER = "icmp.whole-header"

OMISSIONS = frozenset(
    {
        ARP_REPLY,
        ICMP_ECHO,
        ND_ADVERT,
        TOA_ADD,
        UOA_ADD,
        SEQ_ADJUST,
        MSS_LOWER,
        SCHEDULE_NEXT,
        COUNT_PORT,
        COUNT_SERVICE,
        POOL_RELEASE,
        ICMP_PORTS,
        ICMP_WHOLE_HEADER,
    }
)
"""What is left out."""

COUNT_TWICE = "count.twice"
COUNT_CONNS = "count.conns"
STATE_STUCK = "state.stuck"
SCHEDULE_UNEVEN = "schedule.uneven"
SCHEDULE_STICKY = "schedule.sticky"
SCHEDULE_WEIGHTS = "schedule.weights"
SCHEDULE_HEAVIEST = "schedule.heaviest"
SCHEDULE_MOST_LOADED = "schedule.most-loaded"
SCHEDULE_ANY = "schedule.any"
POOL_ONE_PORT = "pool.one-port"
POOL_REUSE = "pool.reuse"
POOL_MISS = "pool.miss"
POOL_UNCOUNTED = "pool.uncounted"
ICMP_CORE = "icmp.core"
LADDR_FIRST = "laddr.first"
RSS_ONE = "rss.one"

WRONGS = frozenset(
    {
        COUNT_TWICE,
        COUNT_CONNS,
        STATE_STUCK,
        SCHEDULE_UNEVEN,
        SCHEDULE_STICKY,
        SCHEDULE_WEIGHTS,
        SCHEDULE_HEAVIEST,
        SCHEDULE_MOST_LOADED,
        SCHEDULE_ANY,
        POOL_ONE_PORT,
        POOL_REUSE,
        POOL_MISS,
        POOL_UNCOUNTED,
        ICMP_CORE,
        LADDR_FIRST,
        RSS_ONE,
    }
)
"""What is done wrongly in the device's own state."""


class Quirks:
    """Which points misbehave. Immutable; an unknown point is a ValueError."""

    __slots__ = ("counts", "omitted")
    omitted: frozenset[str]
    counts: dict[object, int]
    """How often something was met: for what goes wrong every so often."""

    def __init__(self, omitted: frozenset[str] = frozenset()) -> None:
        unknown = omitted - known() if omitted else omitted
        if unknown:
            raise ValueError(f"unknown quirk {sorted(unknown)}; known points: {sorted(known())}")
        object.__setattr__(self, "omitted", omitted)
        object.__setattr__(self, "counts", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"quirks are made as a whole, not set: {name}={value!r}")

    def omits(self, point: str) -> bool:
        """True when the device leaves out, or does wrongly, what happens at this point."""
        return point in self.omitted

    def nth(self, what: object, every: int) -> bool:
        """True for each `every`-th time that this is asked of `what`."""
        count = self.counts.get(what, 0) + 1
        self.counts[what] = count
        return count % every == 0


def known() -> frozenset[str]:
    """Every quirk that there is."""
    from softlab.simulated import mangling

    return OMISSIONS | WRONGS | frozenset(mangling.LEAVING) | frozenset(mangling.ARRIVING)


def switch(names: str) -> None:
    """Have the running device of this host switch to these quirks (separated by commas)."""
    from softlab.simulated.tools.client import Device

    Device().set("quirks", names=names)
