"""Cross-checks of a topology that keepalived configures. Each raises KeyedError with the key."""

from __future__ import annotations

from dpvs_acceptance.model.loading import Key, KeyedError
from dpvs_acceptance.model.service import DeclaredService
from dpvs_acceptance.model.topologyfields import TopologyFields


def check(topology: TopologyFields) -> None:
    """`health` of services, and what a keepalived.conf cannot say."""
    by_keepalived = topology.configured_by == "keepalived"
    if by_keepalived and topology.fleets:
        raise KeyedError(("fleets",), "a keepalived.conf has no fleets: declare each service")
    for index, service in enumerate(topology.services):
        if service.health is None:
            continue
        where: Key = ("services", index, "health")
        if not by_keepalived:
            raise KeyedError(
                where, "only keepalived checks real servers: configured_by: keepalived"
            )
        _health(topology, service, where)


def _health(topology: TopologyFields, service: DeclaredService, where: Key) -> None:
    health = service.health
    assert health is not None
    if health.check == "misc" and not health.script:
        raise KeyedError(where, "a check of kind misc needs a script")
    if health.hysteresis >= health.quorum and health.hysteresis:
        raise KeyedError(where, "hysteresis must be less than quorum, or quorum is never lost")
    whole = sum(target.weight for target in service.real_servers)
    if health.quorum + health.hysteresis > whole:
        raise KeyedError(
            where,
            f"quorum {health.quorum} with hysteresis {health.hysteresis} is never gained: the "
            f"weights of all real servers are {whole}",
        )
    sorry = health.sorry_server
    if sorry is not None and sorry.name not in topology.real_servers:
        raise KeyedError((*where, "sorry_server"), f"no real server {sorry.name!r}")
    for target in service.real_servers:
        arm = topology.arm_of(topology.real_servers[target.name])
        if topology.links[arm].kni is None:
            raise KeyedError(
                where,
                f"keepalived checks {target.name} from the load balancer's kernel, and link {arm} "
                "has no kni",
            )
