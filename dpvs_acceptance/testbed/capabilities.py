"""What checks need of device, bench and topology, as named capabilities.

A check declares them (`needs(KNI)`); each is looked for before the check begins. What the device
lacks makes the check NOT SUPPORTED, with the probe's words; what bench and topology do not declare
makes it NOT APPLICABLE, what the bench cannot look at NOT TESTED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dpvs_acceptance.model.service import DeclaredService
from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported, NotTested

from .parts import Parts
from .selecting import Choice


@dataclass(frozen=True, slots=True)
class Capability:
    """words: what is needed, for people. require: raises NotSupported, NotApplicable
    or NotTested without it.

    It is given the parts, and what the check runs for, by kind.
    """

    words: str
    require: Callable[[Parts, Mapping[str, Choice]], None]


def chosen_services(
    topology: Topology, choices: Mapping[str, Choice]
) -> tuple[DeclaredService, ...]:
    """The services that a check is about: the one it runs for, those of its fleet, or all."""
    if "service" in choices:
        return (topology.service(choices["service"].name),)
    if "fleet" in choices:
        return topology.services_of(choices["fleet"].name)
    return topology.services


def _kni(parts: Parts, choices: Mapping[str, Choice]) -> None:
    link = choices["link"].name if "link" in choices else ""
    if not parts.deployment.kni:
        if link and parts.deployment.topology.links[link].kni is None:
            raise NotApplicable(f"the topology declares no kni on {link}")
        raise NotSupported(parts.before.kni_probe(parts.version))


def _keepalived_checks(parts: Parts, choices: Mapping[str, Choice]) -> None:
    if not parts.deployment.kernel_reaches_servers:
        _kni(parts, {})
        raise NotTested("the load balancer's kernel has no way to the real servers (dut.legs)")
    del choices


def _kni_declared(parts: Parts, _: Mapping[str, Choice]) -> None:
    if not any(link.kni for link in parts.deployment.topology.links.values()):
        raise NotApplicable("the topology declares no kni")


def _icmp_worker(parts: Parts, _: Mapping[str, Choice]) -> None:
    if not any(worker.icmp_redirect for worker in parts.deployment.workers):
        raise NotApplicable("the topology assigns no worker to ICMP (dpvs.icmp_redirect)")
    keyword = "icmp_redirect_core"
    if (line := parts.look("dpvs log").refused_keyword(keyword)) is not None:
        raise NotSupported(f"this build has no {keyword}, its log says: {line}")


def _bonds_start(parts: Parts, _: Mapping[str, Choice]) -> None:
    said = "Failed to update port Id"  # DPDK's bond driver, where a member takes no other MAC
    line = next((one.strip() for one in parts.look("dpvs log").log_lines if said in one), None)
    if line is not None:
        raise NotSupported(
            f"no bond can be on these ports: their driver takes no other MAC; the log says: {line}"
        )


def _any_service(parts: Parts, _: Mapping[str, Choice]) -> None:
    deployment = parts.deployment
    if not (deployment.services or deployment.snat) and parts.refused:
        raise NotSupported("; ".join(dict.fromkeys(parts.refused.values())))


def _source_port_pools(parts: Parts, _: Mapping[str, Choice]) -> None:
    if any(owned.has_pool for owned in parts.deployment.addresses):
        return
    if parts.refused:
        raise NotSupported("; ".join(dict.fromkeys(parts.refused.values())))
    raise NotApplicable(
        f"topology {parts.deployment.topology.name} has no LIP: no source ports are used"
    )


def _readers(parts: Parts, _: Mapping[str, Choice]) -> None:
    parts.load_readers()


def _no_toa_reader(parts: Parts, _: Mapping[str, Choice]) -> None:
    if loaded := parts.server_readings.with_reader("toa"):
        raise NotTested(f"the TOA reader is loaded on {', '.join(loaded)}")


def _no_other_traffic(parts: Parts, choices: Mapping[str, Choice]) -> None:
    services = chosen_services(parts.deployment.topology, choices)
    parts.other_traffic.require_none(*services)


def _two_real_servers(parts: Parts, choices: Mapping[str, Choice]) -> None:
    for service in chosen_services(parts.deployment.topology, choices):
        weighted = [target for target in service.real_servers if target.weight]
        if len(weighted) < 2:
            raise NotApplicable(f"{service.name} has fewer than 2 real servers with a weight")


def _two_workers(parts: Parts, _: Mapping[str, Choice]) -> None:
    if len(parts.deployment.workers) < 2:
        raise NotApplicable("the bench has one worker")


def _pci_nics(parts: Parts, _: Mapping[str, Choice]) -> None:
    if not any(nic.pci for nic in parts.deployment.bench.dut.nics):
        raise NotSupported("the bench's NICs are software ports, not PCI devices")


def _dpdk_source(parts: Parts, _: Mapping[str, Choice]) -> None:
    paths = parts.deployment.bench.dut.dpvs
    if paths.dpdk_source is None or paths.dpvs_source is None:
        raise NotApplicable("the bench names no DPDK source (dut.dpvs.dpdk_source, dpvs_source)")


def _dpdk_build(parts: Parts, _: Mapping[str, Choice]) -> None:
    if parts.deployment.bench.dut.dpvs.devbind is None:
        raise NotTested("the bench names no DPDK build (dut.dpvs.devbind, modules_dir)")


def _loadable_modules(parts: Parts, _: Mapping[str, Choice]) -> None:
    if not parts.state.lists_modules:
        raise NotSupported(f"kernel {parts.state.kernel} has no loadable modules: lsmod fails")


def _runner_is_client(parts: Parts, _: Mapping[str, Choice]) -> None:
    if not parts.deployment.bench.runner_is_client:
        raise NotApplicable("the bench does not say that the runner is a client (runner_is_client)")


ANY_SERVICE = Capability("at least one service or SNAT rule", _any_service)
BONDS = Capability("ports that can be members of a bond", _bonds_start)
KNI_DECLARED = Capability("a topology with kni", _kni_declared)
DPDK_SOURCE = Capability("source trees of DPDK and DPVS", _dpdk_source)
DPDK_BUILD = Capability("a build of DPDK", _dpdk_build)
LOADABLE_MODULES = Capability("a kernel with loadable modules", _loadable_modules)
KNI = Capability("kni devices", _kni)
KEEPALIVED_CHECKS = Capability("a way of keepalived's checks to real servers", _keepalived_checks)
ICMP_WORKER = Capability("a worker set apart for ICMP (icmp_redirect_core)", _icmp_worker)
SOURCE_PORT_POOLS = Capability("addresses with a pool of source ports", _source_port_pools)
READERS = Capability("the readers of the client's address, loaded", _readers)
NO_TOA_READER = Capability("real servers without the TOA reader", _no_toa_reader)
NO_OTHER_TRAFFIC = Capability("services that carry no other traffic", _no_other_traffic)
TWO_REAL_SERVERS = Capability("two real servers with a weight", _two_real_servers)
TWO_WORKERS = Capability("two workers", _two_workers)
PCI_NICS = Capability("PCI NICs", _pci_nics)
RUNNER_IS_CLIENT = Capability("a runner that is a client", _runner_is_client)
