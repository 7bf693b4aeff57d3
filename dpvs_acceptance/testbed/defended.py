"""A service whose VIP is a real server's own address, which DPVS routes to.

Without kni nothing answers for a VIP port without a service in any case. On such an address those
packets arrive at the real server, which answers them, unless DPVS drops them.
"""

from __future__ import annotations

import time

from dpvs_acceptance.traffic import frames, timeouts
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.match import UDP, Match
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN, Reset
from dpvs_acceptance.verdict.causes import NotTested

from .client import Client
from .load_balancer import LoadBalancer
from .parts import Parts
from .routing import Routed
from .tools import NO_UNDO

SERVED, UNSERVED = 7991, 7992  # no service of a topology uses them, and no program listens
UNREACHABLE = 3  # RFC 792
SETTLED = 5.0  # seconds until every lcore has a service
GET = b"GET / HTTP/1.0\r\n\r\n"


class Defended:
    """The service, added by a check."""

    def __init__(self, lb: LoadBalancer, routed: Routed, parts: Parts) -> None:
        self._parts = parts
        self.path = routed.path
        self._client = Client(routed.path.client, parts)
        services = [s for s in lb.topology.services if s.forwarding == "fullnat"]
        base = next((s for s in services if (s.protocol, s.server_family) == ("tcp", 4)), None)
        if base is None:
            raise NotTested("the topology has no FullNAT service with IPv4 real servers to copy")
        lip, target = base.local_addresses[0], lb.deployment.targets(base)[0]
        which = f"-t {self.path.ends.dst}:{SERVED}"
        lb.configure(routed.switch, "on", log=routed.switch_log)
        lb.run(f"ipvsadm -A {which} -s rr")
        lb.run(f"ipvsadm -a {which} -r {target.address}:{target.port} -b -w 1", undo=NO_UNDO)
        # The address is the topology's: it stays when the service goes.
        device = lb.deployment.lip_device(lip)
        lb.attempt(f"ipvsadm --add-laddr -z {lip} {which} -F {device}", undo=NO_UNDO)
        self.require_service()

    def send_unserved(self, protocol: int, label: str) -> tuple[int, int]:
        """A packet to a port without a service: how often the real server receives it, and how
        many answers the client gets. label: of the captures."""
        path, port = self.path, self._client.source().port
        client, server = self._client.station, self._parts.scene.stations[self.path.server]
        if protocol == UDP:
            probe = frames.udp(path.ends, port, UNSERVED, b"to a port without a service")
        else:
            probe = frames.tcp(path.ends, port, UNSERVED, "S", options=LINUX_SYN)
        at_server = Match(
            outgoing=False, dst=path.ends.dst, dport=UNSERVED, sport=port, mac_dst=server.mac
        )
        ports = port.to_bytes(2) + UNSERVED.to_bytes(2)
        answers = (
            Match(outgoing=False, src=path.ends.dst, sport=UNSERVED, dport=port),
            Match(outgoing=False, icmp_type=UNREACHABLE, contains=ports),
        )
        with server.capture([at_server]) as there, client.capture(answers) as back:
            client.send([probe])
            self.require_service()
            there.wait_for(at_server, 1, 0.5)
        for name, capture in (path.server, there), (path.client, back):
            capture.require_sound()
            write_pcap(self._parts.captures / f"{name}-{label}.pcap", capture.frames)
        return len(there.frames), len(back.frames)

    def require_service(self) -> None:
        """A request to the service must be answered. Raises NotSeen, or Reset."""
        vip = SocketAddress(self.path.ends.dst, SERVED)
        give_up = time.monotonic() + timeouts.seconds(SETTLED, None)
        while True:
            try:
                with self._client.connection(vip, deadline=1.0) as connection:
                    connection.connect()
                    body = connection.request(GET)
                    connection.close()
            except (NotSeen, Reset):
                # The tools return before every lcore has a new service.
                if time.monotonic() > give_up:
                    raise
            else:
                assert b" 200 " in body[:15], f"the service on {vip} says {body[:60]!r}"
                return
