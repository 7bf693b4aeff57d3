"""What comes for a port of a VIP that has no service is dropped in silence (FWD-12, FWD-13).

Without kni nobody answers for a port of a VIP in any case. So the VIP is here a real server's own
address, which DPVS routes to (ipv4_defs/forwarding): there such packets arrive, and are answered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic import frames, timeouts
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.errors import NotSeen
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.match import TCP, UDP, Match
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN, CraftedTcp, Reset
from dpvs_acceptance.verdict.causes import Inconclusive, NotTested
from fixtures.operator import OWN, Operator
from fixtures.routed import RoutedPath, routed_path
from fixtures.traffic import Clients

SERVED, UNSERVED = 7991, 7992  # no service of a topology is there, and no program listens
UNREACHABLE = 3  # RFC 792
SETTLED = 5.0  # seconds until every lcore has a service
GET = b"GET / HTTP/1.0\r\n\r\n"

pytestmark = pytest.mark.traffic


@pytest.mark.requirement("FWD-12")
def test_udp_to_a_vip_of_tcp_services_is_dropped(
    operator: Operator, scene: Scene, clients: Clients, captures: Path, deployment: Deployment
) -> None:
    """Steps: a TCP service on a real server's address, which DPVS routes to; a datagram to another
    port of it, and a request to the service; the same with defence_udp_drop (dpvs.conf, SIGHUP),
    requests before and after.

    Verify: the datagram arrives at first; then it does not, and nothing comes back for it. The
    request is answered both times.
    """
    defended = _defended(operator, scene, clients, deployment)
    _dropped(defended, operator, UDP, "ipvs_defs/udp/defence_udp_drop", captures)


@pytest.mark.requirement("FWD-13")
def test_tcp_to_a_port_of_a_vip_without_a_service_is_dropped(
    operator: Operator, scene: Scene, clients: Clients, captures: Path, deployment: Deployment
) -> None:
    """Steps: the same with a SYN to another port, and defence_tcp_drop. Verify: the same."""
    defended = _defended(operator, scene, clients, deployment)
    _dropped(defended, operator, TCP, "ipvs_defs/tcp/defence_tcp_drop", captures)


def _dropped(
    defended: Defended, operator: Operator, protocol: int, keyword: str, captures: Path
) -> None:
    name = keyword.rpartition("/")[2]
    server = defended.way.server
    arrived, _ = defended.tried(protocol, captures, "off")
    if arrived != 1:
        raise Inconclusive(f"without {name} {server} sees what is sent to it {arrived} times")
    operator.reconfigure(keyword, told=f"{name} ON")
    defended.require_service()
    arrived, answers = defended.tried(protocol, captures, "on")
    assert not arrived, f"{name} is on, and what is for no service gets to {server}"
    assert not answers, f"{name} is on, and what is for no service is answered {answers} times"


@dataclass(frozen=True, slots=True)
class Defended:
    """A service whose VIP is a real server's own address, and what is sent to that address."""

    scene: Scene
    clients: Clients
    way: RoutedPath

    def tried(self, protocol: int, captures: Path, label: str) -> tuple[int, int]:
        """How often a packet for no service gets to the real server; answers at the client."""
        way, port = self.way, self.clients.flow(self.way.client).port
        client, server = self.scene.stations[way.client], self.scene.stations[way.server]
        if protocol == UDP:
            probe = frames.udp(way.ends, port, UNSERVED, b"for nobody")
        else:
            probe = frames.tcp(way.ends, port, UNSERVED, "S", options=LINUX_SYN)
        at_server = Match(
            outgoing=False, dst=way.ends.dst, dport=UNSERVED, sport=port, mac_dst=server.mac
        )
        ports = port.to_bytes(2) + UNSERVED.to_bytes(2)
        answers = (
            Match(outgoing=False, src=way.ends.dst, sport=UNSERVED, dport=port),
            Match(outgoing=False, icmp_type=UNREACHABLE, contains=ports),
        )
        with server.capture([at_server]) as there, client.capture(answers) as back:
            client.send([probe])
            self.require_service()
            there.wait_for(at_server, 1, 0.5)
        for name, capture in (way.server, there), (way.client, back):
            capture.require_sound()
            write_pcap(captures / f"{name}-{label}.pcap", capture.frames)
        return len(there.frames), len(back.frames)

    def require_service(self) -> None:
        """A request to the service has to be answered. Raises NotSeen, or Reset."""
        vip = SocketAddress(self.way.ends.dst, SERVED)
        station, mac = self.scene.stations[self.way.client], self.way.ends.mac_dst
        give_up = time.monotonic() + timeouts.seconds(SETTLED, None)
        while True:
            _, source = self.clients.crafting((self.way.client,))
            try:
                with CraftedTcp(station, source, vip, mac, deadline=1.0) as connection:
                    connection.connect()
                    body = connection.request(GET)
                    connection.close()
            except (NotSeen, Reset):
                # The tools return before every lcore knows a new service.
                if time.monotonic() > give_up:
                    raise
            else:
                assert b" 200 " in body[:15], f"the service on {vip} says {body[:60]!r}"
                return


def _defended(
    operator: Operator, scene: Scene, clients: Clients, deployment: Deployment
) -> Defended:
    """Made beside the topology's FullNAT services, with their local address and real server."""
    way = routed_path(scene, 4)
    services = [s for s in deployment.topology.services if s.forwarding == "fullnat"]
    base = next((s for s in services if (s.protocol, s.server_family) == ("tcp", 4)), None)
    if base is None:
        raise NotTested("no FullNAT service with IPv4 real servers, to make another beside")
    lip, target = base.local_addresses[0], deployment.targets(base)[0]
    which = f"-t {way.ends.dst}:{SERVED}"
    operator.reconfigure("ipv4_defs/forwarding", "on", told="ipv4:forwarding = {}")
    operator.does(f"ipvsadm -A {which} -s rr")
    operator.does(f"ipvsadm -a {which} -r {target.address}:{target.port} -b -w 1", undo=OWN)
    # The address is the topology's: it stays when the service goes.
    operator.do(f"ipvsadm --add-laddr -z {lip} {which} -F {deployment.lip_device(lip)}", undo=OWN)
    defended = Defended(scene, clients, way)
    defended.require_service()
    return defended
