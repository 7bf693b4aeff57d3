"""Hosts inside, which reach servers outside by an address of an SNAT rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from dpvs_acceptance.model.service import Snat
from dpvs_acceptance.traffic.connection import Arm, SocketAddress
from dpvs_acceptance.traffic.modes.gre import Gre
from dpvs_acceptance.traffic.modes.placing import mode_of
from dpvs_acceptance.traffic.modes.snat import SourceNat
from dpvs_acceptance.traffic.tunnelled import TunnelledStation

from .client import Client, spoofing_client
from .load_balancer import LoadBalancer
from .parts import Parts
from .tools import NO_UNDO
from .tunnels import PEER, add_tunnel, tunnel_mac

HTTP, ECHO = 80, 8053  # what every real server listens on, as the topologies' services say
_BEHIND = "198.18.253.0-198.18.253.255"  # sources behind the tunnel


@dataclass(frozen=True, slots=True)
class Behind:
    """A host behind a gre tunnel.

    client: whose station it is; mac: its next hop; mode: what SNAT makes of its packets; server,
    outside: a server outside and its address.
    """

    client: Client
    station: TunnelledStation
    mac: str
    mode: SourceNat
    server: str
    outside: str

    def source(self) -> SocketAddress:
        """Its address, with a new port."""
        return SocketAddress(PEER, self.client.source().port)


class SnatRule:
    """One SNAT rule of the topology."""

    def __init__(self, declared: Snat, lb: LoadBalancer, parts: Parts) -> None:
        self.declared = declared
        self._lb = lb
        self._parts = parts

    def __str__(self) -> str:
        return self.declared.name

    def mode(self, client: Client) -> SourceNat:
        """What the rule must do with the packets of this host inside."""
        mode = mode_of(self._parts.scene, self.declared, client.name)
        assert isinstance(mode, SourceNat)
        return mode

    def address_of(self, client: Client) -> str:
        """The address of this host inside."""
        return str(self._lb.topology.clients[client.name].address)

    @contextmanager
    def behind_gre(self) -> Iterator[Behind]:
        """A gre device towards a host inside, and a rule like this one for sources behind it.

        As in DPVS's scripts/setup.snat-gre.sample.sh; the host's station makes the carriers.
        """
        lb, rule, topology = self._lb, self.declared, self._lb.topology
        client = spoofing_client(self._parts, among=topology.inner_hosts)
        remote = client.spoofed_end().address
        server, machine = next(iter(topology.real_servers.items()))
        with client.station.proxy_arp(remote):
            tunnel = add_tunnel(lb, client, "gre", remote)
            device = lb.deployment.device(rule.outgoing)
            match = f"-H proto={rule.protocol},src-range={_BEHIND},oif={device}"
            lb.run(f"ipvsadm -A {match} -s rr")
            pool = f"{rule.pool[0].address}:0"
            lb.run(f"ipvsadm -a {match} -r {pool} -w 100 -J", undo=NO_UNDO)
            gre, mac = Gre(tunnel.local, tunnel.remote), tunnel_mac(client.station, tunnel)
            mode = self.mode(client)
            mode = replace(mode, gre=gre, arms=replace(mode.arms, wan=Arm(mac)))
            station = TunnelledStation(client.station, gre)
            yield Behind(client, station, mac, mode, server, str(machine.address))
