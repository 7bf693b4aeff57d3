"""A lab as a bench: its hosts connected, the plan for them, and how they were at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dpvs_acceptance.bringup.plan import Plan, make_plan
from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.hosts import compare, survey
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.hosts.connecting import close_all, connect_all
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.hosts.snapshot import Snapshot, take
from dpvs_acceptance.model.bench import Bench, load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.observed.reading import dut_sections

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Benched:
    deployment: Deployment
    plan: Plan
    hosts: Mapping[str, Host]
    wanted: Mapping[str, Mapping[str, str | Read]]
    compared: Mapping[str, Mapping[str, str | Read]]

    def changes(self, role: str) -> list[Change]:
        """All that a bring-up does to one host, in order."""
        return [c for stage in self.plan.stages if stage.role == role for c in stage.changes]

    def snapshot(self, role: str) -> Snapshot:
        """What is compared of a host at the end of a run, and nothing else."""
        return take(self.hosts[role], self.compared[role])

    def planned(self, topology: str) -> Benched:
        """The same hosts, with the plan of another topology for them."""
        return replace(self, plan=planned(self.deployment.bench, topology)[1])

    def close(self) -> None:
        close_all(self.hosts)


def planned(bench: Bench, name: str) -> tuple[Deployment, Plan]:
    """A topology on this bench; a bond is one port more to it, and asks for no other step."""
    facts = version_facts(Version.parse(bench.dut.dpvs.version))
    topology = load_topology(ROOT / f"topologies/{name}.yaml")
    deployment = deploy(topology.model_copy(update={"bonds": {}}), bench, kni=True)
    return deployment, make_plan(deployment, facts)


def benched(directory: Path) -> Benched:
    """The lab in `directory` with the article's topology."""
    bench = load_bench(directory / "bench.yaml")
    deployment, plan = planned(bench, "fnat-two-arm")
    facts = version_facts(Version.parse(bench.dut.dpvs.version))
    wanted = {
        role: dut_sections(bench, deployment.topology, facts)
        if role == "dut"
        else survey.client()
        if role in bench.clients
        else survey.real_server()
        for role in bench.hosts
    }
    compared = {
        role: {name: read for name, read in sections.items() if name in compare.SECTIONS}
        for role, sections in wanted.items()
    }
    hosts = connect_all(bench.hosts, bench.ssh_config_path)
    return Benched(deployment, plan, hosts, wanted, compared)
