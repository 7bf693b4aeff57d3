"""dpvs.conf of a deployment (deployment guide 2.4): ports with queues, and workers."""

from __future__ import annotations

from dpvs_acceptance.dpvs.conf import (
    BondSpec,
    ConfSpec,
    DeviceSpec,
    NotInThisVersionError,
    PortQueues,
    WorkerSpec,
    render,
)
from dpvs_acceptance.dpvs.conf.spec import DEFAULT_MTU
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment, Port
from dpvs_acceptance.model.loading import DeclarationError

_FAST_FREE = (
    "netif_defs/device/tx/mbuf_fast_free"  # off, as required for two ports on two NUMA nodes
)


def configuration(deployment: Deployment, facts: VersionFacts) -> ConfSpec:
    """The values of dpvs.conf for this deployment, with which checks compare the running DPVS."""
    declared = deployment.topology.dpvs
    queues = len(deployment.workers)
    nodes = {nic.numa_node for nic in deployment.bench.dut.nics}
    dut = deployment.bench.dut
    steers = all(nic.steers for nic in dut.nics) if dut.flow_enable is None else dut.flow_enable
    mtus: dict[str, int] = {}
    for name, link in deployment.topology.links.items():
        port = deployment.port(name).name
        mtus[port] = max(link.mtu, mtus.get(port, 0))
    return ConfSpec(
        log_level=declared.log_level,
        log_file=declared.log_file,
        pktpool_size=declared.pktpool_size,
        conn_pool_size=declared.connection_pool_size,
        # A version without the switch always uses kni, and exits if it cannot create one.
        kni=deployment.kni or not facts.has_keyword("global_defs/kni"),
        # A port without rte_flow cannot steer packets of a LIP; with one worker this is not needed.
        sa_pool_flow=steers,
        conn_redirect=not steers and queues > 1 if dut.redirect is None else dut.redirect,
        expire_quiescent_template=declared.expire_quiescent_template,
        uoa_mode=declared.uoa_mode,
        devices=tuple(
            DeviceSpec(
                name=port.name,
                rx_queues=queues,
                tx_queues=queues,
                rx_desc=declared.rx_descriptors,
                tx_desc=declared.tx_descriptors,
                rss=declared.rss,
                mtu=mtus.get(port.name, DEFAULT_MTU),
                kni_name=port.kni if deployment.kni and port in deployment.ports else None,
                # With it, frames between NUMA nodes are freed to the wrong pool (release notes of
                # 1.9.10).
                mbuf_fast_free=len(nodes) == 1 or not facts.has_keyword(_FAST_FREE),
            )
            for port in deployment.nic_ports
        ),
        bonds=tuple(_bond(deployment, port, facts) for port in deployment.bonds),
        workers=(
            WorkerSpec("cpu0", "master", deployment.bench.dut.lcores.master.id),
            *(
                WorkerSpec(
                    worker.name,
                    "slave",
                    worker.lcore.id,
                    tuple(
                        PortQueues(port.name, (worker.queue,), (worker.queue,))
                        for port in deployment.ports
                    ),
                    icmp_redirect=worker.icmp_redirect,
                )
                for worker in deployment.workers
            ),
        ),
        # Lcores that share a CPU answer each other only after the scheduler switches.
        msg_timeout_us=dut.sync_msg_timeout_us or (1_000_000 if _shares_cpus(deployment) else 2000),
        unix_domain=facts.ipc_path if facts.has_keyword("ctrl_defs/ipc_msg") else None,
    )


def _bond(deployment: Deployment, port: Port, facts: VersionFacts) -> BondSpec:
    assert port.bond is not None, "deployment.bonds lists bonds"
    node = port.bond.numa_node
    if node is None:
        # Older versions make every bond on node 0.
        node = port.nic.numa_node if facts.has_keyword("netif_defs/bonding/numa_node") else 0
    return BondSpec(
        name=port.name,
        mode=port.bond.mode,
        members=tuple(member.name for member in port.members),
        primary=next(member.name for member in port.members if member.nic == port.nic),
        numa_node=node,
        dedicated_queues=port.bond.dedicated_queues,
        kni_name=port.kni if deployment.kni else None,
    )


def _shares_cpus(deployment: Deployment) -> bool:
    lcores = deployment.bench.dut.lcores
    cpus = [cpu for lcore in (lcores.master, *lcores.workers) for cpu in lcore.cpus]
    return len(set(cpus)) < len(cpus)


def render_configuration(deployment: Deployment, facts: VersionFacts) -> str:
    """The text of dpvs.conf for this version; DeclarationError for what it cannot hold."""
    try:
        return render(configuration(deployment, facts), facts.version)
    except NotInThisVersionError as error:
        where = f"{deployment.bench.path} with topology {deployment.topology.name!r}"
        lines = str(error).splitlines()
        raise DeclarationError("\n".join(f"{where}: {line}" for line in lines)) from None
