"""The VIP answers ICMP echo (seed 3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene

COUNT = 20

pytestmark = [pytest.mark.requirement("S29"), pytest.mark.traffic]


def test_the_vip_answers_icmp_echo(
    scene: Scene, captures: Path, client_name: str, vip4: str
) -> None:
    """Steps: 20 echo requests from the client, captured there.

    Verify: each answered once, from the port's MAC (or the client's router's), payload and
    checksums right. The round-trip times are kept as evidence.
    """
    _ping(scene, captures, client_name, vip4)


@pytest.mark.requirement("S35")
def test_the_ipv6_vip_answers_icmp_echo(
    scene: Scene, captures: Path, client_name: str, vip6: str
) -> None:
    """Steps: as for IPv4, with ICMPv6. Verify: the same."""
    _ping(scene, captures, client_name, vip6)


def _ping(scene: Scene, captures: Path, client: str, vip: str) -> None:
    mac = scene.next_hop(client, vip)
    result = ping(scene.stations[client], vip, mac=mac, count=COUNT, gap_ms=5)
    write_pcap(captures / f"{client}.pcap", result.frames)
    rtts = {"vip": vip, "client": client, "seconds": list(result.rtts)}
    (captures / "rtt.json").write_text(json.dumps(rtts))
    assert not result.problems, f"ping {vip} from {client}: " + "\n".join(result.problems)
