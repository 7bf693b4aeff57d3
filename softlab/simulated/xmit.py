"""Sending translated packets: straight back the way their answers came, or by route and neighbour
(src/ipvs/ip_vs_xmit.c); and what is left to do when a connection ends."""

from __future__ import annotations

from softlab.packet import PROTO_TCP, PROTO_UDP, ethernet
from softlab.simulated import fullnat, icmperrors, quirks, udpnat
from softlab.simulated.connections import Connection
from softlab.simulated.fullnat import Packet
from softlab.simulated.tcpstates import ESTABLISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.core import DataPath


def to_server(
    path: DataPath,
    lcore: int,
    conn: Connection,
    packet: Packet,
    frame: bytes,
    port: int,
    now: float,
) -> None:
    if _cut_off(path, conn):
        return
    same_family = len(conn.laddr) == len(conn.caddr)
    fast = path.settings.fast_xmit and same_family and conn.uoa_left == 0
    if fast and not conn.out_mac:
        conn.out_port, conn.out_mac, conn.out_own = port, frame[6:12], frame[:6]
    direct = fast and bool(conn.in_mac)
    route = None
    if direct:
        mtu = path.ports[conn.in_port].mtu
    else:
        route = path.route_to(conn.daddr)
        if route is None:
            return
        conn.in_port = route.port
        conn.in_nexthop = route.gateway if any(route.gateway) else conn.daddr
        mtu = route.mtu
        if icmperrors.too_big(path, lcore, packet, mtu, len(conn.laddr), now):
            return
    for translated in _translate_in(path, conn, packet, mtu, now):
        if route is None:
            path.send(lcore, conn.in_port, ethernet(conn.in_mac, conn.in_own, translated))
        else:
            path.send_routed(lcore, route, conn.daddr, translated, now)


def _cut_off(path: DataPath, conn: Connection) -> bool:
    """Whether a device with such a quirk has given up the real server of an open connection."""
    if path.quirks.has(quirks.DRAINED_CUT_OFF) and conn.dest.weight == 0:
        return True
    return path.quirks.has(quirks.REMOVED_CUT_OFF) and conn.dest not in conn.service.dests


def _translate_in(
    path: DataPath, conn: Connection, packet: Packet, mtu: int, now: float
) -> list[bytes]:
    if conn.proto == PROTO_UDP:
        return udpnat.udp_inbound(conn, packet, mtu, path.settings.uoa_mode, path.ident) or []
    isn = path.first_sequence(conn.laddr, conn.daddr, conn.lport, conn.dport, now)
    done = fullnat.tcp_inbound(conn, packet, mtu, isn, path.version)
    if done is None:
        return []
    translated, fits = done
    if not fits:
        path.say("WARNING", "IPVS", icmperrors.toa_failed(conn))
    return [translated]


def to_client(
    path: DataPath,
    lcore: int,
    conn: Connection,
    packet: Packet,
    frame: bytes,
    port: int,
    now: float,
) -> None:
    same_family = len(conn.laddr) == len(conn.caddr)
    fast = path.settings.fast_xmit and same_family and conn.uoa_left == 0
    if fast and not conn.in_mac:
        conn.in_port, conn.in_mac, conn.in_own = port, frame[6:12], frame[:6]
    if conn.proto == PROTO_TCP:
        translated = fullnat.tcp_outbound(conn, packet)
    else:
        translated = udpnat.udp_outbound(conn, packet)
    if translated is None:
        return
    if fast and conn.out_mac:
        path.send(lcore, conn.out_port, ethernet(conn.out_mac, conn.out_own, translated))
        return
    route = path.route_to(conn.caddr)
    if route is None:
        return
    conn.out_port = route.port
    conn.out_nexthop = route.gateway if any(route.gateway) else conn.caddr
    if icmperrors.too_big(path, lcore, packet, route.mtu, len(conn.caddr), now):
        return
    path.send_routed(lcore, route, conn.caddr, translated, now)


def connection_expired(path: DataPath, lcore: int, conn: Connection, now: float) -> None:
    """Give back what the connection held; an established one is reset on both sides."""
    if conn.proto == PROTO_TCP and conn.state == ESTABLISHED:
        _reset(path, lcore, conn, now)
    dest = conn.dest
    if conn.inactive:
        dest.inactconns[lcore] -= 1
    else:
        dest.actconns[lcore] -= 1
    conn.local.conns[lcore] -= 1
    if conn.pool is not None and not path.quirks.has(quirks.POOL_RELEASE):
        conn.pool.release(conn.daddr, conn.dport, conn.lport)


def _reset(path: DataPath, lcore: int, conn: Connection, now: float) -> None:
    for to_server, dst in ((True, conn.daddr), (False, conn.caddr)):
        packet = fullnat.tcp_reset(conn, to_server=to_server)
        hardware = conn.in_mac if to_server else conn.out_mac
        own = conn.in_own if to_server else conn.out_own
        port = conn.in_port if to_server else conn.out_port
        if hardware:
            path.send(lcore, port, ethernet(hardware, own, packet))
            continue
        route = path.route_to(dst)
        if route is not None:
            path.send_routed(lcore, route, dst, packet, now)
