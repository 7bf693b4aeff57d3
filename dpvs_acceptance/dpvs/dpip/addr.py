"""`dpip [-s] [-v] addr show [dev DEV]`: addresses of DPVS, and source ports of LIPs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import IPAddress, IPInterface, address, prefix
from dpvs_acceptance.dpvs.lines import NUMBER, Lines


@dataclass(frozen=True, slots=True)
class SourcePool:
    """Source ports of a LIP. `miss` counts connections without a free port: must stay 0."""

    used: int
    free: int
    miss: int


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """An address on a port of DPVS.

    lcore: with -v each lcore has its own entry; None without.
    interface: the address with its prefix length.
    scope: host, link, site, global or a number.
    valid_lft, preferred_lft: seconds; None for `forever`.
    pool: with -s or -v, for an address added as a LIP (`ipvsadm --add-laddr`); a LIP without a pool
        does not work.
    """

    lcore: int | None
    interface: IPInterface
    scope: str
    device: str
    broadcast: IPAddress | None
    valid_lft: int | None
    preferred_lft: int | None
    pool: SourcePool | None

    @property
    def address(self) -> IPAddress:
        return self.interface.ip


_HEAD = re.compile(
    rf"(?:\[([0-9]{{2,5}})\] )?(inet6?) (\S+) scope (host|link|site|global|{NUMBER}) (\S+)"
)
_LIFE = re.compile(
    rf"(?:broadcast (\S+) +)?valid_lft (forever|{NUMBER}) preferred_lft (forever|{NUMBER})"
    rf"(?: sa_used ({NUMBER}) sa_free ({NUMBER}) sa_miss ({NUMBER}))?"
)


def parse_addresses(text: str, source: str = "dpip addr show") -> tuple[AddressEntry, ...]:
    """Every address in `text`, in the order printed. Raises ParseError.

    `dpip -4|-6 addr show` lists both families; the option has no effect.
    """
    lines = Lines(text, source)
    entries = []
    while not lines.at_end:
        entries.append(_entry(lines))
    return tuple(entries)


def _entry(lines: Lines) -> AddressEntry:
    head = lines.take(_HEAD, "an address: `[LCORE] inet|inet6 ADDR/LENGTH scope SCOPE DEVICE`")
    try:
        interface = prefix(head[3])
    except ValueError:
        raise lines.previous_error("an address with a prefix length") from None
    if (interface.version == 6) != (head[2] == "inet6"):
        raise lines.previous_error("an address of the given family")
    life = lines.take(
        _LIFE, "`[broadcast ADDR] valid_lft L preferred_lft L [sa_used N sa_free N sa_miss N]`"
    )
    try:
        broadcast = address(life[1]) if life[1] is not None else None
    except ValueError:
        raise lines.previous_error("a broadcast address") from None
    return AddressEntry(
        lcore=int(head[1]) if head[1] is not None else None,
        interface=interface,
        scope=head[4],
        device=head[5],
        broadcast=broadcast,
        valid_lft=_lifetime(life[2]),
        preferred_lft=_lifetime(life[3]),
        pool=None if life[4] is None else SourcePool(int(life[4]), int(life[5]), int(life[6])),
    )


def _lifetime(text: str) -> int | None:
    return None if text == "forever" else int(text)
