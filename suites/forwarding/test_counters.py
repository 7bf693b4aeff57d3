"""Counters that move by what was sent, and neighbours that are resolved (seed 2.4, 3)."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.tcpclient import CraftedTcp
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable, NotSupported
from fixtures.alone import Alone
from fixtures.state import Look
from fixtures.traffic import Clients

REQUESTS = 12
ECHOES = 20
SECONDS = 10.0
ESTABLISHED = ("TCP_EST", "ESTABLISHED")
COUNTERS = ("ipvsadm -ln --stats", "dpip -s -v link show")


@pytest.mark.requirement("S23", "S27")
@pytest.mark.traffic
def test_counters_move_by_what_was_sent(
    look: Look, clients: Clients, alone: Alone, deployment: Deployment, fnat4_name: str
) -> None:
    """Steps: 12 requests between two readings of `ipvsadm --stats` and `dpip -s link show`.

    Verify: the service counts 12 connections, its packets go both ways, its real servers' counters
    add up to it, and both ports counted at least as many packets.
    """
    service = deployment.topology.service(fnat4_name)
    client = next(iter(deployment.topology.clients))
    alone(service)
    before = look(*COUNTERS)
    answers = clients.curl_burst(client, clients.url(service), REQUESTS)
    failed = [answer for answer in answers if answer.status != 200]
    assert not failed, f"{len(failed)} of {REQUESTS} requests failed: {failed[0]}"
    after = look(*COUNTERS)
    first, last = before.counters(service), after.counters(service)
    conns = last.counters.conns - first.counters.conns
    packets_in = last.counters.in_pkts - first.counters.in_pkts
    packets_out = last.counters.out_pkts - first.counters.out_pkts
    assert conns == REQUESTS, f"{REQUESTS} connections expected, ipvsadm counts {conns}"
    assert packets_in >= 4 * REQUESTS, f"too few packets in: {packets_in}"
    assert packets_out >= 3 * REQUESTS, f"too few packets out: {packets_out}"
    parts = sum(one.counters.conns for one in last.servers)
    parts -= sum(one.counters.conns for one in first.servers)
    assert parts == conns, f"real servers count {parts} connections, the service {conns}"
    for port in {deployment.port("wan"), deployment.lip_port(service.local_addresses[0])}:
        counted = after.link_stats(port.name).ipackets - before.link_stats(port.name).ipackets
        least = min(packets_in, packets_out)
        assert counted >= least, f"{port.name} received {counted} packets, at least {least} crossed"


@pytest.mark.requirement("S27")
@pytest.mark.traffic
def test_a_connection_is_tracked_while_it_lasts(
    look: Look,
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    fnat4_name: str,
) -> None:
    """Steps: open a connection, read `ipvsadm -lnc`, close it.

    Verify: while it is open it is listed once, established, between the client, the VIP, a LIP and
    a real server. One that stays in SYN_RECV has the short timeout of an attack (#802).
    """
    service = deployment.topology.service(fnat4_name)
    client, source = clients.crafting()
    mac = scene.next_hop(client, str(service.vip))
    with (
        scene.watch(client, captures),
        CraftedTcp(scene.stations[client], source, scene.vip(service), mac=mac) as connection,
    ):
        connection.connect()
        seen = [c for c in look("ipvsadm -lnc").connections if str(c.client) == str(source)]
        connection.close()
    assert len(seen) == 1, f"the connection of {source} is listed {len(seen)} times, not once"
    assert seen[0].state in ESTABLISHED, f"an open connection is {seen[0].state}, not TCP_EST"
    lips = set(service.local_addresses)
    assert seen[0].local.address in lips, f"its local address is {seen[0].local}, no LIP"


@pytest.mark.requirement("S28")
@pytest.mark.traffic
def test_no_connection_missed_a_source_port(look: Look, deployment: Deployment) -> None:
    """Steps: `dpip -s addr show` after the traffic before this. Verify: sa_miss is 0 on each LIP.

    The log cannot tell: `no lip/lport available` is compiled out unless in debug builds.
    """
    state = look("dpip -s addr show")
    lips = [owned.address for owned in deployment.addresses if owned.use == "lip"]
    pools = {str(e.address): e.pool for lip in lips for e in state.addresses_of(lip) if e.pool}
    if len(pools) < len(lips):
        raise Inconclusive(
            f"of {len(lips)} LIPs only {[*pools] or 'none'} have a pool that could miss"
        )
    missed = {lip: pool.miss for lip, pool in pools.items() if pool.miss}
    assert not missed, f"connections found no free source port, sa_miss: {missed}"


@pytest.mark.requirement("S28")
@pytest.mark.traffic
def test_source_ports_are_given_back(look: Look, deployment: Deployment) -> None:
    """Steps: `dpip -s addr show` and `ipvsadm -lnc`, again until they agree, for 10 s at most.

    Verify: on no LIP more source ports are in use (sa_used) than it has connections. A leak ends
    in sa_miss, weeks later.
    """
    lips = {owned.address for owned in deployment.addresses if owned.use == "lip"}
    end = time.monotonic() + SECONDS
    while True:
        state = look("dpip -s addr show", "ipvsadm -lnc")
        open_now = Counter(one.local.address for one in state.connections)
        used = {e.address: e.pool.used for e in state.addresses if e.address in lips and e.pool}
        kept = [f"{a}: {n} in use, {open_now[a]} open" for a, n in used.items() if n > open_now[a]]
        if not kept or time.monotonic() > end:
            break
    assert not kept, "source ports are not given back: " + ", ".join(kept)


@pytest.mark.requirement("S26")
@pytest.mark.traffic
def test_neighbours_are_resolved(
    look: Look, scene: Scene, clients: Clients, deployment: Deployment, tcp4_name: str
) -> None:
    """Steps: a request to each RS, then `dpip neigh show`.

    Verify: each RS of the service is there with its own MAC, and no other.
    """
    service = deployment.topology.service(tcp4_name)
    client = next(iter(deployment.topology.clients))
    clients.curl_burst(client, clients.url(service), 2 * len(service.real_servers))
    state = look("dpip neigh show")
    wrong = []
    for name in (target.name for target in service.real_servers):
        machine = deployment.topology.real_servers[name]
        entries = [n for n in state.neighbours if n.address == machine.address]
        macs = {entry.mac or "incomplate" for entry in entries}
        if macs != {scene.stations[name].mac}:
            wrong.append(f"{machine.address}: MAC {scene.stations[name].mac} expected, seen {macs}")
    assert not wrong, "neighbours are not resolved: " + "\n".join(wrong)


@pytest.mark.requirement("S21")
@pytest.mark.traffic
def test_icmp_is_answered_by_its_worker(
    look: Look, scene: Scene, alone: Alone, captures: Path, deployment: Deployment, vip4: str
) -> None:
    """Steps: 20 echoes between two readings of `dpip -s link show cpu`.

    Verify: the worker with icmp_redirect_core sent the replies. Received packets count on the
    worker that took them from its queue, sent ones on the worker that answers.
    """
    chosen = [worker.lcore.id for worker in deployment.workers if worker.icmp_redirect]
    if not chosen:
        raise NotApplicable("the topology sets no worker apart for ICMP (dpvs.icmp_redirect)")
    alone(*deployment.topology.services)
    before = look("dpip -s link show cpu", "dpvs log")
    if (words := before.refused_keyword("icmp_redirect_core")) is not None:
        raise NotSupported(f"this build has no icmp_redirect_core, its log says: {words}")
    client = next(iter(deployment.topology.clients))
    result = ping(scene.stations[client], vip4, mac=scene.next_hop(client, vip4), count=ECHOES)
    after = look("dpip -s link show cpu")
    write_pcap(captures / f"{client}.pcap", result.frames)
    sent = {
        worker.lcore.id: after.lcore_stats(worker.lcore.id).opackets
        - before.lcore_stats(worker.lcore.id).opackets
        for worker in deployment.workers
    }
    others = sum(count for lcore, count in sent.items() if lcore not in chosen)
    assert sent[chosen[0]] >= result.received, (
        f"lcore {chosen[0]} should have sent {result.received} echo replies; sent by lcore: {sent}"
    )
    assert others < result.received, f"other workers sent as many packets as ICMP had: {sent}"
