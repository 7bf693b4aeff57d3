"""Tunnel devices of DPVS: packets are encapsulated and decapsulated (DEV-06, DEV-07)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.testbed import Client, LoadBalancer
from dpvs_acceptance.testbed.tunnels import add_tunnel, tunnel_mac
from dpvs_acceptance.traffic.carried import ping_through
from dpvs_acceptance.traffic.frame import write_pcap
from fixtures.checks import requirement

pytestmark = pytest.mark.traffic

COUNT = 5


@requirement("DEV-06", kind="gre")
@requirement("DEV-07", kind="ipip")
@pytest.mark.parametrize("kind", ["gre", "ipip"])
def test_a_tunnel_carries_packets_both_ways(
    lb: LoadBalancer, spoofing: Client, kind: str, captures: Path
) -> None:
    """Steps: `dpip tunnel add` to a client's address; from there, echo requests through the tunnel
    to the device's address, after one in a carrier from another address.

    Verify: each is answered once through the tunnel, from the local address, every field right; the
    one from another address is not answered.
    """
    tunnel = add_tunnel(lb, spoofing, kind, spoofing.spoofed_end().address)
    with spoofing.station.proxy_arp(tunnel.remote):
        mac = tunnel_mac(spoofing.station, tunnel)
        pinged = ping_through(spoofing.station, tunnel, mac=mac, count=COUNT)
    write_pcap(captures / f"{kind}.pcap", pinged.frames)
    problems = dict.fromkeys((*pinged.problems, *pinged.strange))
    assert not pinged.problems, f"{kind} tunnel to {spoofing}: " + "; ".join(problems)
    assert not pinged.strange, f"foreign packets were answered: {'; '.join(pinged.strange)}"
