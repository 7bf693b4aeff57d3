"""The real servers of a service (src/ipvs/ip_vs_dest.c)."""

from __future__ import annotations

FULLNAT, ROUTE = "FullNat", "Route"
"""How a server is reached; of direct routing the simulated device knows no more than the name."""

COUNTERS = ("conns", "inpkts", "outpkts", "inbytes", "outbytes")


class Dest:
    """A real server of a service. Counts and connections are per lcore."""

    __slots__ = (
        "actconns",
        "addr",
        "forward",
        "inactconns",
        "max_conn",
        "min_conn",
        "port",
        "stats",
        "weight",
    )

    def __init__(
        self,
        addr: bytes,
        port: int,
        weight: int,
        max_conn: int,
        min_conn: int,
        lcores: tuple[int, ...],
        forward: str = FULLNAT,
    ) -> None:
        self.addr = addr
        self.port = port
        self.weight = weight
        self.max_conn = max_conn
        self.min_conn = min_conn
        self.forward = forward
        self.actconns = dict.fromkeys(lcores, 0)
        self.inactconns = dict.fromkeys(lcores, 0)
        self.stats: dict[int, list[int]] = {lcore: [0] * len(COUNTERS) for lcore in lcores}

    def overhead(self, lcore: int) -> int:
        """The load wlc compares."""
        return self.actconns[lcore] * 256 + self.inactconns[lcore]

    def overloaded(self, lcore: int) -> bool:
        """True when the upper threshold, split over the lcores, is reached."""
        if not self.max_conn:
            return False
        share = self.max_conn // len(self.stats)
        return bool(share) and self.actconns[lcore] + self.inactconns[lcore] >= share

    def count(self, lcore: int, packets: int, length: int) -> None:
        """packets is the index of inpkts or outpkts in COUNTERS; their bytes stand two further."""
        stats = self.stats[lcore]
        stats[packets] += 1
        stats[packets + 2] += length
