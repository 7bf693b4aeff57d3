"""The one seam where a simulated device may be made to misbehave.

A quirk names a point of the data path or the control plane; a device that has the quirk leaves
out what happens at that point. The acceptance suite is tested with such devices: a fault has to
turn its check red. A device without quirks, the default, takes no other path than these points.
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

POINTS = frozenset(
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
    }
)


class Quirks:
    """Which points are left out. Immutable; an unknown point is a ValueError."""

    __slots__ = ("omitted",)
    omitted: frozenset[str]

    def __init__(self, omitted: frozenset[str] = frozenset()) -> None:
        unknown = omitted - POINTS
        if unknown:
            raise ValueError(f"unknown quirk {sorted(unknown)}; known points: {sorted(POINTS)}")
        object.__setattr__(self, "omitted", omitted)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"quirks are fixed when the device starts, not set: {name}={value!r}")

    def omits(self, point: str) -> bool:
        """True when the device leaves out what happens at this point."""
        return point in self.omitted
