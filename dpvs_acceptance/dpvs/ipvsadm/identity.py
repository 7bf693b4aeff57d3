"""Names of services in ipvsadm: `TCP  10.0.0.1:80`, `MATCH tcp,from=...`, `FWM  5 IPv6`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import Endpoint, IPAddress, address, endpoint
from dpvs_acceptance.dpvs.errors import ParseError
from dpvs_acceptance.dpvs.lines import NUMBER, Lines
from dpvs_acceptance.dpvs.versions import Version

PROTOCOLS = {name.lower(): name for name in ("TCP", "UDP", "SCTP", "ICMP", "ICMPv6")}
EXPECTED_SERVER = "a real server: `-> ADDR:PORT`, numeric (-n), and its columns"


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Ranges of addresses and ports of a MATCH service, inclusive. Ports 0-0: any."""

    first: IPAddress
    last: IPAddress
    first_port: int
    last_port: int

    def __str__(self) -> str:
        addresses = f"{self.first}-{self.last}"
        if self.first.version == 6:
            addresses = f"[{addresses}]"
        return f"{addresses}:{self.first_port}-{self.last_port}"


@dataclass(frozen=True, slots=True)
class SnatMatch:
    """The selection of a MATCH service (SNAT); None: not restricted."""

    source: AddressRange | None
    destination: AddressRange | None
    iif: str | None
    oif: str | None


@dataclass(frozen=True, slots=True)
class ServiceId:
    """Exactly one of vip, match and fwmark is set.

    protocol: TCP, UDP, SCTP, ICMP or ICMPv6; None for a firewall mark.
    ipv6: for a firewall mark, which has no address.
    """

    protocol: str | None
    vip: Endpoint | None = None
    match: SnatMatch | None = None
    fwmark: int | None = None
    ipv6: bool = False

    def __str__(self) -> str:
        if self.vip is not None:
            return f"{self.protocol}  {self.vip}"
        if self.match is None:
            return f"FWM  {self.fwmark}" + (" IPv6" if self.ipv6 else "")
        words = [f"MATCH {(self.protocol or '').lower()}"]
        named = (
            ("from", self.match.source),
            ("to", self.match.destination),
            ("iif", self.match.iif),
            ("oif", self.match.oif),
        )
        words += [f"{name}={value}" for name, value in named if value is not None]
        return ",".join(words)


@dataclass(frozen=True, slots=True)
class Header:
    """`IP Virtual Server version 1.10.2 (size=0)`; up to 1.9.2 always 0.0.0."""

    version: Version
    size: int


_RANGE = re.compile(r"\[?([0-9A-Fa-f:.]{2,45})-([0-9A-Fa-f:.]{2,45})\]?:([0-9]{1,5})-([0-9]{1,5})")
_MATCH = re.compile(
    r"(tcp|udp|sctp|icmp|icmpv6)(?:,from=([^,]+))?(?:,to=([^,]+))?"
    r"(?:,iif=([^,]+))?(?:,oif=([^,]+))?"
)
_FWMARK = re.compile(r"([0-9]{1,10})( IPv6)?")
_HEADER = re.compile(rf"IP Virtual Server version (\S+) \(size=({NUMBER})\)")


def service_id(kind: str, rest: str) -> ServiceId:
    """From the first word and the rest of a service's line; raises ValueError."""
    if kind == "MATCH":
        return _match(rest)
    if kind == "FWM":
        mark = _FWMARK.fullmatch(rest)
        if mark is None:
            raise ValueError(f"{rest!r} is not a firewall mark")
        return ServiceId(None, fwmark=int(mark[1]), ipv6=mark[2] is not None)
    if PROTOCOLS.get(kind.lower()) != kind:
        raise ValueError(f"{kind!r} is not a protocol")
    return ServiceId(kind, vip=endpoint(rest))


def _match(text: str) -> ServiceId:
    found = _MATCH.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not PROTOCOL[,from=...][,to=...][,iif=...][,oif=...]")
    ranges = (_range(found[2]), _range(found[3]))
    return ServiceId(PROTOCOLS[found[1]], match=SnatMatch(*ranges, found[4], found[5]))


def _range(text: str | None) -> AddressRange | None:
    if text is None:
        return None
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not ADDR-ADDR:PORT-PORT")
    first, last = address(found[1]), address(found[2])
    ports = int(found[3]), int(found[4])
    if max(ports) > 65535 or first.version != last.version:
        raise ValueError(f"{text!r} is not a range of addresses and ports")
    if text.startswith("[") != (first.version == 6) or ("]" in text) != (first.version == 6):
        raise ValueError(f"{text!r} has missing or unexpected brackets")
    return AddressRange(first, last, *ports)


def read_header(lines: Lines) -> Header | None:
    """The first line of a listing of all services; None if a single service was queried."""
    found = lines.take_if(_HEADER)
    if found is None:
        return None
    try:
        return Header(Version.parse(found[1]), int(found[2]))
    except ValueError:
        raise lines.previous_error("a version like 1.10.2") from None


def read_titles(lines: Lines, *titles: str) -> None:
    """Reads the exact column titles; raises ParseError."""
    for title in titles:
        current = lines.current
        if current is None or current.split() != title.split():
            raise lines.error(f"the column titles `{title}`")
        lines.advance()


def no_service(lines: Lines, number: int, line: str) -> ParseError:
    """The error for a real server before any service."""
    return lines.error_at(number, line, "a service before the first real server")
