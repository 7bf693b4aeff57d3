"""DPVS's configuration as comparable lines, without what traffic changes."""

from __future__ import annotations

from collections.abc import Iterator

from dpvs_acceptance.dpvs.ipvsadm import parse_laddrs
from dpvs_acceptance.observed.dpvs import DpvsState

READINGS = (
    "dpip link show",
    "dpip -s addr show",
    "dpip route show",
    "dpip -6 route show",
    "dpip neigh show",
    "ipvsadm -ln",
    "ipvsadm -G",
)
"""Sections of a snapshot (hosts/survey.py) used by `configured`."""


def configured(state: DpvsState) -> frozenset[str]:
    """Every device with its flags, address, route, static neighbour, service, RS and LIP.

    Counters, learned neighbours, connections and source ports depend on traffic and are left out.
    """
    return frozenset(_lines(state))


def _lines(state: DpvsState) -> Iterator[str]:
    for link in state.links.values():
        yield f"device {link.name} {link.mac} mtu {link.mtu} {' '.join(link.flags)}".rstrip()
    for entry in state.addresses:
        pool = " with a pool" if entry.pool else ""
        yield f"address {entry.interface} on {entry.device} scope {entry.scope}{pool}"
    for route in state.routes:
        how = f"via {route.via} src {route.source} mtu {route.mtu} scope {route.scope}"
        yield f"route {route.network} on {route.device} {how}"
    for neighbour in state.neighbours:
        if neighbour.static:
            where = f"on {neighbour.device} of lcore {neighbour.lcore}"
            yield f"neighbour {neighbour.address} {neighbour.mac} {where}"
    for service in state.services.services:
        flags = (
            f"{service.scheduler} persistence {service.persistence} synproxy {service.synproxy} "
            f"timeout {service.conn_timeout} pp {service.proxy_protocol} "
            f"quiescent {service.expire_quiescent} hash {service.hash_target}"
        )
        yield f"service {service.id} {flags}"
        for server in service.servers:
            yield f"RS {server.endpoint} {server.forward} {server.weight} of {service.id}"
    section = state.snapshot.get("ipvsadm -G")
    if not section.ok:  # 1.8 does this if a MATCH service exists
        yield f"ipvsadm -G exits with {section.exit_status}"
        return
    for vip in parse_laddrs(section.stdout):
        for local in vip.addresses:
            yield f"LIP {local.address} of {vip.vip}"
