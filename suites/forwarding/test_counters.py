"""Counters, connection tracking, source ports and neighbours (deployment guide, 2.4, 3)."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from dpvs_acceptance.testbed import (
    ICMP_WORKER,
    NO_OTHER_TRAFFIC,
    Client,
    LoadBalancer,
    Service,
    Vip,
    services,
    vips,
)
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, needs, requirement

pytestmark = pytest.mark.traffic

REQUESTS = 12
ECHOES = 20
SECONDS = 10.0
ESTABLISHED = ("TCP_EST", "ESTABLISHED")
COUNTERS = ("ipvsadm -ln --stats", "dpip -s -v link show")


@requirement("S23", "S27")
@needs(NO_OTHER_TRAFFIC)
@for_each(service=services.having(toa=True, family=4))
def test_counters_match_the_traffic(lb: LoadBalancer, client: Client, service: Service) -> None:
    """Steps: 12 requests between two readings of `ipvsadm --stats` and `dpip -s link show`.

    Verify: the service counts 12 connections and packets both ways, its real servers' counters
    add up to it, and both ports counted at least as many packets.
    """
    before = lb.read(*COUNTERS)
    client.get_all(service, REQUESTS)
    after = lb.read(*COUNTERS)
    first, last = before.counters(service.declared), after.counters(service.declared)
    conns = last.counters.conns - first.counters.conns
    packets_in = last.counters.in_pkts - first.counters.in_pkts
    packets_out = last.counters.out_pkts - first.counters.out_pkts
    assert conns == REQUESTS, f"{REQUESTS} connections expected, ipvsadm counts {conns}"
    assert packets_in >= 4 * REQUESTS, f"too few packets in: {packets_in}"
    assert packets_out >= 3 * REQUESTS, f"too few packets out: {packets_out}"
    parts = sum(one.counters.conns for one in last.servers)
    parts -= sum(one.counters.conns for one in first.servers)
    assert parts == conns, f"real servers count {parts} connections, the service {conns}"
    lip = service.declared.local_addresses[0]
    for port in {lb.deployment.vip_port(service.declared.vip), lb.deployment.lip_port(lip)}:
        counted = after.link_stats(port.name).ipackets - before.link_stats(port.name).ipackets
        least = min(packets_in, packets_out)
        assert counted >= least, f"{port.name} received {counted} packets, at least {least} crossed"


@requirement("S27")
@for_each(service=services.having(toa=True, family=4))
def test_a_connection_is_tracked_while_it_lasts(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: open a connection, read `ipvsadm -lnc`, close it.

    Verify: while it is open it is listed once, established, between the client, the VIP, a LIP and
    a real server. One that stays in SYN_RECV has the short timeout of an attack (#802).
    """
    with spoofing.watch(), spoofing.connection(service) as connection:
        connection.connect()
        source = str(connection.source)
        seen = [c for c in lb.read("ipvsadm -lnc").connections if str(c.client) == source]
        connection.close()
    assert len(seen) == 1, f"the connection of {source} is listed {len(seen)} times, not once"
    assert seen[0].state in ESTABLISHED, f"an open connection is {seen[0].state}, not TCP_EST"
    local = str(seen[0].local.address)
    assert local in service.lips, f"the connection's local address is {local}, no LIP"


@requirement("S28", core=True)
def test_no_connection_missed_a_source_port(lb: LoadBalancer) -> None:
    """Steps: `dpip -s addr show` after the traffic of the checks before. Verify: sa_miss is 0 on
    each LIP.

    The log does not show it: `no lip/lport available` is compiled into debug builds only.
    """
    state = lb.read("dpip -s addr show")
    lips = [owned.address for owned in lb.deployment.addresses if owned.use == "lip"]
    pools = {str(e.address): e.pool for lip in lips for e in state.addresses_of(lip) if e.pool}
    if len(pools) < len(lips):
        raise Inconclusive(
            f"of {len(lips)} LIPs only {[*pools] or 'none'} have a pool of source ports"
        )
    missed = {lip: pool.miss for lip, pool in pools.items() if pool.miss}
    assert not missed, f"connections found no free source port, sa_miss: {missed}"


@requirement("S28")
def test_source_ports_are_released(lb: LoadBalancer) -> None:
    """Steps: `dpip -s addr show` and `ipvsadm -lnc`, again until they agree, for 10 s at most.

    Verify: on no LIP more source ports are in use (sa_used) than it has connections. A leak shows
    as sa_miss weeks later.
    """
    lips = {owned.address for owned in lb.deployment.addresses if owned.use == "lip"}
    end = time.monotonic() + SECONDS
    while True:
        state = lb.read("dpip -s addr show", "ipvsadm -lnc")
        open_now = Counter(one.local.address for one in state.connections)
        used = {e.address: e.pool.used for e in state.addresses if e.address in lips and e.pool}
        kept = [f"{a}: {n} in use, {open_now[a]} open" for a, n in used.items() if n > open_now[a]]
        if not kept or time.monotonic() > end:
            break
    assert not kept, "source ports are not released: " + ", ".join(kept)


@requirement("S26")
@for_each(service=services.having(protocol="tcp", family=4))
def test_neighbours_are_resolved(lb: LoadBalancer, client: Client, service: Service) -> None:
    """Steps: a request to each RS, then `dpip neigh show`.

    Verify: each RS of the service is listed with its own MAC only.
    """
    client.get_burst(service, 2 * len(service.server_names))
    state = lb.read("dpip neigh show")
    wrong = []
    for server in service.servers:
        entries = [n for n in state.neighbours if n.address == server.address]
        macs = {entry.mac or "incomplete" for entry in entries}
        if macs != {server.station.mac}:
            wrong.append(f"{server.address}: MAC {server.station.mac} expected, seen {macs}")
    assert not wrong, "neighbours are not resolved: " + "\n".join(wrong)


@requirement("S21", core=True)
@needs(ICMP_WORKER, NO_OTHER_TRAFFIC)
@for_each(vip=vips.having(family=4))
def test_icmp_is_answered_by_its_worker(lb: LoadBalancer, client: Client, vip: Vip) -> None:
    """Steps: 20 echoes between two readings of `dpip -s link show cpu`.

    Verify: the worker with icmp_redirect_core sent the replies. (Received packets count for the
    worker that polls the queue, sent packets for the worker that answers.)
    """
    workers = lb.deployment.workers
    chosen = next(worker.lcore.id for worker in workers if worker.icmp_redirect)
    before = lb.read("dpip -s link show cpu")
    echoes = client.ping(vip, ECHOES)
    after = lb.read("dpip -s link show cpu")
    sent = {
        worker.lcore.id: after.lcore_stats(worker.lcore.id).opackets
        - before.lcore_stats(worker.lcore.id).opackets
        for worker in workers
    }
    others = sum(count for lcore, count in sent.items() if lcore != chosen)
    assert sent[chosen] >= echoes.received, (
        f"lcore {chosen} should have sent {echoes.received} echo replies; sent by lcore: {sent}"
    )
    assert others < echoes.received, (
        f"other workers sent as many packets as there were echo replies: {sent}"
    )
