"""A tunnel device of DPVS to a peer whose carriers are crafted."""

from __future__ import annotations

from dpvs_acceptance.traffic.carried import TunnelEnd
from dpvs_acceptance.traffic.station import Station

from .client import Client
from .load_balancer import LoadBalancer

# Of the network that RFC 2544 reserves for tests of devices.
INNER, PEER = "198.18.253.1", "198.18.253.2"


def add_tunnel(lb: LoadBalancer, client: Client, kind: str, remote: str) -> TunnelEnd:
    """Add a tunnel by `dpip tunnel add`, with its addresses and its route; see `lb.run`.

    kind: gre or ipip. remote: an address of the client's link that its station answers for.
    """
    link = lb.topology.clients[client.name].link
    network = lb.topology.links[link].network
    # As far from the network's end as the clients' spoofed addresses are from its start.
    tunnel = TunnelEnd(kind, str(network[-90]), remote, INNER, PEER)
    device, name = lb.deployment.device(link), f"acc{kind}"
    ends = f"local {tunnel.local} remote {tunnel.remote}"
    lb.run(f"dpip addr add {tunnel.local}/{network.max_prefixlen} dev {device}")
    lb.run(f"dpip tunnel add {name} mode {kind} {ends} dev {device}")
    lb.run(f"dpip addr add {INNER}/30 dev {name}")
    # As in upstream's scripts/setup.snat-gre.sample.sh: without this route carriers come from
    # 0.0.0.0, or from the address of the link's route, whatever `local` says.
    lb.run(f"dpip route add {tunnel.remote}/32 src {tunnel.local} dev {device}")
    return tunnel


def tunnel_mac(station: Station, tunnel: TunnelEnd) -> str:
    """The MAC of DPVS's end, seen from the peer's link."""
    macs = station.resolve(tunnel.local)
    assert macs, f"no ARP reply for {tunnel.local}, the tunnel's address on DPVS"
    return macs[0]
