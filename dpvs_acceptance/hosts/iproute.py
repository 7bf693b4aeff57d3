"""Parsers for iproute2: JSON, or text lines for old releases without it (CentOS 7).

Pure; strict: no line is skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any, TypeVar

from .facts import FactError

Made = TypeVar("Made")

_ROUTE_TYPES = frozenset(
    ("unreachable", "blackhole", "prohibit", "throw", "local", "broadcast", "anycast", "multicast")
)
_ROUTE_WORDS = frozenset(
    ("via", "dev", "proto", "scope", "src", "metric", "pref", "mtu", "advmss", "error", "expires")
)
_ROUTE_FLAGS = frozenset(("onlink", "linkdown", "dead", "pervasive", "offload"))


@dataclass(frozen=True, slots=True)
class Address:
    """An address on an interface; `address` includes the prefix length."""

    dev: str
    address: IPv4Interface | IPv6Interface
    scope: str

    def __str__(self) -> str:
        return f"{self.address} dev {self.dev} scope {self.scope}"


@dataclass(frozen=True, slots=True)
class KernelInterface:
    """A network interface in iproute2. `flags`: such as UP, LOWER_UP, NO-CARRIER."""

    name: str
    ifindex: int
    flags: frozenset[str]
    mtu: int
    operstate: str
    mac: str | None
    master: str | None = None


@dataclass(frozen=True, slots=True)
class KernelRoute:
    """A route of the main table. `type`: unicast, or unreachable, blackhole and the like."""

    destination: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None
    dev: str | None
    source: IPv4Address | IPv6Address | None = None
    metric: int = 0
    protocol: str = "boot"
    scope: str = "global"
    type: str = "unicast"

    def __str__(self) -> str:
        words = (
            [str(self.destination)]
            if self.type == "unicast"
            else [self.type, str(self.destination)]
        )
        for word, value in (("via", self.gateway), ("dev", self.dev), ("src", self.source)):
            if value is not None:
                words += [word, str(value)]
        return " ".join([*words, *(["metric", str(self.metric)] if self.metric else [])])


@dataclass(frozen=True, slots=True)
class KernelNeighbour:
    """An entry of the neighbour table; `mac` is None while unresolved."""

    address: IPv4Address | IPv6Address
    dev: str
    mac: str | None
    state: str


def addresses(text: str) -> tuple[Address, ...]:
    """Section `ip addr`, in the kernel's order."""
    if not _is_json(text):
        return tuple(_address_line(line) for line in text.splitlines())
    return tuple(one for link in _json("ip addr", text, _addresses) for one in link)


def _addresses(link: dict[str, Any]) -> tuple[Address, ...]:
    return tuple(
        Address(
            dev=link["ifname"],
            address=ip_interface(f"{info['local']}/{info['prefixlen']}"),
            scope=info["scope"],
        )
        for info in link["addr_info"]
        if info.get("family") in ("inet", "inet6")
    )


def links(text: str) -> dict[str, KernelInterface]:
    """Section `ip link`, by name."""
    if not _is_json(text):
        found = [_link_line(line) for line in text.splitlines()]
    else:
        found = _json("ip link", text, _link)
    return {link.name: link for link in found}


def _link(link: dict[str, Any]) -> KernelInterface:
    return KernelInterface(
        name=str(link["ifname"]),
        ifindex=int(link["ifindex"]),
        flags=frozenset(link["flags"]),
        mtu=int(link["mtu"]),
        operstate=link["operstate"],
        mac=link.get("address"),
        master=link.get("master"),
    )


def routes(text: str, version: int) -> tuple[KernelRoute, ...]:
    """Section `ip -4 route` (version 4) or `ip -6 route` (6), in the kernel's order.

    A route with several next hops gives one KernelRoute for each.
    """
    section = f"ip -{version} route"
    if not _is_json(text):
        return tuple(_route_line(section, line, version) for line in text.splitlines())

    def hops(route: dict[str, Any]) -> list[KernelRoute]:
        every = route.get("nexthops") or [route]
        return [_route(section, {**route, **hop}, version) for hop in every]

    return tuple(one for route in _json(section, text, hops) for one in route)


def _route(section: str, words: dict[str, Any], version: int) -> KernelRoute:
    return KernelRoute(
        destination=_destination(section, words["dst"], version),
        gateway=_gateway(words),
        dev=words.get("dev"),
        source=_optional(words.get("prefsrc")),
        metric=int(words.get("metric", 0)),
        protocol=words.get("protocol", "boot"),
        scope=words.get("scope", "global"),
        type=words.get("type", "unicast"),
    )


def neighbours(text: str) -> tuple[KernelNeighbour, ...]:
    """Section `ip neigh`."""
    if _is_json(text):
        return tuple(_json("ip neigh", text, _neighbour))
    found = []
    for line in text.splitlines():
        match = re.fullmatch(
            r"(\S+) dev (\S+)(?: lladdr (\S+))?(?: router)?(?: \w+ \d+)* (\w+) ?", line
        )
        if match is None:
            raise FactError("ip neigh", line, "`address dev name lladdr mac state`")
        with _quoting("ip neigh", line):
            found.append(KernelNeighbour(ip_address(match[1]), match[2], match[3], match[4]))
    return tuple(found)


def _neighbour(one: dict[str, Any]) -> KernelNeighbour:
    state = " ".join(one.get("state", []))
    return KernelNeighbour(ip_address(one["dst"]), one["dev"], one.get("lladdr"), state)


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("[")


def _json(section: str, text: str, read: Callable[[dict[str, Any]], Made]) -> list[Made]:
    """The results of `read` for each object of a list."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise FactError(section, text[:200], f"JSON of iproute2 ({exc})") from exc
    found = []
    for one in data:
        if one:  # older releases print an empty object for a link excluded by a filter
            with _quoting(section, str(one)):
                found.append(read(one))
    return found


@contextmanager
def _quoting(section: str, line: str) -> Iterator[None]:
    """Turns parse errors into a FactError that quotes the line or object."""
    try:
        yield
    except FactError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise FactError(section, line[:200], f"of iproute2 ({exc!r})") from exc


def _address_line(line: str) -> Address:
    match = re.match(
        r"\d+: (\S+?)(?:@\S+)?\s+inet6? (\S+?)(?: peer (\S+))?(?: brd \S+)? scope (\S+)", line
    )
    if match is None:
        raise FactError("ip addr", line, "a line of `ip -o addr`")
    length = (match[3] or match[2]).partition("/")[2] or "32"
    with _quoting("ip addr", line):
        return Address(match[1], ip_interface(f"{match[2].partition('/')[0]}/{length}"), match[4])


def _link_line(line: str) -> KernelInterface:
    match = re.match(r"(\d{1,18}): (\S+?)(?:@\S+)?: <(\S*)> mtu (\d{1,18}) (.*)", line)
    if match is None:
        raise FactError("ip link", line, "a line of `ip -o link`")
    rest = match[5]
    state, mac = (
        re.search(r"\bstate (\S+)", rest),
        re.search(r"link/\S{1,32} ([0-9a-f:]{17})", rest),
    )
    master = re.search(r"\bmaster (\S+)", rest)
    return KernelInterface(
        name=match[2],
        ifindex=int(match[1]),
        flags=frozenset(match[3].split(",")),
        mtu=int(match[4]),
        operstate=state[1] if state else "UNKNOWN",
        mac=mac[1] if mac else None,
        master=master[1] if master else None,
    )


def _route_line(section: str, line: str, version: int) -> KernelRoute:
    words = line.split()
    kind = words.pop(0) if words and words[0] in _ROUTE_TYPES else "unicast"
    if not words:
        raise FactError(section, line, "a route")
    destination, values = words.pop(0), {}
    while words:
        word = words.pop(0)
        if word in _ROUTE_WORDS and words:
            values[word] = words.pop(0)
        elif word not in _ROUTE_FLAGS:
            raise FactError(section, line, f"a route (unknown word {word!r})")
    with _quoting(section, line):
        return KernelRoute(
            destination=_destination(section, destination, version),
            gateway=_optional(values.get("via")),
            dev=values.get("dev"),
            source=_optional(values.get("src")),
            metric=int(values.get("metric", 0)),
            protocol=values.get("proto", "boot"),
            scope=values.get("scope", "global"),
            type=kind,
        )


def _destination(section: str, text: str, version: int) -> IPv4Network | IPv6Network:
    if text == "default":
        text = "0.0.0.0/0" if version == 4 else "::/0"
    try:
        return ip_network(text)
    except ValueError as exc:
        raise FactError(section, text, f"a destination ({exc})") from exc


def _gateway(words: dict[str, Any]) -> IPv4Address | IPv6Address | None:
    via = words.get("via") or {}
    return _optional(words.get("gateway") or via.get("host"))


def _optional(text: str | None) -> IPv4Address | IPv6Address | None:
    return None if text is None else ip_address(text)
