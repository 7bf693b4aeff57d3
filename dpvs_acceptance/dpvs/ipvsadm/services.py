"""`ipvsadm -ln`: services, their flags, and their real servers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.addresses import Endpoint, IPAddress, endpoint
from dpvs_acceptance.dpvs.ipvsadm.identity import (
    EXPECTED_SERVER,
    Header,
    ServiceId,
    no_service,
    read_header,
    read_titles,
    service_id,
)
from dpvs_acceptance.dpvs.lines import NUMBER, Lines


@dataclass(frozen=True, slots=True)
class Persistence:
    """timeout in seconds; mask as printed: a netmask, for IPv6 a prefix length; None: whole."""

    timeout: int
    mask: str | None


@dataclass(frozen=True, slots=True)
class DestCheck:
    """Health checks. internal (passive): `default` or numbers; external: names of the checkers."""

    internal: str | None
    external: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RealServerEntry:
    """forward: FullNat, Masq, Tunnel, Route, SNAT or Local. inhibited: failed its dest-check."""

    endpoint: Endpoint
    forward: str
    weight: int
    active: int
    inactive: int
    inhibited: bool
    overloaded: bool


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A virtual service. hash_target: sip or qid, of conhash. conn_timeout in seconds.

    proxy_protocol: v1, v1-insecure, v2 or v2-insecure.
    """

    id: ServiceId
    scheduler: str
    hash_target: str | None = None
    persistence: Persistence | None = None
    one_packet: bool = False
    synproxy: bool = False
    conn_timeout: int | None = None
    proxy_protocol: str | None = None
    expire_quiescent: bool = False
    quic: bool = False
    dest_check: DestCheck | None = None
    servers: tuple[RealServerEntry, ...] = ()

    @property
    def protocol(self) -> str | None:
        return self.id.protocol

    @property
    def vip(self) -> Endpoint | None:
        return self.id.vip


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """All services in ipvsadm's order. header None: a single service was queried."""

    header: Header | None
    services: tuple[ServiceEntry, ...]

    def find(self, protocol: str, address: IPAddress, port: int) -> ServiceEntry | None:
        """The service of a VIP and port, e.g. find("TCP", IPv4Address("10.0.96.204"), 80)."""
        wanted = ServiceId(protocol, vip=Endpoint(address, port))
        return next((service for service in self.services if service.id == wanted), None)


TITLES = (
    "Prot LocalAddress:Port Scheduler Flags",
    "-> RemoteAddress:Port Forward Weight ActiveConn InActConn",
)
_SERVICE = re.compile(
    r" *(?P<kind>[A-Za-z0-9]+) +(?P<name>[0-9]+ IPv6|\S+) (?P<scheduler>[a-z][a-z0-9_-]*)"
    r"(?: (?P<hash>sip|qid))?"
    rf"(?: persistent (?P<timeout>{NUMBER})(?: mask (?P<mask>[0-9.]+))?)?"
    r"(?: (?P<ops>ops))?(?: (?P<synproxy>synproxy))?"
    rf"(?: conn[-_]timeout (?P<conn>{NUMBER}))?"
    r"(?: pp(?P<proxy>v[12](?:-insecure)?))?"
    r"(?: (?P<expire>expire-quiescent))?(?: (?P<quic>quic))?"
    r"(?: (?P<check>dest-check)"
    r"(?: internal:(?P<internal>default|[0-9]+,[0-9]+s|[0-9]+,[0-9]+,[0-9]+s,[0-9]+-[0-9]+s))?"
    r"(?: external:(?P<external>(?:tcp|udp|sctp|ping)(?:,(?:tcp|udp|sctp|ping))*))?)? *"
)
_SERVER = re.compile(
    r" *-> (\S+) +(FullNat|Masq|Tunnel|Route|SNAT|Local) +([0-9]{1,10}) +([0-9]{1,10})"
    r" +([0-9]{1,10})(?: +(?:(inhibited)(?:,(overload))?|(overload)))? *"
)
_EXPECTED_SERVICE = (
    "a service (`TCP|UDP|SCTP|ICMP|ICMPv6 ADDR:PORT`, `MATCH ...` or `FWM N`, its scheduler and "
    "flags), or a real server (`-> ADDR:PORT FORWARD WEIGHT ACTIVE INACTIVE`), numeric (-n)"
)


def parse_services(text: str, source: str = "ipvsadm -ln") -> ServiceTable:
    """The output of `ipvsadm -ln [-t ...]`. Raises ParseError."""
    lines = Lines(text, source)
    header = read_header(lines)
    read_titles(lines, *TITLES)
    services: list[ServiceEntry] = []
    pending: tuple[ServiceId, re.Match[str]] | None = None
    servers: list[RealServerEntry] = []
    for number, line in lines.take_rest():
        server = _SERVER.fullmatch(line)
        if server is not None:
            if pending is None:
                raise no_service(lines, number, line)
            try:
                servers.append(_server(server))
            except ValueError:
                raise lines.error_at(number, line, EXPECTED_SERVER) from None
            continue
        if pending is not None:
            services.append(_service(*pending, tuple(servers)))
            servers = []
        found = _SERVICE.fullmatch(line)
        if found is None:
            raise lines.error_at(number, line, _EXPECTED_SERVICE)
        try:
            pending = service_id(found["kind"], found["name"]), found
        except ValueError:
            raise lines.error_at(number, line, _EXPECTED_SERVICE) from None
    if pending is not None:
        services.append(_service(*pending, tuple(servers)))
    return ServiceTable(header, tuple(services))


def _service(
    identity: ServiceId, found: re.Match[str], servers: tuple[RealServerEntry, ...]
) -> ServiceEntry:
    persistence = check = None
    if found["timeout"] is not None:
        persistence = Persistence(int(found["timeout"]), found["mask"])
    if found["check"] is not None:
        external = found["external"]
        check = DestCheck(found["internal"], tuple(external.split(",")) if external else ())
    return ServiceEntry(
        id=identity,
        scheduler=found["scheduler"],
        hash_target=found["hash"],
        persistence=persistence,
        one_packet=found["ops"] is not None,
        synproxy=found["synproxy"] is not None,
        conn_timeout=int(found["conn"]) if found["conn"] is not None else None,
        proxy_protocol=found["proxy"],
        expire_quiescent=found["expire"] is not None,
        quic=found["quic"] is not None,
        dest_check=check,
        servers=servers,
    )


def _server(found: re.Match[str]) -> RealServerEntry:
    where, forward, weight, active, inactive, inhibited, *overloaded = found.groups()
    return RealServerEntry(
        endpoint(where),
        forward,
        int(weight),
        int(active),
        int(inactive),
        inhibited is not None,
        any(overloaded),
    )
