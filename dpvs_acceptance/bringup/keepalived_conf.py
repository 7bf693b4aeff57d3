"""keepalived.conf of a deployment: what DPVS's keepalived must set up. Pure.

The keywords are those of DPVS's keepalived 2.0.19 (doc/tutorial.md; keepalived.conf(5)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.health import Health
from dpvs_acceptance.model.service import DeclaredService, Snat

KINDS = {"fullnat": "FNAT", "nat": "NAT", "dr": "DR", "tunnel": "TUN"}
_CHECKERS = {
    "tcp": "TCP_CHECK",
    "http": "HTTP_GET",
    "ssl": "SSL_GET",
    "udp": "UDP_CHECK",
    "dns": "DNS_CHECK",
    "misc": "MISC_CHECK",
}
_INDENT = "    "
Lines = Iterator[str]


def render_keepalived(deployment: Deployment, services: Iterable[DeclaredService]) -> str:
    """The file for these services and for the deployment's SNAT rules."""
    lines = ["# Written by dpvs-acceptance.", "global_defs {", f"{_INDENT}router_id dpvs", "}"]
    for service in services:
        lines += ["", *_service(deployment, service)]
    for rule in deployment.snat:
        lines += ["", *_snat(deployment, rule)]
    return "\n".join(lines) + "\n"


def _block(head: str, inside: Iterable[str]) -> Lines:
    yield f"{head} {{"
    yield from (_INDENT + line for line in inside)
    yield "}"


def _service(deployment: Deployment, service: DeclaredService) -> Lines:
    group = f"lips-{service.name}"
    if service.local_addresses:
        lips = (f"{lip} {deployment.lip_device(lip)}" for lip in service.local_addresses)
        yield from _block(f"local_address_group {group}", lips)
    yield from _block(
        f"virtual_server {service.vip} {service.port}", _inside(deployment, service, group)
    )


def _inside(deployment: Deployment, service: DeclaredService, group: str) -> Lines:
    yield f"lb_algo {service.scheduler}"
    yield f"lb_kind {KINDS[service.forwarding]}"
    yield f"protocol {service.protocol.upper()}"
    if service.local_addresses:
        yield f"laddr_group_name {group}"
    if service.synproxy:
        yield "syn_proxy"
    if service.persistence is not None:
        yield f"persistence_timeout {service.persistence}"
    if service.connection_timeout is not None:
        yield f"establish_timeout {service.connection_timeout}"
    # If no check reaches a real server, keepalived would take all of them out.
    health = service.health if deployment.kernel_reaches_servers else None
    if health is not None:
        yield from _of_service(deployment, service, health)
    for target in deployment.targets(service):
        inside = [f"weight {target.weight}"]
        if health is not None:
            inside += ["inhibit_on_failure"] if health.inhibit_on_failure else []
            inside += _block(_CHECKERS[health.check], _checker(health, target.port))
        yield from _block(f"real_server {target.address} {target.port}", inside)


def _of_service(deployment: Deployment, service: DeclaredService, health: Health) -> Lines:
    yield f"delay_loop {health.delay_loop}"
    # Otherwise a first check may begin up to delay_loop late.
    yield "warmup 0"
    yield f"quorum {health.quorum}"
    yield f"hysteresis {health.hysteresis}"
    yield from (word for word in ("alpha", "omega") if getattr(health, word))
    for word in ("quorum_up", "quorum_down"):
        if script := getattr(health, word):
            yield f'{word} "{script}"'
    if (sorry := health.sorry_server) is not None:
        machine = deployment.topology.real_servers[sorry.name]
        yield f"sorry_server {machine.of(service.server_family)} {sorry.port}"


def _checker(health: Health, port: int) -> Lines:
    timing = [f"retry {health.retries}", f"delay_before_retry {health.delay_before_retry}"]
    if health.check == "misc":
        yield f'misc_path "{health.script}"'
        yield f"misc_timeout {health.timeout}"
        yield "misc_dynamic"
        yield from timing
        return
    yield f"connect_port {port}"
    yield f"connect_timeout {health.timeout}"
    yield from timing
    if health.check in ("http", "ssl"):
        yield from _block("url", _url(health))
    elif health.check == "udp":
        yield "payload 68656c6c6f"
        yield "require_reply"
    elif health.check == "dns":
        yield "type A"
        yield "name example.org"


def _url(health: Health) -> Lines:
    yield f"path {health.path}"
    if health.digest is not None:
        yield f"digest {health.digest}"
    if health.status is not None:
        yield f"status_code {health.status}"
    if health.virtualhost is not None:
        yield f"virtualhost {health.virtualhost}"


def _snat(deployment: Deployment, rule: Snat) -> Lines:
    first, last = rule.sources
    inside = [
        f"protocol {rule.protocol.upper()}",
        f"lb_algo {rule.scheduler}",
        "lb_kind SNAT",
        f"src-range {first}-{last}",
        f"oif {deployment.device(rule.outgoing)}",
    ]
    for target in deployment.targets(rule):
        inside += _block(f"real_server {target.address} 0", [f"weight {target.weight}"])
    return _block(f"virtual_server match {rule.name}", inside)
