"""`dpip tunnel show`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from dpvs_acceptance.dpvs.lines import NUMBER, Lines


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An IP tunnel. ttl 0: inherited from the inner packet. Keys and flags: 0 if unset."""

    name: str
    kind: str
    remote: IPv4Address
    local: IPv4Address
    device: str | None
    ttl: int
    tos: int = 0
    i_flags: int = 0
    o_flags: int = 0
    i_key: int = 0
    o_key: int = 0


_OPTIONS = ("tos", "i_flags", "o_flags", "i_key", "o_key")
_TUNNEL = re.compile(
    rf"(\S+): +(\S+) remote ([0-9.]+) local ([0-9.]+)(?: dev (\S+))? ttl (inherit|{NUMBER})"
    + "".join(rf"(?: {option} 0x([0-9a-f]{{1,8}}))?" for option in _OPTIONS)
)


def parse_tunnels(text: str, source: str = "dpip tunnel show") -> tuple[Tunnel, ...]:
    """Every tunnel in `text`. Raises ParseError."""
    lines = Lines(text, source)
    tunnels = []
    while not lines.at_end:
        found = lines.take(_TUNNEL, "`NAME: KIND remote ADDR local ADDR [dev DEV] ttl N|inherit`")
        try:
            remote, local = IPv4Address(found[3]), IPv4Address(found[4])
        except ValueError:
            raise lines.previous_error("IPv4 addresses after `remote` and `local`") from None
        options = (int(found[7 + index] or "0", 16) for index in range(len(_OPTIONS)))
        ttl = 0 if found[6] == "inherit" else int(found[6])
        tunnels.append(Tunnel(found[1], found[2], remote, local, found[5], ttl, *options))
    return tuple(tunnels)
