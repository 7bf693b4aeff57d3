"""Packets that DPVS routes rather than balances: from a client to a real server's own address."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from dpvs_acceptance.traffic import frames, timeouts
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.match import ICMP, ICMPV6, Match
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.views import IcmpView, UdpView

from .parts import Parts
from .paths import RoutedPath

# Traceroute's own port: no program listens there.
PORT, SOURCE_PORT = 33434, 50434
TIME_EXCEEDED = {4: 11, 6: 3}  # RFC 792, RFC 4443
_SWITCH = {4: "ipv4", 6: "ipv6"}


class Routed:
    """One path through DPVS, and the datagrams that are sent along it."""

    def __init__(self, path: RoutedPath, parts: Parts) -> None:
        self.path = path
        self._parts = parts

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.path.ends.version

    @property
    def switch(self) -> str:
        """The keyword of dpvs.conf that lets DPVS forward this family."""
        return f"{_SWITCH[self.family]}_defs/forwarding"

    @property
    def switch_log(self) -> str:
        """What DPVS logs of it; `{}` stands for the value."""
        return f"{_SWITCH[self.family]}:forwarding = {{}}"

    @property
    def server_port_mac(self) -> str:
        """The MAC of DPVS's port on the real server's link."""
        deployment = self._parts.deployment
        return deployment.port(deployment.topology.real_servers[self.path.server].link).nic.mac

    def received(self, ttl: int, deadline: float = 2.0) -> list[UdpView]:
        """A datagram with this TTL as the real server receives it: once, twice, or not at all."""
        nonce = secrets.token_bytes(12)
        sent = frames.udp(replace(self.path.ends, ttl=ttl), SOURCE_PORT, PORT, nonce)
        client, server = self._stations
        at_server = Match(outgoing=False, payload=nonce, mac_dst=server.mac)
        with server.capture([Match(payload=nonce)]) as capture:
            client.send([sent])
            capture.wait_for(at_server, 1, deadline)
        write_pcap(self._parts.captures / f"{self.path.server}-ttl{ttl}.pcap", capture.frames)
        views = (dissect(frame) for frame in capture.select(at_server))
        return [view for view in views if isinstance(view, UdpView)]

    def time_exceeded(self, deadline: float = 4.0) -> list[IcmpView]:
        """What answers a datagram with TTL 1 by `time exceeded`, quoting it.

        Asked again until it is answered or the deadline passes: DPVS has no IPv6 address to answer
        from before duplicate address detection is over.
        """
        give_up = time.monotonic() + timeouts.seconds(deadline)
        while not (answers := self._time_exceeded()) and time.monotonic() < give_up:
            pass
        return answers

    def _time_exceeded(self) -> list[IcmpView]:
        ends = replace(self.path.ends, ttl=1)
        probe = frames.udp(ends, SOURCE_PORT, PORT, secrets.token_bytes(12))
        client, _ = self._stations
        kind = TIME_EXCEEDED[self.family]
        wanted = Match(outgoing=False, icmp_type=kind, contains=probe[-12:])
        with client.capture([Match(protocol=ICMP), Match(protocol=ICMPV6)]) as capture:
            client.exchange(capture, [probe], wanted, deadline=1.0)
        write_pcap(self._parts.captures / f"{self.path.client}.pcap", capture.frames)
        views = (dissect(frame) for frame in capture.select(wanted))
        return [view for view in views if isinstance(view, IcmpView)]

    @property
    def _stations(self) -> tuple[Station, Station]:
        stations = self._parts.scene.stations
        return stations[self.path.client], stations[self.path.server]
