"""`dpip route show` and `dpip -6 route show`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from dpvs_acceptance.dpvs.addresses import IPAddress, IPInterface, address, prefix
from dpvs_acceptance.dpvs.lines import NUMBER, Lines


@dataclass(frozen=True, slots=True)
class Route:
    """A route of DPVS.

    destination: with host bits if printed; `network` is without. Default route: length 0. via,
    source: None if printed as 0.0.0.0 or not at all. scope: host (own address), kni_host (of a
    kni), link, global, a number; `::` for an IPv6 route of
        a kind unknown to dpip.
    mtu: None if an IPv6 route has none.
    metric, proto, tos, onlink: of IPv4 routes. tos is a constant 0 from 1.9.6 on.
    """

    destination: IPInterface
    via: IPAddress | None
    source: IPAddress | None
    device: str
    mtu: int | None
    scope: str
    metric: int | None = None
    proto: str | None = None
    tos: int | None = None
    onlink: bool = False

    @property
    def network(self) -> IPv4Network | IPv6Network:
        return self.destination.network

    @property
    def is_default(self) -> bool:
        return self.destination.network.prefixlen == 0


_ROUTE4 = re.compile(
    rf"inet (\S+) via (\S+) src (\S+) dev (\S+) mtu ({NUMBER}) tos ({NUMBER})"
    rf" scope (host|kni_host|link|global|{NUMBER}) metric ({NUMBER})"
    rf" proto (auto|boot|static|ra|redirect|{NUMBER})(?: +(onlink))?"
)
_ROUTE6 = re.compile(
    rf"inet6 (\S+)(?: via (\S+))?(?: src (\S+))? dev (\S+)(?: mtu ({NUMBER}))?"
    r" scope (host|kni_host|link|global|::)"
)


def parse_routes(text: str, source: str = "dpip route show") -> tuple[Route, ...]:
    """Every route in `text`, in the order printed (both families). Raises ParseError."""
    lines = Lines(text, source)
    routes = []
    while not lines.at_end:
        routes.append(_route4(lines) or _route6(lines))
    return tuple(routes)


def _route4(lines: Lines) -> Route | None:
    found = lines.take_if(_ROUTE4)
    if found is None:
        return None
    return Route(
        destination=_destination(found[1], 4, lines),
        via=_address(found[2], 4, lines),
        source=_address(found[3], 4, lines),
        device=found[4],
        mtu=int(found[5]),
        scope=found[7],
        metric=int(found[8]),
        proto=found[9],
        tos=int(found[6]),
        onlink=found[10] is not None,
    )


def _route6(lines: Lines) -> Route:
    found = lines.take(
        _ROUTE6,
        "a route: `inet ADDR/LENGTH via ADDR src ADDR dev DEV mtu N tos N scope SCOPE metric N "
        "proto PROTO`, or `inet6 ADDR/LENGTH [via ADDR] [src ADDR] dev DEV [mtu N] scope SCOPE`",
    )
    return Route(
        destination=_destination("::/0" if found[1] == "default" else found[1], 6, lines),
        via=_address(found[2], 6, lines),
        source=_address(found[3], 6, lines),
        device=found[4],
        mtu=int(found[5]) if found[5] is not None else None,
        scope=found[6],
    )


def _destination(text: str, version: int, lines: Lines) -> IPInterface:
    try:
        destination = prefix(text)
    except ValueError:
        raise lines.previous_error("a destination ADDR/LENGTH") from None
    if destination.version != version:
        raise lines.previous_error("a destination of the given family")
    return destination


def _address(text: str | None, version: int, lines: Lines) -> IPAddress | None:
    if text is None:
        return None
    try:
        found = address(text)
    except ValueError:
        raise lines.previous_error(f"an address instead of {text!r}") from None
    if found.version != version:
        raise lines.previous_error("addresses of the route's own family")
    return None if found.is_unspecified else found
