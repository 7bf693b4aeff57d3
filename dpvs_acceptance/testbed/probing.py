"""Many probes at once of what must not answer: ports of an address, addresses of a link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.agent.neighbours import arp
from dpvs_acceptance.traffic.agent.wire import mac_bytes, packed
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.match import ARP, Match
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.views import ArpView, IpView, TcpView, UdpView, describe

from .client import Client

WAIT = 0.5  # seconds after the last probe
GAP = 100  # microseconds between two of them


def answers_of_ports(
    client: Client, vip: str, tcp: Iterable[int], udp: Iterable[int]
) -> dict[str, str]:
    """A SYN to each TCP port and a datagram to each UDP port of an address; what answered.

    ``tcp 22`` or ``udp 53`` to the first packet that came back from there, in words. From an
    address that no kernel has; NotTested where the bench gives the client none.
    """
    source = client.spoofed_end(6 if ":" in vip else 4)
    ends = frames.Ends(client.station.mac, client.next_hop(vip), source.address, vip)
    probes = [frames.tcp(ends, source.port, port, "S", seq=port) for port in tcp]
    probes += [frames.udp(ends, source.port, port, b"probe") for port in udp]
    with (
        client.station.proxy_arp(source.address),
        client.station.capture([Match(host=source.address)]) as capture,
    ):
        client.station.send(probes, gap_us=GAP)
        waited = capture.wait_for(Match(outgoing=False, dst=source.address), 1 << 30, WAIT)
        # What is half-open now would be answered again and again.
        opened = [v for v in map(dissect, waited.frames) if isinstance(v, TcpView) and v.has("SA")]
        resets = {v.sport: frames.tcp(ends, v.dport, v.sport, "R", seq=v.ack) for v in opened}
        client.station.send([*resets.values()])
    found: dict[str, str] = {}
    for view in capture.views(Match(outgoing=False, dst=source.address)):
        kind = "tcp" if isinstance(view, TcpView) else "udp"
        port = view.sport if isinstance(view, TcpView | UdpView) else "ICMP"
        if isinstance(view, IpView):
            found.setdefault(f"{kind} {port}", describe(view))
    return found


def owners_of_addresses(
    station: Station, source: SocketAddress | str, addresses: Sequence[str]
) -> dict[str, set[str]]:
    """IPv4 address to the MACs that answer ARP for it, of those that anything answers for."""
    mac, asker = mac_bytes(station.mac), packed(str(source))
    questions = [arp(1, mac, asker, bytes(6), packed(address)) for address in addresses]
    with station.capture([Match(ethertype=ARP)]) as capture:
        station.send(questions, gap_us=GAP)
        capture.wait_for(Match(ethertype=ARP, outgoing=False), 1 << 30, WAIT)
    owners: dict[str, set[str]] = {}
    for frame in capture.frames:
        view = dissect(frame)
        if isinstance(view, ArpView) and view.operation == 2 and not frame.outgoing:
            owners.setdefault(view.sender_ip, set()).add(view.sender_mac)
    return owners
