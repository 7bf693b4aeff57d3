"""IP packets that come in: to a connection, to a service, to the device itself, or to the kernel
(src/ipvs/ip_vs_core.c, ip_vs_xmit.c, src/ipv4.c, src/ipv6/ipv6.c)."""

from __future__ import annotations

from softlab.packet import (
    ICMP6_NA,
    ICMP6_NS,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_TCP,
    PROTO_UDP,
    ethernet,
)
from softlab.simulated import fullnat, hosts, icmperrors, quirks, xmit
from softlab.simulated.connections import Connection
from softlab.simulated.dests import COUNTERS, FULLNAT
from softlab.simulated.fullnat import Packet
from softlab.simulated.routes import LOCAL
from softlab.simulated.tcpstates import (
    ACK,
    ESTABLISHED,
    FIN,
    RST,
    SYN,
    UDP_NONE,
    UDP_NORMAL,
    UDP_ONEWAY,
    tcp_next,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.core import DataPath
    from softlab.simulated.dests import Dest
    from softlab.simulated.services import Service

_IN = COUNTERS.index("inpkts")
_OUT = COUNTERS.index("outpkts")
_CONNS = COUNTERS.index("conns")
_WHEEL = 524  # seconds in which DPVS's wheel of timers turns once


def ip_received(path: DataPath, lcore: int, frame: bytes, port: int, now: float) -> bool:
    """An IP packet in a frame; True when the kni wants it."""
    packet = fullnat.parse(frame[14:])
    if packet is None:
        return False
    if not frame[0] & 1:
        if fullnat.is_fragment(packet):
            return False
        if packet.proto in (PROTO_ICMP, PROTO_ICMPV6):
            if icmperrors.related(path, lcore, packet, now):
                return False
        elif packet.proto in (PROTO_TCP, PROTO_UDP) and _virtual(
            path, lcore, packet, frame, port, now
        ):
            return False
    return _to_host(path, lcore, packet, port, now, multicast=bool(frame[0] & 1))


def _to_host(
    path: DataPath, lcore: int, packet: Packet, port: int, now: float, *, multicast: bool
) -> bool:
    if packet.family == 16:
        if packet.proto == PROTO_ICMPV6 and packet.body[:1] in (
            bytes([ICMP6_NS]),
            bytes([ICMP6_NA]),
        ):
            return hosts.nd_received(path, lcore, packet, port, now)
        if packet.dst[0] == 0xFF:
            if packet.proto == PROTO_ICMPV6 and packet.dst in path.ports[port].groups:
                hosts.echo_received(path, lcore, packet, port, now)
            return True
    route = (
        path.routes4.lookup_in(packet.dst, port)
        if packet.family == 4
        else path.routes6.lookup(packet.dst)
    )
    if route is None:
        return True
    if route.kind == LOCAL:
        if packet.proto in (PROTO_ICMP, PROTO_ICMPV6):
            return hosts.echo_received(path, lcore, packet, port, now)
        return True
    if path.is_for_kni(packet.dst, port):
        return True
    # A packet for another host: forwarding is off, so only groups are passed on.
    return multicast


def _virtual(
    path: DataPath, lcore: int, packet: Packet, frame: bytes, port: int, now: float
) -> bool:
    """FullNAT; False if it does not handle the packet."""
    if len(packet.body) < 8:
        return False
    sport, dport = packet.ports()
    key = (packet.proto, packet.src, sport, packet.dst, dport)
    owner, conn, inbound = _lookup(path, lcore, key)
    if conn is None:
        if _refused(path, lcore, packet, frame, port):
            return True
        verdict = _schedule(path, lcore, packet, sport, dport, now)
        if isinstance(verdict, bool):
            return verdict
        conn, inbound, owner = verdict, True, lcore
    _confirm(path, owner, conn, packet, now, inbound=inbound)
    _move_state(path, owner, conn, packet, inbound=inbound)
    conn_table = path.connections[owner]
    available = conn.dest in conn.service.dests
    if available:
        conn.dest.count(owner, _IN if inbound else _OUT, len(packet))
    if inbound:
        xmit.to_server(path, owner, conn, packet, frame, port, now)
    else:
        xmit.to_client(path, owner, conn, packet, frame, port, now)
    conn_table.touch(conn, now)
    return True


def _lookup(
    path: DataPath, lcore: int, key: tuple[int, bytes, int, bytes, int]
) -> tuple[int, Connection | None, bool]:
    """(lcore that has it, connection, True when the key is the client's side)."""
    table = path.connections[lcore]
    conn = table.inbound(key)
    if conn is not None:
        return lcore, conn, True
    conn = table.outbound(key)
    if conn is not None:
        return lcore, conn, False
    if path.settings.redirect:
        for other in path.workers:
            conn = path.connections[other].outbound(key)
            if conn is not None:
                return other, conn, False
    return lcore, None, True


def _refused(path: DataPath, lcore: int, packet: Packet, frame: bytes, port: int) -> bool:
    """Reset the sender of an ACK for a service that belongs to no connection."""
    if packet.proto != PROTO_TCP:
        return False
    if fullnat.tcp_flags(packet.body) & (SYN | ACK | FIN | RST) != ACK:
        return False
    _, dport = packet.ports()
    if path.services.get(PROTO_TCP, packet.dst, dport) is None:
        return False
    reset = fullnat.refusal(packet)
    if reset is not None:
        path.send(lcore, port, ethernet(frame[6:12], frame[:6], reset))
    return True


def _schedule(
    path: DataPath, lcore: int, packet: Packet, sport: int, dport: int, now: float
) -> Connection | bool:
    """A new connection for the packet; True to drop it, False to let it pass to the host."""
    proto = packet.proto
    settings = path.settings
    if proto == PROTO_TCP:
        opening = fullnat.tcp_flags(packet.body) & (SYN | ACK | FIN | RST) == SYN
        opening = opening or path.quirks.has(quirks.SCHEDULE_ANY)
        if not opening:
            return settings.defence_tcp and path.services.has_vip(proto, packet.dst)
    elif settings.defence_udp and not path.services.has_vip(PROTO_UDP, packet.dst):
        return path.services.has_vip(PROTO_TCP, packet.dst)
    service = path.services.get(proto, packet.dst, dport)
    if service is None:
        return (
            proto == PROTO_TCP and settings.defence_tcp and path.services.has_vip(proto, packet.dst)
        )
    dest = _choose(path, lcore, service)
    if dest is None:
        path.say("INFO", "IPVS", "dp_vs_schedule: no dest found.")
        return True
    if dest.forward != FULLNAT:
        return True
    conn = _bind(path, lcore, service, dest, (packet.src, sport))
    if conn is None:
        return True
    dest.inactconns[lcore] += 1
    dest.stats[lcore][_CONNS] += 1
    if proto == PROTO_UDP:
        conn.uoa_left = settings.uoa_max_trail
    path.connections[lcore].add(conn, now, 3)
    return conn


def _choose(path: DataPath, lcore: int, service: Service) -> Dest | None:
    if path.quirks.has(quirks.SCHEDULE_NEXT):
        return service.dests[0] if service.dests else None
    if path.quirks.has(quirks.SCHEDULE_UNEVEN) and path.quirks.nth("uneven", 2):
        return service.dests[0] if service.dests else None
    if path.quirks.has(quirks.SCHEDULE_WEIGHTS) and service.dests:
        turn = path.quirks.counts["turn"] = path.quirks.counts.get("turn", 0) + 1
        return service.dests[turn % len(service.dests)]
    if path.quirks.has(quirks.SCHEDULE_HEAVIEST) and service.dests:
        return max(service.dests, key=lambda dest: dest.weight)
    if path.quirks.has(quirks.SCHEDULE_MOST_LOADED) and service.dests:
        return max(service.dests, key=lambda dest: dest.overhead(lcore) / max(dest.weight, 1))
    if path.quirks.has(quirks.SCHEDULE_STICKY) and service.dests:
        # Long on one server, then long on the next: fair in the end, never in between.
        turn = path.quirks.counts["turn"] = path.quirks.counts.get("turn", 0) + 1
        return service.dests[turn // 40 % len(service.dests)]
    return service.schedulers[lcore].choose(service.dests)


def _bind(
    path: DataPath, lcore: int, service: Service, dest: Dest, client: tuple[bytes, int]
) -> Connection | None:
    """Take a LIP and one of its ports; None when the service has none left for that server."""
    for _ in range(min(16, len(service.laddrs))):
        if path.quirks.has(quirks.LADDR_FIRST):
            service.current_laddr[lcore] = -1
        laddr = service.next_laddr(lcore, len(dest.addr))
        if laddr is None:
            return None
        entry = path.addresses.find(laddr.port, laddr.addr)
        if entry is None:
            continue
        pool = entry.pools.get(lcore)
        if pool is None:
            path.say("WARNING", "SAPOOL", "sa4_fetch: fetch addr on IP without sapool.")
            continue
        lport = pool.take(dest.addr, dest.port)
        if path.quirks.has(quirks.POOL_ONE_PORT):
            lport = path.quirks.counts.setdefault("port", lport or 0)
        elif path.quirks.has(quirks.POOL_REUSE) and not path.quirks.nth("reuse", 3):
            lport = path.quirks.counts.setdefault(("reused", dest.addr), lport or 0)
        if lport is None:
            continue
        laddr.conns[lcore] += 1
        virtual = (service.addr, service.port)
        conn = Connection(service.proto, client, virtual, laddr, lport, service, dest)
        conn.pool = pool
        return conn
    return None


def _confirm(
    path: DataPath, lcore: int, conn: Connection, packet: Packet, now: float, *, inbound: bool
) -> None:
    """Traffic of a connection keeps the neighbours it needed a route for."""
    if packet.proto == PROTO_TCP and not fullnat.tcp_flags(packet.body) & ACK:
        return
    if packet.proto == PROTO_UDP and inbound:
        return
    nexthop = conn.out_nexthop if inbound else conn.in_nexthop
    port = conn.out_port if inbound else conn.in_port
    if nexthop:
        path.neighbours[lcore].confirm(port, nexthop, now)


def _move_state(
    path: DataPath, lcore: int, conn: Connection, packet: Packet, *, inbound: bool
) -> None:
    dest = conn.dest
    if conn.proto == PROTO_TCP:
        flags = fullnat.tcp_flags(packet.body)
        state = tcp_next(conn.state, "in" if inbound else "out", flags)
        if state == conn.state:
            return
        conn.state = state
        if not conn.inactive and state != ESTABLISHED:
            dest.actconns[lcore] -= 1
            dest.inactconns[lcore] += 1
            conn.inactive = True
        elif conn.inactive and state == ESTABLISHED:
            dest.actconns[lcore] += 1
            dest.inactconns[lcore] -= 1
            conn.inactive = False
    elif not inbound or not path.version.oneway_timeout:
        conn.state = UDP_NORMAL
    elif conn.state == UDP_NONE:
        conn.state = UDP_ONEWAY
    fixed = conn.service.conn_timeout
    if fixed and (conn.proto == PROTO_UDP or conn.state == ESTABLISHED):
        conn.timeout = fixed % _WHEEL if path.quirks.has(quirks.TIMER_WRAPS) else fixed
    else:
        conn.timeout = path.settings.timeouts[conn.state]
