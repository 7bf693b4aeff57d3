"""The commands that read each host of a deployment, from the survey's tables."""

from __future__ import annotations

from dpvs_acceptance.bringup.daemon import LOG_BEGUN, START_LOG
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.hosts.survey import DutPaths, dut
from dpvs_acceptance.model.bench import Bench
from dpvs_acceptance.model.topology import Topology


def dut_sections(bench: Bench, topology: Topology, facts: VersionFacts) -> dict[str, str | Read]:
    """All commands of a complete snapshot of the DUT."""
    ours: dict[str, str | Read] = {
        "descriptor limit": f"ulimit -Hn; ulimit -n {topology.open_files}",
    }
    return ours | dut(dut_paths(bench, topology, facts))


def dut_paths(bench: Bench, topology: Topology, facts: VersionFacts) -> DutPaths:
    """Paths and names on the DUT of `bench`."""
    dpvs = bench.dut.dpvs
    drivers = {nic.dpdk_driver for nic in bench.dut.nics if nic.dpdk_driver}
    files = [f"{dpvs.modules_dir}/{name}.ko" for name in built_modules(bench, facts)]
    return DutPaths(
        home=dpvs.home,
        conf=dpvs.conf,
        pid_file=facts.pid_file,
        ipc_socket=facts.ipc_path,
        log_file=topology.dpvs.log_file,
        log_begun=LOG_BEGUN,
        start_log=START_LOG,
        devbind=dpvs.devbind or "dpdk-devbind.py",
        modules=(*sorted(drivers), "vhost_net", "rte_kni", *files),
        dpvs_source=dpvs.dpvs_source,
        dpdk_source=dpvs.dpdk_source,
        verbose_links=facts.verbose_link_stats,
        services=sum(fleet.count for fleet in topology.fleets),
    )


def built_modules(bench: Bench, facts: VersionFacts) -> tuple[str, ...]:
    """Kernel modules that a DPDK build of this version must have for this bench."""
    if bench.dut.dpvs.modules_dir is None:
        return ()
    igb_uio = any(nic.dpdk_driver == "igb_uio" for nic in bench.dut.nics)
    names = ["igb_uio"] if igb_uio else []
    return (*names, "rte_kni") if facts.kni_kind == "rte_kni" else tuple(names)


def build_artefacts(bench: Bench, facts: VersionFacts) -> tuple[str, ...]:
    """Files of a DPDK build that later steps use (deployment guide 2.1.2)."""
    dpvs = bench.dut.dpvs
    modules = (f"{dpvs.modules_dir}/{name}.ko" for name in built_modules(bench, facts))
    return (*modules, *((dpvs.devbind,) if dpvs.devbind else ()))
