"""The connection table of one lcore (src/ipvs/ip_vs_conn.c)."""

from __future__ import annotations

import heapq
from itertools import count

from softlab.packet import PROTO_TCP
from softlab.simulated.routes import jenkins_hash
from softlab.simulated.tcpstates import TCP_NONE, UDP_NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.dests import Dest
    from softlab.simulated.sapool import PortPool
    from softlab.simulated.services import LocalAddress, Service

Tuple = tuple[int, bytes, int, bytes, int]
"""(protocol, source, source port, destination, destination port) as seen on the wire."""


class Connection:
    """One connection through FullNAT: client to VIP, LIP to real server."""

    __slots__ = (
        "caddr",
        "cport",
        "daddr",
        "delta",
        "dest",
        "dport",
        "expires",
        "fdata_seq",
        "in_mac",
        "in_nexthop",
        "in_own",
        "in_port",
        "inactive",
        "isn",
        "laddr",
        "local",
        "lport",
        "out_mac",
        "out_nexthop",
        "out_own",
        "out_port",
        "pool",
        "proto",
        "proxy_grown",
        "proxy_seq",
        "rs_end_ack",
        "rs_end_seq",
        "service",
        "state",
        "timeout",
        "uoa_left",
        "vaddr",
        "vport",
    )

    def __init__(
        self,
        proto: int,
        client: tuple[bytes, int],
        virtual: tuple[bytes, int],
        local: LocalAddress,
        lport: int,
        service: Service,
        dest: Dest,
    ) -> None:
        self.proto = proto
        self.caddr, self.cport = client
        self.vaddr, self.vport = virtual
        self.local = local
        self.laddr = local.addr
        self.lport = lport
        self.service = service
        self.dest = dest
        self.daddr = dest.addr
        self.dport = dest.port
        self.state = TCP_NONE if proto == PROTO_TCP else UDP_NONE
        self.inactive = True
        self.timeout = 0
        self.expires = 0.0
        # Where packets last came from, so that answers go back the same way without a route.
        # "out" is the client's side, "in" the server's; "own" is the device's MAC there.
        self.out_port = -1
        self.out_mac = b""
        self.out_own = b""
        self.out_nexthop = b""
        self.in_port = -1
        self.in_mac = b""
        self.in_own = b""
        self.in_nexthop = b""
        self.pool: PortPool | None = None
        # TCP: the client's sequence numbers are moved by delta.
        self.isn = 0
        self.delta = 0
        self.fdata_seq = -1
        self.rs_end_seq = 0
        self.rs_end_ack = 0
        self.uoa_left = 0
        # Proxy protocol: where the client's first octets began, and how many more there are now.
        self.proxy_seq = -1
        self.proxy_grown = 0

    @property
    def key_in(self) -> Tuple:
        return self.proto, self.caddr, self.cport, self.vaddr, self.vport

    @property
    def key_out(self) -> Tuple:
        return self.proto, self.daddr, self.dport, self.laddr, self.lport


class ConnectionTable:
    """Connections by either of their tuples, and which of them time out next."""

    def __init__(self) -> None:
        self._inbound: dict[Tuple, Connection] = {}
        self._outbound: dict[Tuple, Connection] = {}
        self._timers: list[tuple[float, int, Connection]] = []
        self._serial = count()

    def __len__(self) -> int:
        return len(self._inbound)

    def inbound(self, key: Tuple) -> Connection | None:
        return self._inbound.get(key)

    def outbound(self, key: Tuple) -> Connection | None:
        return self._outbound.get(key)

    def between(self, proto: int, server: bytes, local: bytes) -> Connection | None:
        """Any connection of these two addresses, which only a quirk asks for."""
        ends = (proto, server, local)
        found = (c for c in self._outbound.values() if (c.proto, c.daddr, c.laddr) == ends)
        return next(found, None)

    def add(self, conn: Connection, now: float, timeout: int) -> None:
        self._inbound[conn.key_in] = conn
        self._outbound[conn.key_out] = conn
        conn.timeout = timeout
        conn.expires = now + timeout
        heapq.heappush(self._timers, (conn.expires, next(self._serial), conn))

    def touch(self, conn: Connection, now: float) -> None:
        """A packet passed: the timeout starts again.

        The heap keeps the old time and looks again when it comes, so a packet costs no sorting;
        only a timeout that moves forward needs an entry of its own.
        """
        expires = now + conn.timeout
        if expires < conn.expires:
            heapq.heappush(self._timers, (expires, next(self._serial), conn))
        conn.expires = expires

    def expired(self, now: float) -> list[Connection]:
        """Remove and return the connections whose time is over."""
        gone = []
        while self._timers and self._timers[0][0] <= now:
            _, _, conn = heapq.heappop(self._timers)
            if self._inbound.get(conn.key_in) is not conn:
                continue
            if conn.expires > now:
                heapq.heappush(self._timers, (conn.expires, next(self._serial), conn))
                continue
            del self._inbound[conn.key_in]
            if self._outbound.get(conn.key_out) is conn:  # two may share it, by a quirk
                del self._outbound[conn.key_out]
            gone.append(conn)
        return gone

    def all(self) -> list[Connection]:
        """In an order that, like the device's hash table, says nothing about age."""
        return sorted(self._inbound.values(), key=_scatter)


def _scatter(conn: Connection) -> int:
    words = (
        int.from_bytes(conn.caddr[-4:], "little"),
        int.from_bytes(conn.vaddr[-4:], "little"),
        (conn.cport << 16) | conn.vport,
        conn.proto,
    )
    return jenkins_hash(words)
