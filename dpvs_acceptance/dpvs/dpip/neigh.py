"""`dpip neigh show [dev DEV]`: neighbour tables of all lcores."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import IPAddress, address
from dpvs_acceptance.dpvs.lines import MAC, NUMBER, Lines


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of one lcore's neighbour table. mac None: printed as `mac:incomplate` (sic)."""

    address: IPAddress
    mac: str | None
    state: str
    device: str
    lcore: int
    static: bool

    @property
    def resolved(self) -> bool:
        """Whether packets can be sent to it now."""
        return self.mac is not None


_NEIGHBOUR = re.compile(
    rf"ip: (\S+) +(?:mac: ({MAC}) +state: (REACHABLE|PROBE|DELAY)"
    r"|mac:incomplate +state: (NONE|SEND))"
    rf" +dev: (\S+) +core: ({NUMBER})(?: +(static))?"
)


def parse_neighbours(text: str, source: str = "dpip neigh show") -> tuple[Neighbour, ...]:
    """Every entry in `text`, in the order printed. Raises ParseError."""
    lines = Lines(text, source)
    neighbours = []
    while not lines.at_end:
        found = lines.take(
            _NEIGHBOUR,
            "`ip: ADDR mac: MAC state: REACHABLE|PROBE|DELAY dev: DEV core: N [static]`, or "
            "`mac:incomplate` with state NONE or SEND",
        )
        try:
            where = address(found[1])
        except ValueError:
            raise lines.previous_error("an address after `ip:`") from None
        neighbours.append(
            Neighbour(
                address=where,
                mac=found[2].lower() if found[2] is not None else None,
                state=found[3] or found[4],
                device=found[5],
                lcore=int(found[6]),
                static=found[7] is not None,
            )
        )
    return tuple(neighbours)
