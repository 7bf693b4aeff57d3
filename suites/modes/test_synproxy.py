"""With synproxy a real server never sees a client that does not finish its handshake (FWD-04)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.match import TCP, Match
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN, CraftedTcp
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.traffic import Clients

pytestmark = [pytest.mark.requirement("FWD-04"), pytest.mark.traffic]

SYNS = 5
REQUEST = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"


def test_a_client_that_only_sends_syns_reaches_no_real_server(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    synproxy_name: str,
) -> None:
    """Steps: five SYNs of a client that never answers, then one whole connection.

    Verify: each SYN is answered, by DPVS itself; the real servers see the whole connection alone.
    """
    service = deployment.topology.service(synproxy_name)
    vip = scene.vip(service)
    client, source = clients.crafting()
    station, mac = scene.stations[client], scene.next_hop(client, vip.address)
    answer = Match(outgoing=False, src=vip.address, sport=vip.port, protocol=TCP, flags="SA")
    with (
        scene.watch(client, captures) as watch,
        CraftedTcp(station, source, vip, mac=mac) as silent,
    ):
        for number in range(SYNS):
            syn = silent.segment("S", options=LINUX_SYN, seq=1000 * number)
            came = station.exchange(silent.capture, [syn], answer)
            assert came.enough, f"SYN {number + 1} of {SYNS} to {vip} was not answered"
        _, other = clients.crafting()
        with CraftedTcp(station, other, vip, mac=mac) as whole:
            whole.connect()
            whole.request(REQUEST)
            whole.close()
        silent.reset()
    opened = scene.mode(service, client).openings(watch.server_views)
    counts = {name: len(syns) for name, syns in opened.items()}
    if not sum(counts.values()):
        raise Inconclusive(
            "the whole connection is at no real server either (the positive control)"
        )
    assert sum(counts.values()) == 1, (
        f"{SYNS} SYNs and one whole connection: one connection at the real servers expected, "
        f"seen {counts}"
    )


def test_an_ack_that_no_cookie_was_given_for_is_refused(
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    synproxy_name: str,
) -> None:
    """Steps: an ACK of a connection that was never opened, then one whole connection.

    Verify: DPVS answers the ACK with RST; the real servers see the whole connection alone.
    """
    service = deployment.topology.service(synproxy_name)
    vip = scene.vip(service)
    client, source = clients.crafting()
    station, mac = scene.stations[client], scene.next_hop(client, vip.address)
    refusal = Match(outgoing=False, src=vip.address, sport=vip.port, dport=source.port, flags="R")
    with (
        scene.watch(client, captures) as watch,
        CraftedTcp(station, source, vip, mac=mac) as forger,
    ):
        forger.ack = 4711
        came = station.exchange(forger.capture, [forger.segment("A")], refusal)
        assert came.enough, f"an ACK with a made-up cookie to {vip} was not answered with RST"
        _, other = clients.crafting()
        with CraftedTcp(station, other, vip, mac=mac) as whole:
            whole.connect()
            whole.request(REQUEST)
            whole.close()
    opened = scene.mode(service, client).openings(watch.server_views)
    counts = {name: len(syns) for name, syns in opened.items()}
    assert sum(counts.values()) == 1, f"one connection at the real servers expected, seen {counts}"
