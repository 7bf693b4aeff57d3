"""The one seam where a simulated device may be made to misbehave in its own state.

A quirk names a point of the data path or the control plane at which the device does the wrong
thing. The acceptance suite is tested with such devices: a fault has to turn its check red. Quirks
are given when the device starts, or switched while it runs (`switch`). What goes wrong with frames
is no quirk: the wire in front of any device does that (softlab/wire).
"""

from __future__ import annotations

SCHEDULE_NEXT = "schedule.next"
SCHEDULE_UNEVEN = "schedule.uneven"
SCHEDULE_STICKY = "schedule.sticky"
SCHEDULE_WEIGHTS = "schedule.weights"
SCHEDULE_HEAVIEST = "schedule.heaviest"
SCHEDULE_MOST_LOADED = "schedule.most-loaded"
SCHEDULE_ANY = "schedule.any"
POOL_ONE_PORT = "pool.one-port"
POOL_RELEASE = "pool.release"
POOL_REUSE = "pool.reuse"
ICMP_CORE = "icmp.core"
ICMP_PORTS = "icmp.ports"
LADDR_FIRST = "laddr.first"
RSS_ONE = "rss.one"
DRAINED_CUT_OFF = "server.drained"
REMOVED_CUT_OFF = "server.removed"
KEEPALIVED_SLOW = "keepalived.slow"
KEEPALIVED_HASTY = "keepalived.hasty"
KEEPALIVED_CONNECTS_ONLY = "keepalived.connects-only"
KEEPALIVED_SILENCE_IS_FINE = "keepalived.silence-is-fine"
KEEPALIVED_STATUS_UNREAD = "keepalived.status-unread"
KEEPALIVED_INHIBIT = "keepalived.inhibit"
KEEPALIVED_SORRY = "keepalived.sorry"
KEEPALIVED_HYSTERESIS = "keepalived.hysteresis"
KEEPALIVED_ALPHA = "keepalived.alpha"
KEEPALIVED_AGAIN = "keepalived.again"
KEEPALIVED_KEEPS = "keepalived.keeps"
KEEPALIVED_LEAVES = "keepalived.leaves"
KEEPALIVED_ONE_CHILD = "keepalived.one-child"
KEEPALIVED_FLAPS = "keepalived.flaps"
KEEPALIVED_DNS_ENDS = "keepalived.dns-ends"
BOND_ONE = "bond.one-member"
BOND_STAYS = "bond.stays"
LACP_MUTE = "lacp.mute"
LACP_UNHEARD = "lacp.unheard"
TIMER_WRAPS = "timer.wraps"
SAVE_OPTIONS = "save.options"

KNOWN = frozenset(
    {
        SCHEDULE_NEXT,
        SCHEDULE_UNEVEN,
        SCHEDULE_STICKY,
        SCHEDULE_WEIGHTS,
        SCHEDULE_HEAVIEST,
        SCHEDULE_MOST_LOADED,
        SCHEDULE_ANY,
        POOL_ONE_PORT,
        POOL_RELEASE,
        POOL_REUSE,
        ICMP_CORE,
        ICMP_PORTS,
        LADDR_FIRST,
        RSS_ONE,
        DRAINED_CUT_OFF,
        REMOVED_CUT_OFF,
        KEEPALIVED_SLOW,
        KEEPALIVED_HASTY,
        KEEPALIVED_CONNECTS_ONLY,
        KEEPALIVED_SILENCE_IS_FINE,
        KEEPALIVED_STATUS_UNREAD,
        KEEPALIVED_INHIBIT,
        KEEPALIVED_SORRY,
        KEEPALIVED_HYSTERESIS,
        KEEPALIVED_ALPHA,
        KEEPALIVED_AGAIN,
        KEEPALIVED_KEEPS,
        KEEPALIVED_LEAVES,
        KEEPALIVED_ONE_CHILD,
        KEEPALIVED_FLAPS,
        KEEPALIVED_DNS_ENDS,
        BOND_ONE,
        BOND_STAYS,
        LACP_MUTE,
        LACP_UNHEARD,
        TIMER_WRAPS,
        SAVE_OPTIONS,
    }
)
"""Every quirk that there is."""


class Quirks:
    """Which points misbehave. Immutable; an unknown point is a ValueError."""

    __slots__ = ("counts", "points")
    points: frozenset[str]
    counts: dict[object, int]
    """How often something was met: for what goes wrong every so often."""

    def __init__(self, points: frozenset[str] = frozenset()) -> None:
        if unknown := points - KNOWN:
            raise ValueError(f"unknown quirk {sorted(unknown)}; known points: {sorted(KNOWN)}")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "counts", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"quirks are made as a whole, not set: {name}={value!r}")

    def has(self, point: str) -> bool:
        """True when the device does the wrong thing at this point."""
        return point in self.points

    def nth(self, what: object, every: int) -> bool:
        """True for each `every`-th time that this is asked of `what`."""
        count = self.counts.get(what, 0) + 1
        self.counts[what] = count
        return count % every == 0


def switch(names: str) -> None:
    """Have the running device of this host switch to these quirks (separated by commas)."""
    from softlab.simulated.tools.client import Device

    Device().set("quirks", names=names)
